// The server's own source: a live one, or a recorded video that plays for all viewers together.

import { setMain } from "../controls.js";
import { $, announce, clock, setText } from "../dom.js";
import { engine } from "../engine.js";
import { note, setStatus, showBlank } from "../notices.js";
import { LiveMode } from "./live.js";

const ARRIVED = 0.5; // seconds of the video
const ARRIVAL_LIMIT = 2000;

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
    if (this.section !== undefined && result.section !== this.section) {
      this.numbering.restart();
      results.restart();
    } else if (results.log.last && result.time < results.log.last - 1) {
      results.restart();
    }
    this.section = result.section;
    if (!stage.space) stage.fit(stage.image.width, stage.image.height);
    this.take(result, { ...times, image: stage.image });
    if (this.recorded && this.hasArrived(result.time)) this.showPosition(result.time);
  }

  sourceState({ name, live, duration, state, ended }) {
    const { results } = this.page;
    results.source = name;
    if (!live) {
      this.showPlayback(duration, state);
      return;
    }
    if (!ended) return;
    results.endSmiles();
    setStatus("idle", "Ended");
    if (this.lastResult) note("The source has ended.", { info: true });
    else showBlank("The source has ended", name, { actions: false });
  }

  /** A recorded video begins, pauses, goes on or ends. */
  showPlayback(duration, state) {
    const { results, seekBar } = this.page;
    if (!this.recorded) {
      this.recorded = true;
      this.duration = duration ?? 0;
      if (this.duration) results.setLength(this.duration);
      seekBar.show(this.duration);
      $("main").hidden = $("player").hidden = false;
      $("before").hidden = $("after").hidden = true;
    }
    const [icon, text, status] = {
      paused: ["play", "Play", "Paused"], ended: ["replay", "Play again", "Ended"],
    }[state] ?? ["pause", "Pause", "Playing"];
    setMain(icon, text);
    setStatus(state === "playing" ? "live" : "idle", status);
    if (this.state && this.state !== state) announce(status);
    this.state = state;
    if (state === "ended") {
      results.endSmiles();
      this.showPosition(Math.max(this.time ?? 0, this.duration));
    }
  }

  /** Whether a result is of where the video was moved to; those before it would throw the position back. */
  hasArrived(time) {
    const { moved } = this;
    if (moved && Math.abs(time - moved.to) > ARRIVED && performance.now() - moved.at < ARRIVAL_LIMIT) return false;
    this.moved = null;
    return true;
  }

  showPosition(time) {
    this.time = time;
    this.page.seekBar.at(time);
    setText($("clock"), this.duration ? `${clock(time, true)} / ${clock(this.duration, true)}` : clock(time, true));
  }

  get seekable() {
    return Boolean(this.recorded);
  }

  /** A video that stands still shows its last result for as long as it does. */
  get blind() {
    return this.recorded && this.state !== "playing" ? false : super.blind;
  }

  seek(time) {
    if (!this.recorded) return;
    const wanted = Math.max(0, this.duration ? Math.min(this.duration, time) : time);
    this.moved = { to: wanted, at: performance.now() };
    this.showPosition(wanted);
    this.input.control("seek", wanted);
  }

  step(seconds) {
    this.seek((this.time ?? 0) + seconds);
  }

  pressMain() {
    if (this.recorded) this.input.control(this.state === "playing" ? "pause" : "play");
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
