// Motion gating and hard cuts: the counterpart of detection/motion.py.

import { compareFaces, side } from "../boxes.js";
import { resizeArea, sampled } from "../grey.js";
import { clamp, round } from "../numbers.js";

const CELLS = 40;
const CELL_THRESHOLD = 4;
const FACE_MARGIN = 0.35;
const CELL_MARGIN = 3;
const SAMPLED_SIDE = 320;
const FIRST_WAIT = 0.75;
const LONGEST_WAIT = 3;
const CUT_SIDE = 160;
const CUT_DIFFERENCE = 15;
const CUT_CORRELATION = 0.7;

/** An image reduced to a few hundred cells: {data, width, height}. */
function cellsOf(grey) {
  const longer = Math.max(grey.width, grey.height);
  const factor = CELLS / longer;
  const size = [Math.max(1, round(grey.width * factor)), Math.max(1, round(grey.height * factor))];
  return resizeArea(sampled(grey, Math.max(1, Math.floor(longer / SAMPLED_SIDE))), ...size);
}

/** Finds hard cuts: frames that show another scene than the frame before. */
export class CutDetector {
  /** Take the next frame and give whether a new scene begins with it. */
  next(grey) {
    const step = Math.max(1, Math.floor(Math.max(grey.width, grey.height) / CUT_SIDE));
    const cells = cellsOf(sampled(grey, step)).data;
    const { before, shape } = this;
    this.before = cells;
    this.shape = `${grey.width}x${grey.height}`;
    if (!before) return false;
    if (shape !== this.shape) return true;
    let difference = 0;
    for (let at = 0; at < cells.length; at += 1) difference += Math.abs(cells[at] - before[at]);
    if (difference / cells.length <= CUT_DIFFERENCE) return false;
    return correlationBelow(cells, before, CUT_CORRELATION);
  }
}

function correlationBelow(a, b, least) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [aa, bb, ab] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    const [x, y] = [a[at] - meanA, b[at] - meanB];
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const norm = Math.sqrt(aa * bb);
  return norm === 0 || ab < least * norm;
}

/** Leaves out motion in which faces were sought in vain, for growing intervals. */
export class MotionBackoff {
  /** Of the cells that move, those in which faces are to be sought now. */
  due(moving, time) {
    const { length } = moving.data;
    if (this.wait?.length !== length) {
      this.wait = new Float32Array(length);
      this.until = new Float32Array(length).fill(-Infinity);
    }
    const asked = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) {
      const over = this.until[at] <= Math.fround(time);
      if (over && !moving.data[at]) this.wait[at] = 0;
      asked[at] = moving.data[at] && over ? 1 : 0;
    }
    this.asked = { ...moving, data: asked };
    return this.asked;
  }

  /** What the last call of `due` gave holds no new face. */
  inVain(time) {
    if (!this.asked) return;
    const grown = dilated(this.asked, 1, 1); // the edge of what moves is never quite where it was
    for (let at = 0; at < grown.length; at += 1) {
      if (!grown[at]) continue;
      this.wait[at] = clamp(2 * this.wait[at], FIRST_WAIT, LONGEST_WAIT);
      this.until[at] = time + this.wait[at];
    }
  }
}

/** Each cell with the largest value from `before` cells before it to `after` cells after it, across and down. */
function dilated({ data, width, height }, before, after) {
  const made = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!data[y * width + x]) continue;
      for (let row = Math.max(0, y - after); row <= Math.min(height - 1, y + before); row += 1) {
        made.fill(1, row * width + Math.max(0, x - after), row * width + Math.min(width - 1, x + before) + 1);
      }
    }
  }
  return made;
}

/** An image reduced to cells, to compare later ones with. */
export class MotionGate {
  constructor(grey, faces) {
    this.cells = cellsOf(grey);
    this.size = [grey.width, grey.height];
    this.faces = [...faces];
  }

