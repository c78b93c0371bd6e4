// The frames of a recorded video, window by window: the counterpart of OfflineRun in pipeline/run.py. Every face is read in
// every frame; Python reads those of which nothing can have changed more rarely.

import { CutDetector } from "../detection/motion.js";
import { OfflineFaceTracks } from "../tracking/offline-faces.js";
import { OfflineFaceFinder } from "../tracking/offline.js";

/** A window is not longer than this, since its frames are in memory. */
const WINDOW_PIXELS = 20_000_000;

export class VideoRun {
  /**
   * @param {string} source its name in the results
   * @param {{detector: object, thorough: object, classifier: object, threshold: number, decision: object}} setup
   */
  constructor(source, setup) {
    this.source = source;
    this.setup = setup;
    this.finder = new OfflineFaceFinder(setup.detector, setup.thorough);
    this.tracks = new OfflineFaceTracks(source, setup.threshold, setup.decision);
    this.cuts = new CutDetector();
    this.waiting = [];
    this.isCut = false;
    this.frames = 0;
    this.lines = [];
  }

  /** Take the next frame: a grey image that nobody changes afterwards, and its time in seconds. */
  async add(grey, time) {
    const { waiting } = this;
    if (this.cuts.next(grey)) {
      await this.find();
      this.isCut = true;
    }
    waiting.push({ number: this.frames, grey, time });
    this.frames += 1;
    const pixels = waiting.length * grey.width * grey.height;
    if (pixels >= WINDOW_PIXELS || this.finder.endsWindow(waiting.length, time - waiting[0].time)) await this.find();
  }

  /** The lines of results, as of `smilecam detect --jsonl`, once no further frame comes. */
  async finish() {
    await this.find();
    this.take(this.tracks.finish());
    return this.lines;
  }

  /** Find and read the faces of the frames that wait. */
  async find() {
    const frames = this.waiting.splice(0);
    if (!frames.length) return;
    if (this.isCut) {
      this.finder.reset();
      this.tracks.cut();
      this.isCut = false;
    }
    const { classifier } = this.setup;
    const found = await this.finder.next(frames.map(({ grey }) => grey), frames.map(({ time }) => time));
    const smiles = await classifier.classify(frames.flatMap(({ grey }, at) => classifier.inputs(grey, found[at])));
    frames.forEach(({ number, time }, at) => {
      const samples = found[at].map(() => ({ smile: smiles.shift(), interpolated: false }));
      this.tracks.add(number, this.tracks.associate(time, found[at]), found[at], samples);
    });
    this.take(this.tracks.settled());
  }

  take(results) {
    const { source } = this;
    for (const { frame, time, faces, events } of results) this.lines.push({ type: "frame", source, frame, time, faces }, ...events);
  }
}
