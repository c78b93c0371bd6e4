// A known face found again by its pixels: the counterpart of detection/patch.py.

import { clipped, side, translated } from "../boxes.js";
import { cut, moments, resizeArea } from "../grey.js";
import { round } from "../numbers.js";

/** A face is reduced to about this many pixels. */
const PATCH_SIDE = 20;

/** How far most faces move at most, as a share of their side, and those that are not found so. */
const MARGIN = 0.2;
const WIDE_MARGIN = 0.6;

/** Normalised correlation from which the pixels are still those of the face. */
const MIN_CORRELATION = 0.8;

/** Patches of fewer pixels across, or of a smaller standard deviation in grey values, are found anywhere. */
const MIN_STEPS = 8;
const MIN_CONTRAST = 4;

export class FacePatch {
  constructor(face, pixels, corner, step) {
    Object.assign(this, { face, pixels, corner, step });
    const { mean } = moments(pixels.data);
    this.centred = Float64Array.from(pixels.data, (value) => value - mean);
    this.norm = this.centred.reduce((sum, value) => sum + value * value, 0);
  }

  /** The patch of a face, or null where too little of it is to be seen. */
  static cut(grey, face) {
    const { box } = face;
    const step = Math.max(1, round(side(box) / PATCH_SIDE));
    const [x1, y1] = [Math.max(0, box[0]), Math.max(0, box[1])];
    const columns = Math.floor((Math.min(grey.width, box[2]) - x1) / step);
    const rows = Math.floor((Math.min(grey.height, box[3]) - y1) / step);
    if (Math.min(columns, rows) < MIN_STEPS) return null;
    const pixels = reduced(grey, x1, y1, columns, rows, step);
    return moments(pixels.data).deviation >= MIN_CONTRAST ? new FacePatch(face, pixels, [x1, y1], step) : null;
  }

  /** The face in another image of the same video, or null where its pixels are not found. */
  find(grey, expected) {
    return this.within(grey, expected, MARGIN) ?? this.within(grey, expected, WIDE_MARGIN);
  }

  /** The face no further away than a share of its side. */
  within(grey, expected, margin) {
    const { step, pixels, corner, face } = this;
    const steps = Math.max(1, round(margin * Math.max(pixels.width, pixels.height)));
    const left = corner[0] + expected.box[0] - face.box[0];
    const top = corner[1] + expected.box[1] - face.box[1];
    const [beforeX, beforeY] = [Math.min(steps, Math.floor(left / step)), Math.min(steps, Math.floor(top / step))];
    const [x1, y1] = [left - beforeX * step, top - beforeY * step];
    const across = Math.min(pixels.width + beforeX + steps, Math.floor((grey.width - x1) / step));
    const down = Math.min(pixels.height + beforeY + steps, Math.floor((grey.height - y1) / step));
    if (beforeX < 0 || beforeY < 0 || across < pixels.width || down < pixels.height) return null;
    const scores = this.correlations(reduced(grey, x1, y1, across, down, step));
    const { row, column } = scores;
    if (!(scores.at(row, column) >= MIN_CORRELATION)) return null;
    const x = x1 + step * peak((at) => scores.at(row, at), column, scores.width) - corner[0];
    const y = y1 + step * peak((at) => scores.at(at, column), row, scores.height) - corner[1];
    return moved(face, x, y, grey);
  }

  /** How the patch correlates with each part of a region, and where most. */
  correlations(region) {
    const width = region.width - this.pixels.width + 1;
    const height = region.height - this.pixels.height + 1;
    const values = new Float32Array(width * height);
    let best = 0;
    for (let at = 0; at < values.length; at += 1) {
      values[at] = this.correlation(region, at % width, Math.floor(at / width));
      if (values[at] > values[best]) best = at;
    }
    const at = (row, column) => values[row * width + column];
    return { at, width, height, row: Math.floor(best / width), column: best % width };
  }

  correlation(region, left, top) {
    const { width, height } = this.pixels;
    let [sum, squares, product, at] = [0, 0, 0, 0];
    for (let y = 0; y < height; y += 1) {
      const from = (top + y) * region.width + left;
      for (let x = 0; x < width; x += 1) {
        const value = region.data[from + x];
        sum += value;
        squares += value * value;
        product += value * this.centred[at++];
      }
    }
    const norm = Math.sqrt(Math.max(0, squares - (sum * sum) / (width * height)) * this.norm);
    return norm > 1e-9 ? product / norm : 0;
  }
}

function reduced(grey, x, y, columns, rows, step) {
  return resizeArea(cut(grey, [x, y, x + columns * step, y + rows * step]), columns, rows);
}

/** Where the parabola through a maximum and its neighbours is highest. */
function peak(score, at, count) {
  if (at <= 0 || at >= count - 1) return at;
  const [before, best, after] = [score(at - 1), score(at), score(at + 1)];
  const bend = before - 2 * best + after;
  return at + (bend < 0 ? (0.5 * (before - after)) / bend : 0);
}

function moved(face, across, down, image) {
  const box = clipped(translated(face.box, round(across), round(down)), image);
  const landmarks = face.landmarks && face.landmarks.map((value, at) => value + (at % 2 ? down : across));
  return { box, confidence: face.confidence, landmarks };
}
