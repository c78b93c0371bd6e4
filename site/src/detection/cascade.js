// A boosted cascade of Haar-like features over an integral image, evaluated as OpenCV does: a pyramid of images, a window
// of 24 x 24 pixels that is normalised by its contrast, stages that reject it, and groups of windows that passed them all.
//
// The cascade's file is OpenCV's, in a compact form that site/prepare.py writes: little-endian, a header of four Uint32
// (side of the window, number of stages, of stumps, of features), then for the stages Uint32 counts of stumps and Float32
// thresholds; for the stumps Float32 thresholds, left and right values and Uint32 features; for the features three times
// Int32 x, y, width, height and a Float32 weight.

import { greyImage } from "../grey.js";
import { round } from "../numbers.js";

/** Of thresholds of stages, against rounding. */
const THRESHOLD_EPSILON = 1e-5;

/** Windows whose places and sizes differ by less than this share are one face. */
const GROUP_EPSILON = 0.2;

/** Below this scale only every other pixel is looked at. */
const FINE_SCALE = 2;

export function readCascade(buffer) {
  const [side, stages, stumps, features] = new Uint32Array(buffer, 0, 4);
  let at = 16;
  const take = (Kind, count) => {
    const values = new Kind(buffer, at, count);
    at += values.byteLength;
    return values;
  };
  const counts = Int32Array.from(take(Uint32Array, stages));
  const limits = take(Float32Array, stages).map((limit) => limit - THRESHOLD_EPSILON);
  const [thresholds, left, right] = [0, 1, 2].map(() => take(Float32Array, stumps));
  const ofStump = take(Uint32Array, stumps);
  const places = take(Int32Array, features * 12);
  const ofFeature = take(Float32Array, features * 3);
  const weights = new Float32Array(stumps * 3);
  ofStump.forEach((feature, stump) => weights.set(ofFeature.subarray(feature * 3, feature * 3 + 3), stump * 3));
  return { side, counts, limits, thresholds, left, right, features: ofStump, places, weights };
}

export class Cascade {
  /** @param {ArrayBuffer} buffer the cascade's file */
  constructor(buffer) {
    this.cascade = readCascade(buffer);
    this.offsets = new Int32Array(this.cascade.features.length * 12);
    this.stride = 0;
  }

  /**
   * Detect in an image.
   * @param {{data: Uint8Array, width: number, height: number}} image
   * @param {{scaleFactor: number, minNeighbors: number, minSize: number, maxSize?: number}} options
   * @returns {Array<{box: number[], score: number}>} boxes as x, y, width, height
   */
  detect(image, { scaleFactor, minNeighbors, minSize, maxSize = Infinity }) {
    const found = [];
    for (const scale of this.scales(image, scaleFactor, minSize, maxSize)) this.scan(image, scale, found);
    return grouped(found, minNeighbors);
  }

  /** The scales at which the window has a wanted size; the one nearest to it where there is none. */
  scales(image, scaleFactor, minSize, maxSize) {
    const { side } = this.cascade;
    const all = [];
    for (let factor = 1; ; factor *= scaleFactor) {
      const size = round(side * factor);
      if (size > maxSize || size > image.width || size > image.height) break;
      all.push(factor);
    }
    const wanted = all.filter((factor) => round(side * factor) >= minSize);
    return wanted.length || !all.length ? wanted : [all.at(-1)];
  }

  scan(image, scale, found) {
    const { side } = this.cascade;
    const single = Math.fround(scale);
    const [width, height] = [round(image.width / single), round(image.height / single)];
    const sums = integrals(resizeExact(image, width, height));
    this.place(width + 1);
    const step = single >= FINE_SCALE ? 1 : 2;
    const size = round(side * single);
    for (let y = 0; y < height - side; y += step) {
      for (let x = 0; x < width - side; x += step) {
        const at = y * (width + 1) + x;
        const factor = this.contrast(sums, at);
        if (!factor) continue;
        const score = evaluate(this.cascade, this.offsets, sums.sum, at, factor);
        if (score === REJECTED_AT_ONCE) x += step;
        else if (score !== REJECTED) found.push({ box: [round(x * single), round(y * single), size, size], score });
      }
    }
  }

  /** Offsets of the corners of all features, in the order of the stumps, for an integral image of so many columns. */
  place(stride) {
    if (stride === this.stride) return;
    this.stride = stride;
    const { places, features } = this.cascade;
    features.forEach((feature, stump) => {
      for (let part = 0; part < 12; part += 4) {
        const [x, y, width, height] = places.subarray(feature * 12 + part, feature * 12 + part + 4);
        const corners = [y * stride + x, y * stride + x + width, (y + height) * stride + x, (y + height) * stride + x + width];
        this.offsets.set(corners, stump * 12 + part);
      }
    });
  }

  /** What makes the features of a window independent of its contrast; 0 for a window that is too flat. */
  contrast({ sum, squares }, at) {
    const inner = this.cascade.side - 2;
    const [a, b] = [at + this.stride + 1, at + (1 + inner) * this.stride + 1];
    const area = inner * inner;
    const values = sum[a] - sum[a + inner] - sum[b] + sum[b + inner];
    const variance = area * (squares[a] - squares[a + inner] - squares[b] + squares[b + inner]) - values * values;
    if (variance <= 0) return 0;
    const factor = 1 / Math.sqrt(variance);
    return area * factor < 0.1 ? factor : 0;
  }
}

const REJECTED = -Infinity;
const REJECTED_AT_ONCE = Infinity;

