// Face detection with YuNet: the counterpart of detection/yunet.py.

import { area, clipped, compareFaces, height, iou, side, width } from "../boxes.js";
import { cut, resizeArea, resizeSquare } from "../grey.js";
import { clamp, round } from "../numbers.js";

const STRIDES = [8, 16, 32];
const ROI_SCALE = 2.4;
const ROI_SIZE = 96;
const ROI_BATCH = 16;
const REDETECT_CONFIDENCE = 0.5;
const LARGE_FACE = 256;
const OVERVIEW_SIZE = 224;
const SAME_FACE_IOU = 0.3;

// The file is made for one image of 640 x 640, but nothing in the network depends on that: the same number of bytes in
// the description of its input leaves batch, height and width open.
const FIXED_INPUT = [0x0a, 2, 8, 1, 0x0a, 2, 8, 3, 0x0a, 3, 8, 0x80, 5, 0x0a, 3, 8, 0x80, 5];
const OPEN_INPUT = [0x0a, 2, 0x12, 0, 0x0a, 2, 8, 3, 0x0a, 3, 0x12, 1, 0x68, 0x0a, 3, 0x12, 1, 0x77];

/** The content of the file, for inputs of any size. */
export function withOpenInput(content) {
  const opened = content.slice();
  for (let at = 0; at + FIXED_INPUT.length <= opened.length; at += 1) {
    if (FIXED_INPUT.every((byte, offset) => opened[at + offset] === byte)) opened.set(OPEN_INPUT, at);
  }
  return opened;
}

export class YuNetDetector {
  /**
   * @param {(inputs: Float32Array, shape: number[]) => Promise<Array<{data: Float32Array, dims: number[]}>>} network
   * @param {{detection_size: number, min_confidence: number, iou_threshold: number}} settings
   */
  constructor(network, settings) {
    Object.assign(this, { network, settings });
  }

  /** Detect faces in an image, or in a region of it. */
  async detect(grey, region = null) {
    const longer = Math.max(grey.width, grey.height);
    const factor = Math.max(1, longer / this.settings.detection_size);
    if (region) return (await this.within(grey, factor, region)).sort(compareFaces);
    const whole = [0, 0, grey.width, grey.height];
    let found = await this.within(grey, factor, whole);
    if (!found.length) found = await this.within(grey, Math.max(1, longer / OVERVIEW_SIZE), whole);
    return found.sort(compareFaces);
  }

  /** Detect known faces again: for each where it is now, or null. */
  async redetect(grey, faces) {
    const best = [];
    for (let at = 0; at < faces.length; at += ROI_BATCH) {
      const batch = faces.slice(at, at + ROI_BATCH);
      const found = await this.inRois(grey, batch);
      batch.forEach((face, row) => best.push(bestMatch(face.box, found[row])));
    }
    return best.map((face, row) => (isDuplicate(row, best, faces) ? null : face));
  }

  inRois(grey, faces) {
    const squares = faces.map((face) => roi(face.box));
    const inputs = squares.map((square) => resizeSquare(cut(grey, square), ROI_SIZE));
    const places = squares.map(([x1, y1, x2]) => [x1, y1, (x2 - x1) / ROI_SIZE, (x2 - x1) / ROI_SIZE]);
    return this.run(inputs, places, grey, REDETECT_CONFIDENCE * this.settings.min_confidence);
  }

  async within(grey, factor, region) {
    const size = [Math.max(1, round(width(region) / factor)), Math.max(1, round(height(region) / factor))];
    const whole = area(region) === grey.width * grey.height;
    const small = resizeArea(whole ? grey : cut(grey, region), ...size);
    const place = [region[0], region[1], width(region) / size[0], height(region) / size[1]];
    const [found] = await this.run([small], [place], grey, this.settings.min_confidence);
    const large = found.filter((face) => side(face.box) > LARGE_FACE * factor);
    if (!large.length) return found;
    const better = await this.redetect(grey, large);
    return found.map((face) => better[large.indexOf(face)] ?? face);
  }

