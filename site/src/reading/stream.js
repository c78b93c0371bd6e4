// A stream of frames of the page's camera: takes and gives the messages of camera-worker.js.

import { OnlineRun } from "../pipeline/online-run.js";
import { Problem } from "../problem.js";
import { changed, decisionOf, defaults, thresholdOf } from "../settings.js";
import { RemoteDetection } from "./background.js";
import { greyOf } from "./pixels.js";

const now = () => performance.timeOrigin + performance.now();

export class Stream {
  /**
   * @param {MessagePort} port to the page
   * @param {MessagePort} detection to the detection worker
   * @param {import("./parts.js").Parts} parts
   */
  constructor(port, detection, parts) {
    Object.assign(this, { port, detection, parts });
    this.frames = 0;
    this.time = 0;
    port.onmessage = ({ data }) => this.take(data);
  }

  async take(data) {
    if (data.do === "open") await this.guard(() => this.open(data.settings));
    else if (data.do === "settings") await this.guard(() => this.choose(data.settings));
    else if (data.do === "frame") await this.guard(() => this.frame(data), data.seq);
    else if (data.do === "close") this.close();
  }

  /** Report what goes wrong, as the server does. */
  async guard(act, seq) {
    try {
      await act();
    } catch (problem) {
      const known = problem instanceof Problem;
      if (!known) console.error(problem);
      const { code, message } = known ? problem : new Problem("internal", "This browser cannot do this.");
      const content = { type: "error", code, message };
      this.say({ kind: "message", content: seq === undefined ? content : { ...content, seq } });
    }
  }

  say(message) {
    if (!this.closed) this.port.postMessage(message);
  }

  async open(settings) {
    this.description = await this.parts.description();
    this.settings = changed(this.description, defaults(this.description), settings);
    await this.setUp();
    this.say({ kind: "state", state: "open", about: {} });
    this.sayInForce();
    this.say({ kind: "free" });
  }

  async choose(settings) {
    this.settings = changed(this.description, this.settings, settings);
    await this.setUp();
    this.sayInForce();
  }

  async setUp() {
    const { parts, settings } = this;
    const [detector, classifier] = await Promise.all([parts.detector(settings.detector, "stream"), parts.classifier(settings)]);
    this.background = this.background?.detector === settings.detector ? this.background : new RemoteDetection(this.detection, settings.detector);
    this.setup = {
      detectorName: settings.detector, detector, background: this.background, classifier,
      threshold: thresholdOf(this.description, settings), decision: decisionOf(settings), maxFaces: this.description.max_faces,
    };
  }

  sayInForce() {
    this.say({ kind: "message", content: { type: "settings", ...this.settings, threshold_in_force: this.setup.threshold } });
  }

  async frame({ image, seq, time, width, height }) {
    const began = performance.now();
    const received = now();
    const grey = await greyOf(image, width, height).finally(() => image.close());
    if (!this.run) this.run = new OnlineRun("camera", this.setup, () => performance.now() / 1000);
    if (this.run.setup !== this.setup) this.run.change(this.setup);
    this.time = Math.max(this.time, time);
    const result = await this.run.process(this.frames, this.time, grey);
    this.frames += 1;
    const taken = Math.round(100 * (performance.now() - began)) / 100;
    const content = { type: "result", seq, ...result, width, height, server_ms: taken, dropped: 0 };
    this.say({ kind: "message", content, sent: received, received: now() });
  }

  close() {
    this.closed = true;
    this.port.close();
    this.detection.close();
  }
}
