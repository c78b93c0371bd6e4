// Face detection with OpenCV's Haar cascade and a small network that tells faces from its false boxes: the counterpart of
// detection/haar.py and detection/face_filter.py.

import { centre, compareFaces, height, iou, side, translated, width } from "../boxes.js";
import { networkInputs } from "../classification/crop.js";
import { cut, resizeArea } from "../grey.js";
import { logistic, round } from "../numbers.js";

const MIN_FACE = 24;
const ROI_MARGIN = 0.2;
const REDETECT_CONFIDENCE = 0.2;
const SCALE_PENALTY = 8;

/** A quick scan over the region around a known face, and for the faces that it misses a fine one. */
const ROI_SCANS = [
  { faceSize: 28, minScale: 0.85, maxScale: 1.2, scaleFactor: 1.15 },
  { faceSize: 40, minScale: 0.75, maxScale: 1.34, scaleFactor: 1.05 },
];

export class HaarDetector {
  /**
   * @param {import("./cascade.js").Cascade} cascade proposes boxes, many of them false
   * @param {(inputs: Float32Array, shape: number[]) => Promise<Array<{data: Float32Array}>>} filter network that tells faces
   *   from those
   * @param {{detection_size: number, scale_factor: number, min_neighbors: number, min_confidence: number}} settings
   * @param {object} fitted what was fitted for both in Python: `description.haar`, see prepare.py
   */
  constructor(cascade, filter, settings, fitted) {
    Object.assign(this, { cascade, filter, settings, fitted });
  }

  /** Detect faces in an image, or in a region of it. */
  async detect(grey, region = null) {
    const proposals = this.boxes(grey, region);
    const odds = await this.faceLogOdds(grey, proposals.map(({ box }) => box));
    const { offset, per_score: perScore, per_log_odds: perLogOdds } = this.fitted;
    const kept = proposals
      .map(({ box, score }, at) => ({ box, score, confidence: logistic(offset + perScore * score + perLogOdds * odds[at]) }))
      .filter((one) => one.confidence >= this.settings.min_confidence);
    return this.suppressed(kept).map(({ box, confidence }) => ({ box, confidence, landmarks: null })).sort(compareFaces);
  }

  /** Boxes of the cascade with their scores, in pixels of the image. */
  boxes(grey, region) {
    const [left, top, right, bottom] = region ?? [0, 0, grey.width, grey.height];
    const inside = region ? cut(grey, region) : grey;
    const factor = Math.max(1, Math.max(grey.width, grey.height) / this.settings.detection_size);
    const size = [round((right - left) / factor), round((bottom - top) / factor)];
    if (Math.min(...size) < MIN_FACE) return [];
    const { scale_factor: scaleFactor, min_neighbors: minNeighbors } = this.settings;
    const found = this.cascade.detect(resizeArea(inside, ...size), { scaleFactor, minNeighbors, minSize: MIN_FACE });
    return found.map(({ box, score }) => (
      { box: translated(enlarged(box, inside.width / size[0], inside.height / size[1], inside), left, top), score }
    ));
  }

  /** Log odds of a face for boxes of the cascade. */
  async faceLogOdds(grey, boxes) {
    if (!boxes.length) return [];
    const { crop, input } = this.fitted;
    const values = input.size * input.size;
    const batch = new Float32Array(boxes.length * values);
    networkInputs(grey, boxes.map((box) => ({ box })), crop, input).forEach((face, row) => batch.set(face, row * values));
    const [{ data }] = await this.filter(batch, [boxes.length, 1, input.size, input.size]);
    return Array.from(data);
  }

  /** Single windows of the cascade lie in and over each other: the one with the highest score stays. */
  suppressed(proposals) {
    const isSame = (box, better) => {
      const [x, y] = centre(box);
      return iou(box, better) > this.fitted.max_iou || (better[0] < x && x < better[2] && better[1] < y && y < better[3]);
    };
    const kept = [];
    for (const one of proposals.sort((a, b) => b.score - a.score)) {
      if (!kept.some((other) => isSame(one.box, other.box))) kept.push(one);
    }
    return kept;
  }

  /** Detect known faces again: for each where it is now, or null. */
  async redetect(grey, faces) {
    return faces.map(({ box }) => this.redetectOne(grey, box, ROI_SCANS[0]) ?? this.redetectOne(grey, box, ROI_SCANS[1]));
  }

  redetectOne(grey, before, scan) {
    const size = side(before);
    const margin = round(ROI_MARGIN * size);
    const [left, top] = [Math.max(0, before[0] - margin), Math.max(0, before[1] - margin)];
    const roi = [left, top, Math.min(grey.width, before[2] + margin), Math.min(grey.height, before[3] + margin)];
    if (Math.min(width(roi), height(roi)) < MIN_FACE) return null;
    const factor = Math.min(1, scan.faceSize / size);
    const reduced = [Math.max(1, round(width(roi) * factor)), Math.max(1, round(height(roi) * factor))];
    const found = this.cascade.detect(resizeArea(cut(grey, roi), ...reduced), {
      scaleFactor: scan.scaleFactor,
      minNeighbors: 1,
      minSize: Math.max(MIN_FACE, round(size * factor * scan.minScale)),
      maxSize: Math.max(MIN_FACE, round(size * factor * scan.maxScale)),
    });
    const least = REDETECT_CONFIDENCE * this.settings.min_confidence;
    let [best, highest] = [null, -Infinity];
    for (const { box, score } of found) {
      // Of boxes of several sizes the confident ones, but sizes change slowly.
      const value = score - SCALE_PENALTY * Math.abs(Math.log(box[2] / (size * factor)));
      if (this.scoreConfidence(score) >= least && value > highest) [best, highest] = [{ box, score }, value];
    }
    if (!best) return null;
    const inRoi = enlarged(best.box, width(roi) / reduced[0], height(roi) / reduced[1], { width: width(roi), height: height(roi) });
    return { box: translated(inRoi, left, top), confidence: this.scoreConfidence(best.score), landmarks: null };
  }

  /** Share of true faces among boxes around a known face of this score of the cascade, 0 to 1. */
  scoreConfidence(score) {
    return logistic((score - this.fitted.score_centre) / this.fitted.score_width);
  }
}

/** A box (x, y, width, height) of the reduced image in pixels of the original, clipped to it. */
function enlarged([x, y, wide, high], across, down, whole) {
  return [
    round(x * across), round(y * down), Math.min(round((x + wide) * across), whole.width), Math.min(round((y + high) * down), whole.height),
  ];
}
