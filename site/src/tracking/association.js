// Association of the boxes of two frames, and suppression of those of one: the counterpart of tracking/association.py.

import { iou, similarity } from "../boxes.js";
import { round } from "../numbers.js";

/** Similarity from which boxes of one frame are one face. */
export const SAME_FACE = 0.4;

/** Detections in the whole image, in a row, that miss a known face before it is given up. */
export const MAX_UNCONFIRMED = 2;

/** The time to the next detection in the whole image doubles with each that finds just the faces known, up to this. */
export const MAX_FULL_GROWTH = 4;

const LEAST_SHARE = 0.25;
const SAME_BOX = 0.6;

/** Pair boxes greedily, most similar first: pairs of indices. */
export function match(before, now, minSimilarity) {
  const candidates = [];
  before.forEach((a, i) => now.forEach((b, j) => {
    const value = similarity(a, b);
    if (value >= minSimilarity && value > 0) candidates.push([-value, i, j]);
  }));
  return pairGreedily(candidates);
}

/** Choose pairs [cost, i, j], the cheapest first, so that each index is in one at most. */
export function pairGreedily(candidates) {
  const [first, second, pairs] = [new Set(), new Set(), []];
  for (const [, i, j] of candidates.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])) {
    if (first.has(i) || second.has(j)) continue;
    pairs.push([i, j]);
    first.add(i);
    second.add(j);
  }
  return pairs;
}

/** Keep one box of each face: indices of boxes in order of priority. */
export function nonMaximumSuppression(boxes) {
  const kept = [];
  boxes.forEach((box, at) => {
    if (kept.every((other) => similarity(box, boxes[other]) < SAME_FACE)) kept.push(at);
  });
  return kept;
}

/** The face on the straight line from a (share 0) to b (share 1). */
export function interpolate(a, b, share) {
  const between = (p, q) => p + share * (q - p);
  const landmarks = a.landmarks && b.landmarks ? a.landmarks.map((p, at) => between(p, b.landmarks[at])) : null;
  return { box: a.box.map((p, at) => round(between(p, b.box[at]))), confidence: between(a.confidence, b.confidence), landmarks };
}

/**
 * The mean of a face's boxes by its last detections.
 * @param {?object} followed their mean so far, where the pixels of the face are now
 * @param {object} found by a detection now
 * @param {number} detections that `followed` is the mean of
 * @returns {[object, number]} the face, and the number of detections that it is the mean of now
 */
export function meanFace(followed, found, detections) {
  if (!followed || iou(followed.box, found.box) < SAME_BOX) return [found, 1];
  return [interpolate(followed, found, Math.max(LEAST_SHARE, 1 / (detections + 1))), detections + 1];
}
