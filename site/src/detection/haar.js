// Face detection with OpenCV's Haar cascade: the counterpart of detection/haar.py.

import { compareFaces, height, side, translated, width } from "../boxes.js";
import { cut, resizeArea } from "../grey.js";
import { round } from "../numbers.js";

const MIN_FACE = 24;
const SCORE_CENTRE = 0.791;
const SCORE_WIDTH = 1.294;
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
   * @param {import("./cascade.js").Cascade} cascade
   * @param {{detection_size: number, scale_factor: number, min_neighbors: number, min_confidence: number}} settings
   */
  constructor(cascade, settings) {
    Object.assign(this, { cascade, settings });
  }

  /** Detect faces in an image, or in a region of it. */
  async detect(grey, region = null) {
    const factor = Math.max(1, Math.max(grey.width, grey.height) / this.settings.detection_size);
    const faces = region
      ? this.faces(cut(grey, region), factor).map((face) => ({ ...face, box: translated(face.box, region[0], region[1]) }))
      : this.faces(grey, factor);
    return faces.sort(compareFaces);
  }

  faces(grey, factor) {
    const { scale_factor: scaleFactor, min_neighbors: minNeighbors, min_confidence: minConfidence } = this.settings;
    const size = [round(grey.width / factor), round(grey.height / factor)];
    if (Math.min(...size) < MIN_FACE) return [];
    const found = this.cascade.detect(resizeArea(grey, ...size), { scaleFactor, minNeighbors, minSize: MIN_FACE });
    return found
      .map(({ box, score }) => face(enlarged(box, grey.width / size[0], grey.height / size[1], grey), score))
      .filter((one) => one.confidence >= minConfidence);
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
      if (confidence(score) >= least && value > highest) [best, highest] = [{ box, score }, value];
    }
    if (!best) return null;
    const inRoi = enlarged(best.box, width(roi) / reduced[0], height(roi) / reduced[1], { width: width(roi), height: height(roi) });
    return face(translated(inRoi, left, top), best.score);
  }
}

/** Share of true faces among boxes of this score of the cascade, 0 to 1. */
export const confidence = (score) => 1 / (1 + Math.exp(Math.min(700, (SCORE_CENTRE - score) / SCORE_WIDTH)));

const face = (box, score) => ({ box, confidence: confidence(score), landmarks: null });

/** A box (x, y, width, height) of the reduced image in pixels of the original, clipped to it. */
function enlarged([x, y, wide, high], across, down, whole) {
  return [
    round(x * across), round(y * down), Math.min(round((x + wide) * across), whole.width), Math.min(round((y + high) * down), whole.height),
  ];
}