  /**
   * Where another image differs, apart from the surroundings of the faces of both.
   * @returns {number[][]} regions that hold all motion, with a margin
   */
  movingRegions(grey, faces, backoff = null, time = 0) {
    if (grey.width !== this.size[0] || grey.height !== this.size[1]) return [[0, 0, grey.width, grey.height]];
    const now = cellsOf(grey);
    const { width, height } = now;
    const data = Uint8Array.from(now.data, (value, at) => (Math.abs(value - this.cells.data[at]) > CELL_THRESHOLD ? 1 : 0));
    let moving = { data, width, height };
    for (const box of [...this.faces, ...faces]) this.clear(moving, box);
    if (backoff) moving = backoff.due(moving, time);
    const blocks = blocksOf(moving);
    if (!blocks.data.includes(1)) return [];
    // A block's corner stands for its four cells; with their margins, neighbours become one region.
    const grown = { data: dilated(blocks, CELL_MARGIN + 1, CELL_MARGIN), width, height };
    const [across, down] = [this.size[0] / width, this.size[1] / height];
    return components(grown).map(([x1, y1, x2, y2]) => [
      Math.floor(x1 * across), Math.floor(y1 * down),
      Math.min(grey.width, Math.floor(x2 * across) + 1), Math.min(grey.height, Math.floor(y2 * down) + 1),
    ]);
  }

  /** Nothing moves in the cells of a face and its surroundings. */
  clear({ data, width, height }, box) {
    const [across, down] = [width / this.size[0], height / this.size[1]];
    const margin = FACE_MARGIN * side(box);
    const top = Math.max(0, Math.trunc((box[1] - margin) * down));
    const bottom = Math.min(height, Math.trunc((box[3] + margin) * down) + 1);
    const left = Math.max(0, Math.trunc((box[0] - margin) * across));
    const right = Math.min(width, Math.trunc((box[2] + margin) * across) + 1);
    for (let y = top; y < bottom; y += 1) if (right > left) data.fill(0, y * width + left, y * width + right);
  }
}

/** A face covers a block of cells; the edge of a shoulder that moves, only lines of them. */
function blocksOf({ data, width, height }) {
  const made = new Uint8Array(width * height);
  for (let y = 0; y < height - 1; y += 1) {
    for (let x = 0; x < width - 1; x += 1) {
      const at = y * width + x;
      made[at] = data[at] & data[at + 1] & data[at + width] & data[at + width + 1];
    }
  }
  return { data: made, width, height };
}

/** The rectangles, in cells, around what hangs together in any of eight directions. */
function components({ data, width, height }) {
  const seen = new Uint8Array(data.length);
  const found = [];
  for (let start = 0; start < data.length; start += 1) {
    if (!data[start] || seen[start]) continue;
    const box = [width, height, 0, 0];
    const waiting = [start];
    seen[start] = 1;
    while (waiting.length) {
      const at = waiting.pop();
      const [x, y] = [at % width, Math.floor(at / width)];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row += 1) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column += 1) {
          const next = row * width + column;
          if (!data[next] || seen[next]) continue;
          seen[next] = 1;
          waiting.push(next);
        }
      }
    }
    found.push(box);
  }
  return found;
}

/** A box with half its side around it, inside the image. */
export function surroundings(box, { width, height }) {
  const margin = Math.floor(side(box) / 2);
  return [Math.max(0, box[0] - margin), Math.max(0, box[1] - margin), Math.min(width, box[2] + margin), Math.min(height, box[3] + margin)];
}

/** Detect faces in regions of an image, without those that a region's edge cuts off. */
export async function detectInRegions(detector, grey, regions) {
  const found = [];
  for (const region of regions) {
    for (const face of await detector.detect(grey, region)) if (!isCutOff(face.box, region, grey)) found.push(face);
  }
  return found.sort(compareFaces);
}

function isCutOff(box, region, { width, height }) {
  return (
    (box[0] <= region[0] && region[0] > 0) || (box[1] <= region[1] && region[1] > 0)
    || (box[2] >= region[2] && region[2] < width) || (box[3] >= region[3] && region[3] < height)
  );
}