  /** Run the network on images of one size: the faces in each, in pixels of the whole image. */
  async run(images, places, whole, minConfidence) {
    const [wide, high] = [images[0].width, images[0].height];
    const [across, down] = [Math.ceil(wide / 32) * 32, Math.ceil(high / 32) * 32];
    const batch = new Float32Array(images.length * 3 * across * down);
    images.forEach((image, number) => fill(batch, 3 * number * across * down, image, across, down));
    const outputs = await this.network(batch, [images.length, 3, down, across]);
    return places.map((place, number) => {
      const rows = decode(outputs, number, across, down, minConfidence, this.settings.iou_threshold);
      return rows.map((row) => toFace(row, place, whole)).filter(Boolean);
    });
  }
}

/** Write a grey image three times, as colours, into a batch. */
function fill(batch, from, { data, width: wide, height: high }, across, down) {
  for (let y = 0; y < high; y += 1) {
    const row = from + y * across;
    for (let x = 0; x < wide; x += 1) batch[row + x] = data[y * wide + x];
  }
  const plane = across * down;
  batch.copyWithin(from + plane, from, from + plane);
  batch.copyWithin(from + 2 * plane, from, from + plane);
}

/** The network's outputs for one input of a batch: {x, y, wide, high, points, score} for each face, in its pixels. */
function decode(outputs, number, across, down, minConfidence, iouThreshold) {
  const rows = [];
  STRIDES.forEach((stride, level) => {
    const [classes, objects, boxes, points] = [0, 3, 6, 9].map((first) => outputs[first + level].data);
    const columns = across / stride;
    const cells = columns * (down / stride);
    for (let cell = 0; cell < cells; cell += 1) {
      const at = number * cells + cell;
      const score = Math.fround(Math.sqrt(clamp(classes[at], 0, 1) * clamp(objects[at], 0, 1)));
      if (score < minConfidence) continue;
      const [column, line] = [cell % columns, Math.floor(cell / columns)];
      const box = boxes.subarray(4 * at, 4 * at + 4);
      const [wide, high] = [Math.exp(box[2]) * stride, Math.exp(box[3]) * stride];
      const found = Array.from(points.subarray(10 * at, 10 * at + 10), (value, odd) => (value + (odd % 2 ? line : column)) * stride);
      rows.push({ x: (column + box[0]) * stride - wide / 2, y: (line + box[1]) * stride - high / 2, wide, high, points: found, score });
    }
  });
  return suppressed(rows, iouThreshold);
}

/** Neighbouring cells detect the same face: the most confident stays. */
function suppressed(rows, iouThreshold) {
  const kept = [];
  const overlap = (a, b) => iou([a.x, a.y, a.x + a.wide, a.y + a.high], [b.x, b.y, b.x + b.wide, b.y + b.high]);
  for (const row of rows.sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(row, other) <= iouThreshold)) kept.push(row);
  }
  return kept;
}

function toFace({ x, y, wide, high, points, score }, [left, top, across, down], whole) {
  const box = clipped([
    round(left + x * across), round(top + y * down), round(left + (x + wide) * across), round(top + (y + high) * down),
  ], whole);
  if (width(box) < 1 || height(box) < 1) return null;
  const landmarks = points.map((value, odd) => (odd % 2 ? top + value * down : left + value * across));
  return { box, confidence: score, landmarks };
}

function roi(box) {
  const size = Math.max(2, round(ROI_SCALE * side(box)));
  const [x1, y1] = [Math.floor((box[0] + box[2] - size) / 2), Math.floor((box[1] + box[3] - size) / 2)];
  return [x1, y1, x1 + size, y1 + size];
}

function bestMatch(box, found) {
  let best = null;
  for (const face of found) if (!best || iou(face.box, box) > iou(best.box, box)) best = face;
  return best && iou(best.box, box) >= SAME_FACE_IOU ? best : null;
}

/** Whether what was found for a face is a face that another one of them matches better. */
function isDuplicate(row, found, faces) {
  const mine = found[row];
  if (!mine) return false;
  const claim = iou(mine.box, faces[row].box);
  return found.some((other, number) => {
    if (!other || number === row || iou(other.box, mine.box) <= SAME_FACE_IOU) return false;
    const theirs = iou(other.box, faces[number].box);
    return theirs > claim || (theirs === claim && number < row);
  });
}
