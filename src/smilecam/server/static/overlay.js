// Boxes, labels and blur over the image.

import { FacePainter, numberOf } from "./face-painter.js";

const LONGEST_EXTRAPOLATION = 0.2;
const STILL = 0.02;

/** Extrapolates the boxes of a live stream between results: each goes on as it last moved, for a short while. */
export class Motion {
  constructor() {
    this.known = new Map();
    this.faces = [];
    this.time = 0;
  }

  update(result) {
    const known = new Map();
    for (const face of result.faces) {
      const before = this.known.get(face.track);
      const passed = before ? result.time - before.time : 0;
      let speed = [0, 0, 0, 0];
      if (passed > 0 && passed < 0.5) {
        const size = face.box[2] - face.box[0];
        const shift = face.box.map((value, at) => value - before.box[at]);
        const still = Math.max(...shift.map(Math.abs)) < STILL * size;
        const jumped = Math.max(...shift.map(Math.abs)) > 0.5 * size;
        speed = shift.map((value, at) => (still || jumped ? 0 : 0.5 * before.speed[at] + (0.5 * value) / passed));
      }
      known.set(face.track, { box: face.box, time: result.time, speed });
    }
    this.known = known;
    this.faces = result.faces;
    this.time = result.time;
  }

  /** The faces at a time in seconds of the stream. */
  at(time) {
    const passed = Math.min(LONGEST_EXTRAPOLATION, Math.max(0, time - this.time));
    return this.faces.map((face) => {
      const known = this.known.get(face.track);
      return known ? { ...face, box: known.box.map((value, at) => value + known.speed[at] * passed) } : face;
    });
  }

  clear() {
    this.known.clear();
    this.faces = [];
  }
}

/** Anonymise a face: draw what is left of it in 7 x 8 pixels over it. */
function anonymise(context, element, scale, box, target, small) {
  const [x1, y1, x2, y2] = box;
  const [w, h] = [(x2 - x1) * 1.4, (y2 - y1) * 1.6];
  const [x, y] = [(x1 + x2) / 2 - w / 2, (y1 + y2) / 2 - h / 2];
  small.getContext("2d").drawImage(element, x * scale, y * scale, w * scale, h * scale, 0, 0, small.width, small.height);
  context.save();
  context.beginPath();
  const [left, top, wide, high] = target(x, y, w, h);
  context.ellipse(left + wide / 2, top + high / 2, wide / 2, high / 2, 0, 0, 2 * Math.PI);
  context.clip();
  context.drawImage(small, left, top, wide, high);
  context.restore();
}

function smallCanvas() {
  const small = document.createElement("canvas");
  [small.width, small.height] = [7, 8];
  return small;
}

/** The image of an element as a JPEG blob, in full size, with faces anonymised where that is wanted. */
export async function photograph(element, faces, space, blur) {
  return jpegOf(copyOf(element, faces, space, blur));
}

/**
 * The image of an element as a JPEG blob, in full size, with what is drawn over it.
 * @param {HTMLVideoElement | HTMLCanvasElement} element
 * @param {Array<object>} faces boxes in pixels of `space`
 * @param {{width: number, height: number}} space
 * @param {{blur: boolean, boxes: boolean, numbers: boolean}} options
 */
export async function annotated(element, faces, space, { blur, boxes, numbers }) {
  const canvas = copyOf(element, faces, space, blur);
  const { width, height } = canvas;
  const scale = width / space.width;
  const painter = new FacePainter(canvas.getContext("2d"), Math.max(1, Math.min(width, height) / 480));
  const drawn = faces.map((face) => face.box.map((value) => value * scale));
  if (boxes) painter.draw(faces, drawn, [width, height], { numbers, marked: null });
  return jpegOf(canvas);
}

function copyOf(element, faces, space, blur) {
  const width = element.videoWidth ?? element.width;
  const height = element.videoHeight ?? element.height;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(element, 0, 0);
  if (!blur) return canvas;
  const scale = width / space.width;
  const small = smallCanvas();
  for (const face of faces) {
    anonymise(context, element, scale, face.box, (x, y, w, h) => [x, y, w, h].map((value) => value * scale), small);
  }
  return canvas;
}

const jpegOf = (canvas) => new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });

/** Cut a face out of the image of an element into a small canvas; unrecognisable where faces are anonymised. */
export function cutFace(element, space, [x1, y1, x2, y2], canvas, { blur, mirror }) {
  const scale = (element.videoWidth ?? element.width) / space.width;
  const side = 1.3 * Math.max(x2 - x1, y2 - y1);
  const from = [((x1 + x2 - side) / 2) * scale, ((y1 + y2 - side) / 2) * scale, side * scale, side * scale];
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  context.clearRect(0, 0, width, height);
  if (blur) {
    const small = smallCanvas();
    small.getContext("2d").drawImage(element, ...from, 0, 0, small.width, small.height);
    context.drawImage(small, 0, 0, width, height);
  } else {
    context.drawImage(element, ...from, 0, 0, width, height);
  }
}

export class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.small = smallCanvas();
    this.boxes = true;
    this.blur = false;
    this.numbers = false;
    this.mirror = false;
    this.marked = null;
    this.drawn = [];
    this.painter = new FacePainter(this.context);
    new ResizeObserver(() => {
      this.fit();
      this.redraw?.();
    }).observe(canvas.parentElement);
    this.fit();
  }

  fit() {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    Object.assign(this, { ratio, width, height });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  clear() {
    this.drawn = [];
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * @param {Array} faces boxes in pixels of an image of space.width x space.height
   * @param {{width: number, height: number}} space
   * @param {HTMLVideoElement | HTMLCanvasElement} element what is shown below, for the blur
   */
  draw(faces, space, element) {
    this.clear();
    const wide = element.videoWidth ?? element.width;
    if (!wide || !space?.width) return;
    const scale = Math.min(this.width / space.width, this.height / space.height);
    const [left, top] = [(this.width - space.width * scale) / 2, (this.height - space.height * scale) / 2];
    const { context } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const target = (x, y, w, h) => [
      left + (this.mirror ? space.width - x - w : x) * scale, top + y * scale, w * scale, h * scale,
    ];
    if (this.blur) for (const face of faces) anonymise(context, element, wide / space.width, face.box, target, this.small);
    if (this.boxes) this.drawBoxes(faces, target);
  }

  drawBoxes(faces, target) {
    const boxes = faces.map(({ box: [x1, y1, x2, y2] }) => {
      const [x, y, w, h] = target(x1, y1, x2 - x1, y2 - y1);
      return [x, y, x + w, y + h];
    });
    this.drawn = faces.map((face, at) => [numberOf(face, at), boxes[at]]);
    this.painter.draw(faces, boxes, [this.width, this.height], this);
  }

  /** The number of the face at a place of the overlay, the smallest one where several are; null where none is. */
  numberAt(x, y) {
    const area = ([, [x1, y1, x2, y2]]) => (x2 - x1) * (y2 - y1);
    const hit = this.drawn.filter(([, [x1, y1, x2, y2]]) => x >= x1 && x < x2 && y >= y1 && y < y2);
    return hit.sort((a, b) => area(a) - area(b))[0]?.[0] ?? null;
  }
}
