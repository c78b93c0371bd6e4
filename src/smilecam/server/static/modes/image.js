// An image from a file.

import { announce, plural } from "../dom.js";
import { engine } from "../engine.js";
import { hideBlank, note, setStatus } from "../notices.js";
import { Mode } from "./mode.js";

export class ImageMode extends Mode {
  name = "image";

  constructor(page, file) {
    super(page, file.name);
    this.file = file;
  }

  async enter() {
    this.page.stage.show(this.page.stage.image, false);
    await this.read();
  }

  /** Read it with the settings of now; a reading before this one is dropped. */
  async read() {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    setStatus("wait", "Reading");
    try {
      const answers = [engine.detect(this.file, this.page.settings.wanted, request.signal), createImageBitmap(this.file).catch(() => null)];
      const [result, bitmap] = await Promise.all(answers);
      if (!request.signal.aborted) this.show(result, bitmap);
      bitmap?.close();
    } catch (problem) {
      if (request.signal.aborted) return;
      this.page.idle({ problem: { title: "This image was not read", text: problem.message, status: "Not read" } });
    }
  }

  show({ width, height, faces }, bitmap) {
    const { stage, results } = this.page;
    Object.assign(stage.image, { width, height });
    if (bitmap) stage.image.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    else note("This browser cannot show this kind of image; the boxes are right all the same.", { info: true });
    stage.fit(width, height);
    stage.space = { width, height };
    hideBlank();
    results.addImage(faces);
    stage.draw(faces);
    const count = plural(faces.length, "face");
    const summary = `${count}, ${faces.filter((face) => face.smiling).length} with a smile`;
    setStatus("live", count);
    stage.setLabel(`${this.file.name}: ${summary}`);
    announce(summary);
    this.page.refresh();
  }

  settingsChanged() {
    this.read();
  }

  leave() {
    super.leave();
    this.request?.abort();
  }
}
