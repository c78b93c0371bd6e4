// The frames of one live stream: the counterpart of pipeline/online_run.py.

import { CutDetector } from "../detection/motion.js";
import { FaceTracks } from "../tracking/faces.js";
import { OnlineFaceFinder } from "../tracking/online.js";
import { LiveSampler } from "./sampling.js";

export class OnlineRun {
  /**
   * @param {string} source its name in the results
   * @param {Setup} setup of the first frame
   * @param {() => number} clock seconds that only grow
   *
   * @typedef {object} Setup how frames are processed
   * @property {string} detectorName
   * @property {object} detector for known faces
   * @property {object} background detects in whole images; see `OnlineFaceFinder`
   * @property {import("../classification/classifier.js").FaceClassifier} classifier
   * @property {number} threshold
   * @property {object} decision
   * @property {number} maxFaces
   */
  constructor(source, setup, clock) {
    this.clock = clock;
    this.tracks = new FaceTracks(source, setup.threshold, setup.decision);
    this.cuts = new CutDetector();
    this.begin(setup);
  }

  begin(setup) {
    this.setup = setup;
    this.finder = new OnlineFaceFinder(setup.detector, setup.background, this.clock, setup.maxFaces);
    this.sampler = new LiveSampler();
  }

  /** Process frames with another setup from the next one on; tracks and their states stay. */
  change(setup) {
    const before = this.setup;
    if (setup.detectorName !== before.detectorName) this.begin(setup);
    if (setup.classifier !== before.classifier) this.sampler = new LiveSampler();
    this.setup = setup;
    this.tracks.updateSettings(setup.threshold, setup.decision);
  }

  /**
   * Process the next frame.
   * @param {number} number of the frame
   * @param {number} time of it in seconds
   * @param {{data: Uint8Array, width: number, height: number}} grey not changed by anybody afterwards
   * @returns {Promise<{frame: number, time: number, faces: object[], events: object[]}>}
   */
  async process(number, time, grey) {
    const { setup } = this;
    if (this.cuts.next(grey)) {
      this.finder.reset();
      this.tracks.cut();
    }
    const faces = await this.finder.next(grey);
    const association = this.tracks.associate(time, faces);
    const samples = await this.sampler.next(grey, association.time, faces, association.tracks, setup.classifier, setup.threshold);
    return this.tracks.update(number, association, faces, samples);
  }
}
