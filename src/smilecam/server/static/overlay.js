// Boxes, labels and blur over the image.

const SMILE = "#e69f00";
const PLAIN = "#0072b2";
const FONT = '600 14px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const LONGEST_EXTRAPOLATION = 0.2;
const STILL = 0.02;

export const labelOf = (face) =>
  `${face.track == null ? "" : `#${face.track} `}${face.smiling ? "smile" : "no smile"} ${Math.round(100 * (face.smoothed ?? face.smile))} %`;

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
  const width = element.videoWidth ?? element.width;
  const height = element.videoHeight ?? element.height;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(element, 0, 0);
  const scale = width / space.width;
  if (blur) {
    const small = smallCanvas();
    for (const face of faces) {
      anonymise(context, element, scale, face.box, (x, y, w, h) => [x, y, w, h].map((value) => value * scale), small);
    }
  }
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });
}

export class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.small = smallCanvas();
    this.boxes = true;
    this.blur = false;
    this.mirror = false;
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
    if (this.boxes) for (const face of faces) this.face(face, target);
  }

  face(face, target) {
    const [x1, y1, x2, y2] = face.box;
    const [x, y, w, h] = target(x1, y1, x2 - x1, y2 - y1);
    const { context } = this;
    const colour = face.smiling ? SMILE : PLAIN;
    const thick = face.smiling ? 4 : 2;
    context.lineJoin = "round";
    for (const [style, width] of [["rgb(0 0 0 / 45%)", thick + 2], [colour, thick]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      context.roundRect(x, y, w, h, 10);
      context.stroke();
    }
    this.label(labelOf(face), x, y, h, colour, face.smiling ? "#000" : "#fff");
    if (face.intensity != null) this.bar(face.intensity, x, y + h + 7, w, colour);
  }

  label(text, x, y, h, paper, ink) {
    const { context } = this;
    context.font = FONT;
    const width = context.measureText(text).width + 16;
    let top = y - 32;
    if (top < 2) top = Math.min(y + h + 18, this.height - 28);
    const left = Math.max(2, Math.min(x - 2, this.width - width - 2));
    context.fillStyle = paper;
    context.beginPath();
    context.roundRect(left, top, width, 26, 7);
    context.fill();
    context.fillStyle = ink;
    context.textBaseline = "middle";
    context.fillText(text, left + 8, top + 13.5);
  }

  bar(share, x, y, w, colour) {
    const { context } = this;
    const top = Math.min(y, this.height - 10);
    context.fillStyle = "rgb(0 0 0 / 55%)";
    context.beginPath();
    context.roundRect(x, top, w, 6, 3);
    context.fill();
    context.fillStyle = colour === SMILE ? SMILE : "#56b4e9";
    context.beginPath();
    context.roundRect(x, top, w * Math.min(1, Math.max(0.02, share)), 6, 3);
    context.fill();
  }
}
