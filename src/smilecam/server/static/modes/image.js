// Images from files: each is read by itself, a strip shows all of them, and one is open at a time.

import { setMain } from "../controls.js";
import { $, announce, plural } from "../dom.js";
import { engine } from "../engine.js";
import { ImageStrip } from "../image-strip.js";
import { hideBlank, note, setStatus, showBlank } from "../notices.js";
import { Mode } from "./mode.js";

const THUMBNAIL = 240; // pixels, for screens of two pixels a point

const smilesOf = (faces) => faces.filter((face) => face.smiling).length;

export class ImageMode extends Mode {
  name = "image";

  /**
   * @param {object} page
   * @param {File[]} files at least one
   */
  constructor(page, files) {
    super(page, files.length === 1 ? files[0].name : plural(files.length, "image"));
    /** What is known of each file: its result, or why it was not read. */
    this.images = files.map((file) => ({ file, result: null, error: null }));
    this.file = files[0];
    this.open = -1;
    if (files.length > 1) this.strip = new ImageStrip(files.map((file) => file.name), this.whileHere((at) => this.show(at)));
  }

  async enter() {
    this.page.stage.show(this.page.stage.image, false);
    this.strip?.begin();
    await this.read();
  }

  /** Read what has not been read, with the settings of now; a reading before this one is dropped. */
  async read() {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    for (const [at, image] of this.images.entries()) {
      if (image.result) continue;
      this.showProgress(at);
      await this.readOne(at, request.signal);
      if (request.signal.aborted) return;
    }
    this.request = null;
    this.showEnd();
  }

  async readOne(at, signal) {
    const image = this.images[at];
    try {
      image.result = await engine.detect(image.file, this.page.settings.wanted, signal);
      image.error = null;
    } catch (problem) {
      if (signal.aborted) return;
      image.error = problem;
      if (!this.strip) {
        this.page.idle({ problem: { title: "This image was not read", text: problem.message, status: "Not read" } });
        return;
      }
    }
    if (image.result) this.page.results.logImage(image.file.name, image.result.faces);
    if (this.strip) {
      await this.fillStrip(at);
      if (signal.aborted) return;
    }
    if (image.result && (this.open < 0 || this.open === at)) await this.show(at);
  }

  async fillStrip(at) {
    const { file, result, error } = this.images[at];
    const size = result && result.width > result.height ? { resizeHeight: THUMBNAIL } : { resizeWidth: THUMBNAIL };
    const bitmap = result && await createImageBitmap(file, { ...size, resizeQuality: "medium" }).catch(() => null);
    const text = result ? `${plural(result.faces.length, "face")}, ${smilesOf(result.faces)} with a smile` : error.message;
    if (!this.left) this.strip.fill(at, { bitmap, text, faces: result?.faces.length, smiles: result && smilesOf(result.faces) });
    bitmap?.close();
  }

  /** Open an image. */
  async show(at) {
    const { stage, results } = this.page;
    const { file, result, error } = this.images[at];
    if (!result && !error) return;
    this.open = at;
    this.file = file;
    this.strip?.mark(at);
    if (error) {
      stage.space = null;
      stage.overlay.clear();
      results.showFaces([]);
      showBlank("This image was not read", `${file.name}: ${error.message}`, { bad: true, actions: false });
      return;
    }
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (this.left || this.open !== at) {
      bitmap?.close();
      return;
    }
    this.draw(result, bitmap);
    bitmap?.close();
  }

  draw({ width, height, faces }, bitmap) {
    const { stage, results } = this.page;
    Object.assign(stage.image, { width, height });
    if (bitmap) stage.image.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    else note("This browser cannot show this kind of image; the boxes are right all the same.", { info: true });
    stage.fit(width, height);
    stage.space = { width, height };
    hideBlank();
    stage.draw(faces);
    results.showFaces(faces);
    const count = plural(faces.length, "face");
    const summary = `${count}, ${smilesOf(faces)} with a smile`;
    if (!this.strip) setStatus("live", count);
    stage.setLabel(`${this.file.name}: ${summary}`);
    announce(this.strip ? `${this.file.name}: ${summary}` : summary);
    this.page.refresh();
  }

  showProgress(at) {
    setStatus("wait", this.strip ? `Reading ${at + 1} of ${this.images.length}` : "Reading");
    if (!this.strip) return;
    setMain("stop", "Stop");
    $("main").hidden = false;
    this.strip.summarise(this.images);
  }

  showEnd() {
    if (!this.strip) return;
    $("main").hidden = true;
    setStatus("live", plural(this.images.length, "image"));
    announce(this.strip.summarise(this.images));
    if (this.open < 0) this.show(0);
  }

  /** Stop reading, or read the rest. */
  pressMain() {
    if (!this.strip) return;
    if (!this.request) {
      this.read();
      return;
    }
    this.request.abort();
    this.request = null;
    setMain("play", "Read the rest");
    setStatus("idle", "Stopped");
    announce(this.strip.summarise(this.images));
  }

  /** Go to the image before or after. */
  step(direction) {
    const wanted = this.open + Math.sign(direction);
    if (this.strip && wanted >= 0 && wanted < this.images.length) this.show(wanted);
  }

  settingsChanged() {
    for (const image of this.images) image.result = image.error = null;
    this.page.results.log.reset();
    this.strip?.begin();
    this.read();
  }

  leave() {
    super.leave();
    this.request?.abort();
    this.strip?.end();
  }
}
