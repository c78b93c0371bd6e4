// The server's own source.

import { engine } from "../engine.js";
import { note, setStatus, showBlank } from "../notices.js";
import { LiveMode } from "./live.js";

export class ServerMode extends LiveMode {
  name = "server";

  constructor(page) {
    super(page, page.offered?.source?.name ?? "source");
  }

  async enter() {
    const { stage } = this.page;
    showBlank("Waiting for the source", this.source, { actions: false });
    setStatus("wait", "Connecting");
    stage.show(stage.image, false);
    this.input = engine.openSource(stage.image, {
      ...this.handlers(),
      result: this.whileHere((result, times) => this.takeNext(result, times)),
      source: this.whileHere((state) => this.sourceState(state)),
      event: this.whileHere((event) => this.sourceEvent(event)),
    });
    this.input.open();
  }

  takeNext(result, times) {
    const { stage, results } = this.page;
    if (results.log.last && result.time < results.log.last - 1) results.restart();
    if (!stage.space) stage.fit(stage.image.width, stage.image.height);
    this.take(result, { ...times, image: stage.image });
  }

  sourceState({ name, ended }) {
    const { results } = this.page;
    results.source = name;
    if (!ended) return;
    results.endSmiles();
    setStatus("idle", "Ended");
    if (this.lastResult) note("The source has ended.", { info: true });
    else showBlank("The source has ended", name, { actions: false });
  }

  sourceEvent(event) {
    if (event.event === "source_lost") {
      note("The source does not answer. The server keeps trying to open it.");
      setStatus("wait", "Source lost");
    } else if (event.event === "source_restored") {
      note(null);
      setStatus("live", "Live");
    }
    this.page.results.addSourceEvent(event);
  }

  settingsChanged(_, changes) {
    this.input.set(changes);
  }
}
