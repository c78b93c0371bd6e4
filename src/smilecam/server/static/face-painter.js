// Draws boxes and labels: a thick box and "Smiling" for a smile, a thin box and nothing else for none.

import { placeLabels } from "./label-layout.js";

const SMILE = "#e69f00";
const PLAIN = "#0072b2";
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const LETTERS = { ofFace: 0.15, least: 10.5, most: 17 }; // pixels of the screen
const SHRINKING = [1, 0.8, 0.65];

/** The number by which the page names a face: of its track, or its place in an image. */
export const numberOf = (face, at) => face.track ?? at + 1;

/** The probability that the state of a face rests on: what labels, list and timeline show. */
export const probabilityOf = (face) => face.smoothed ?? face.smile;

export const stateOf = (face) => (face.smiling ? "Smiling" : "Not smiling");

export class FacePainter {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} unit pixels of the canvas for one of the screen, for lines and letters
   */
  constructor(context, unit = 1) {
    this.context = context;
    this.unit = unit;
    this.positions = new Map();
  }

  /**
   * @param {Array<object>} faces
   * @param {Array<number[]>} boxes of the faces on the canvas: x1, y1, x2, y2
   * @param {number[]} frame width and height of the canvas
   * @param {{numbers: boolean, marked: ?number}} options whether labels say number and probability; the face that is marked
   */
  draw(faces, boxes, frame, { numbers, marked }) {
    faces.forEach((face, at) => this.box(face, boxes[at], numberOf(face, at) === marked));
    this.labels = this.place(faces, boxes, frame, { numbers, marked });
    for (const { face, style, rectangle } of this.labels) this.label(face, style, rectangle);
  }

  /** Labels with their rectangles, of those faces that have one. */
  place(faces, boxes, frame, { numbers, marked }) {
    const first = faces.findIndex((face, at) => numberOf(face, at) === marked);
    const styles = faces.map((face, at) => this.styles(face, at, boxes[at], numbers || at === first));
    const sizes = styles.map((all) => all.map((style) => this.size(style)));
    const before = faces.map((face, at) => this.positions.get(numberOf(face, at)));
    const gap = 4 * this.unit;
    const placed = placeLabels(boxes, sizes, frame, gap, { before, first: first < 0 ? undefined : first });
    this.positions = new Map(placed.flatMap((label, at) => (label ? [[numberOf(faces[at], at), label.position]] : [])));
    return placed.flatMap((label, at) => (label ? [{ face: faces[at], style: styles[at][label.choice], rectangle: label.rectangle }] : []));
  }

  /** A face's label, the best size first: letters that fit the face, smaller ones, the number alone. */
  styles(face, at, [x1, , x2], numbers) {
    if (!numbers && !face.smiling) return [];
    const { unit } = this;
    const [least, most] = [LETTERS.least * unit, LETTERS.most * unit];
    const best = Math.min(most, Math.max(least, LETTERS.ofFace * (x2 - x1)));
    const number = `#${numberOf(face, at)}`;
    const text = numbers ? `${number} ${stateOf(face)} ${Math.round(100 * probabilityOf(face))} %` : "Smiling";
    const sizes = [...new Set(SHRINKING.map((part) => Math.max(least, best * part)))];
    return [...sizes.map((letters) => ({ text, letters })), ...(numbers ? [{ text: number, letters: least }] : [])];
  }

  size({ text, letters }) {
    this.context.font = `600 ${letters}px ${FAMILY}`;
    return [this.context.measureText(text).width + letters, Math.round(letters * 1.6)];
  }

  box(face, [x1, y1, x2, y2], marked) {
    const { context, unit } = this;
    const small = Math.min(1, (x2 - x1) / (100 * unit));
    const thick = unit * (face.smiling ? Math.max(2.5, 4 * small) : Math.max(1.2, 2 * small));
    const colour = face.smiling ? SMILE : PLAIN;
    const lines = [["rgb(0 0 0 / 45%)", thick + 2 * unit], [colour, thick]];
    if (marked) lines.unshift(["#fff", thick + 5 * unit]);
    context.lineJoin = "round";
    for (const [style, width] of lines) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      context.roundRect(x1, y1, x2 - x1, y2 - y1, Math.min(10 * unit, 0.12 * (x2 - x1)));
      context.stroke();
    }
  }

  label(face, { text, letters }, [x1, y1, x2, y2]) {
    const { context } = this;
    context.fillStyle = face.smiling ? SMILE : PLAIN;
    context.beginPath();
    context.roundRect(x1, y1, x2 - x1, y2 - y1, letters * 0.4);
    context.fill();
    context.fillStyle = face.smiling ? "#000" : "#fff";
    context.font = `600 ${letters}px ${FAMILY}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(text, x1 + letters / 2, (y1 + y2) / 2 + letters * 0.04);
  }
}
