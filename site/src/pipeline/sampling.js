// Reading smiles where they can change: the counterpart of LiveSampler in pipeline/sampling.py.

import { moments } from "../grey.js";
import { logOdds } from "../numbers.js";

const MAX_GAP_SECONDS = 0.6;
const LIVE_UNREAD = [
  { gap: 0.12, sure: 2, alike: 0.97 },
  { gap: 0.09, sure: 3, alike: 0.9 },
];

const MAX_FACES_READ = 4;
const OVERDUE_SECONDS = 0.3;

/** Reads the faces of a live stream, frame by frame, and lets the probability of one that stays the same stand. */
export class LiveSampler {
  last = new Map();

  /**
   * Give a sample, {smile, interpolated}, for each face of the next frame.
   * @param {object} grey the frame
   * @param {number} time of it in seconds
   * @param {object[]} faces
   * @param {number[]} tracks number of the track of each
   * @param {import("../classification/classifier.js").FaceClassifier} classifier
   * @param {number} threshold probability around which smiles begin and end
   */
  async next(grey, time, faces, tracks, classifier, threshold) {
    const inputs = classifier.inputs(grey, faces);
    const rows = inputs.map(standardized);
    const samples = tracks.map((track, at) => this.standing(track, time, rows[at], logOdds(threshold)));
    const unread = samples.flatMap((sample, at) => (sample ? [] : [at]));
    const wanted = this.mostUrgent(unread, tracks, time);
    for (const at of unread) {
      if (!wanted.includes(at)) samples[at] = { smile: this.last.get(tracks[at]).smile, interpolated: true };
    }
    const smiles = await classifier.classify(wanted.map((at) => inputs[at]));
    wanted.forEach((at, row) => {
      samples[at] = { smile: smiles[row], interpolated: false };
      this.last.set(tracks[at], { time, smile: smiles[row], row: rows[at] });
    });
    for (const [track, last] of this.last) if (time - last.time > MAX_GAP_SECONDS) this.last.delete(track);
    return samples;
  }

  /** Of the faces that are to be read, by index, those that are read now: new ones, then the longest ago. */
  mostUrgent(unread, tracks, time) {
    const since = (at) => {
      const last = this.last.get(tracks[at]);
      return !last || time < last.time ? Infinity : time - last.time;
    };
    const longestFirst = [...unread].sort((a, b) => (since(a) === since(b) ? a - b : since(b) - since(a)));
    const overdue = unread.filter((at) => since(at) >= OVERDUE_SECONDS).length;
    return longestFirst.slice(0, Math.max(MAX_FACES_READ, overdue)).sort((a, b) => a - b);
  }

  /** What a face was read as, where that still stands. */
  standing(track, time, row, threshold) {
    const last = this.last.get(track);
    if (!last || last.row.length !== row.length) return null;
    const passed = time - last.time;
    if (!(passed >= 0)) return null;
    const distance = Math.abs(logOdds(last.smile) - threshold);
    const similarity = dot(last.row, row);
    const stands = LIVE_UNREAD.some(
      ({ gap, sure, alike }) => passed <= gap && distance >= sure && similarity >= alike,
    );
    return stands ? { smile: last.smile, interpolated: true } : null;
  }
}

/** The network's input as a row of zero mean and unit length. */
export function standardized(input) {
  const { mean, deviation } = moments(input);
  const norm = Math.max(1e-6, deviation * Math.sqrt(input.length));
  return Float32Array.from(input, (value) => (value - mean) / norm);
}

export function dot(a, b) {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += a[at] * b[at];
  return sum;
}