/** The sum of the last stage for the window at a place of the integral image, or that it was rejected. The hot loop. */
function evaluate(cascade, offsets, sum, at, factor) {
  const { counts, limits, thresholds, left, right, weights } = cascade;
  let stump = 0;
  let total = 0;
  for (let stage = 0; stage < counts.length; stage += 1) {
    const last = stump + counts[stage];
    total = 0;
    for (; stump < last; stump += 1) {
      const o = stump * 12;
      const w = stump * 3;
      let value = weights[w] * (sum[at + offsets[o]] - sum[at + offsets[o + 1]] - sum[at + offsets[o + 2]] + sum[at + offsets[o + 3]])
        + weights[w + 1] * (sum[at + offsets[o + 4]] - sum[at + offsets[o + 5]] - sum[at + offsets[o + 6]] + sum[at + offsets[o + 7]]);
      const third = weights[w + 2];
      if (third !== 0) value += third * (sum[at + offsets[o + 8]] - sum[at + offsets[o + 9]] - sum[at + offsets[o + 10]] + sum[at + offsets[o + 11]]);
      total += value * factor < thresholds[stump] ? left[stump] : right[stump];
    }
    if (total < limits[stage]) return stage === 0 ? REJECTED_AT_ONCE : REJECTED;
  }
  return total;
}

/** Sums of values and of their squares above and to the left, with a row and a column of zeros in front. */
function integrals({ data, width, height }) {
  const stride = width + 1;
  const sum = new Int32Array(stride * (height + 1));
  const squares = new Float64Array(stride * (height + 1));
  for (let y = 0; y < height; y += 1) {
    let [row, rowSquares] = [0, 0];
    for (let x = 0; x < width; x += 1) {
      const value = data[y * width + x];
      row += value;
      rowSquares += value * value;
      const at = (y + 1) * stride + x + 1;
      sum[at] = sum[at - stride] + row;
      squares[at] = squares[at - stride] + rowSquares;
    }
  }
  return { sum, squares };
}

/** Resize by interpolation in fixed point, as cv2.INTER_LINEAR_EXACT: first across, then down, in 256ths each. */
export function resizeExact(image, width, height) {
  if (width === image.width && height === image.height) return image;
  const columns = exactPlaces(image.width, width);
  const rows = exactPlaces(image.height, height);
  const across = new Uint16Array(width * image.height);
  for (let y = 0; y < image.height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * image.width + columns.first[x];
      const share = columns.share[x];
      across[y * width + x] = image.data[at] * (256 - share) + (share ? image.data[at + 1] * share : 0);
    }
  }
  const made = greyImage(width, height);
  for (let y = 0; y < height; y += 1) {
    const [at, share] = [rows.first[y] * width, rows.share[y]];
    for (let x = 0; x < width; x += 1) {
      const below = share ? across[at + width + x] * share : 0;
      made.data[y * width + x] = (across[at + x] * (256 - share) + below + 32768) >> 16;
    }
  }
  return made;
}

function exactPlaces(from, to) {
  const [first, share] = [new Int32Array(to), new Int32Array(to)];
  for (let x = 0; x < to; x += 1) {
    const at = ((x + 0.5) * from) / to - 0.5;
    const left = Math.floor(at);
    if (left < 0) continue;
    first[x] = Math.min(left, from - 1);
    if (left < from - 1) share[x] = round((at - left) * 256);
  }
  return { first, share };
}

/** Groups of windows of about the same place and size, each as its mean with the best score. */
function grouped(found, minNeighbors) {
  if (minNeighbors <= 0 || !found.length) return found;
  const groups = partition(found.map(({ box }) => box));
  const merged = groups.map((members) => {
    const share = Math.fround(1 / members.length);
    const box = [0, 1, 2, 3].map((at) => round(Math.fround(members.reduce((sum, one) => sum + found[one].box[at], 0) * share)));
    return { box, score: Math.max(...members.map((one) => found[one].score)), count: members.length };
  });
  const kept = merged.filter((one) => one.count > minNeighbors);
  return kept.filter((one) => !kept.some((other) => other !== one && holds(other, one)));
}

/** Whether a box that more windows gave lies around another one. */
function holds(outer, inner) {
  const [across, down] = [round(outer.box[2] * GROUP_EPSILON), round(outer.box[3] * GROUP_EPSILON)];
  const [x, y, width, height] = inner.box;
  return (
    (outer.count > Math.max(3, inner.count) || inner.count < 3)
    && x >= outer.box[0] - across && y >= outer.box[1] - down
    && x + width <= outer.box[0] + outer.box[2] + across && y + height <= outer.box[1] + outer.box[3] + down
  );
}

/** Indices of boxes in groups: similar ones, and those similar to them, in the order of their first ones. */
function partition(boxes) {
  const parent = boxes.map((_, at) => at);
  const root = (at) => {
    let top = at;
    while (parent[top] !== top) top = parent[top] = parent[parent[top]];
    return top;
  };
  for (let a = 0; a < boxes.length; a += 1) {
    for (let b = a + 1; b < boxes.length; b += 1) if (similar(boxes[a], boxes[b])) parent[root(b)] = root(a);
  }
  const groups = new Map();
  boxes.forEach((_, at) => {
    const top = root(at);
    if (!groups.has(top)) groups.set(top, []);
    groups.get(top).push(at);
  });
  return [...groups.values()];
}

function similar(a, b) {
  const delta = GROUP_EPSILON * 0.5 * (Math.min(a[2], b[2]) + Math.min(a[3], b[3]));
  return (
    Math.abs(a[0] - b[0]) <= delta && Math.abs(a[1] - b[1]) <= delta
    && Math.abs(a[0] + a[2] - b[0] - b[2]) <= delta && Math.abs(a[1] + a[3] - b[1] - b[3]) <= delta
  );
}
