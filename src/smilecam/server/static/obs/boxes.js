// Boxes and labels in a canvas that fills the window, in sizes that follow it.

import { placeLabels } from "../label-layout.js";

const SMILE = "#e69f00";
const PLAIN = "#56b4e9";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Array<{box: number[], smiling: boolean}>} faces boxes in pixels of `space`
 * @param {{width: number, height: number} | null} space the source's picture, which lies whole in the middle of the window
 * @param {{boxes: boolean, labels: boolean, mirror: boolean}} parts
 */
export function paint(canvas, faces, space, parts) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(innerWidth * ratio), Math.round(innerHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (!space?.width) return;
  const scale = Math.min(width / space.width, height / space.height);
  const [left, top] = [(width - space.width * scale) / 2, (height - space.height * scale) / 2];
  const unit = Math.min(width, height) / 480;
  const boxes = faces.map(({ box: [x1, y1, x2, y2] }) => {
    const x = left + (parts.mirror ? space.width - x2 : x1) * scale;
    return [x, top + y1 * scale, x + (x2 - x1) * scale, top + y2 * scale];
  });
  if (parts.boxes) faces.forEach(({ smiling }, at) => outline(context, boxes[at], smiling, unit));
  if (!parts.labels) return;
  const letters = boxes.map(([x1, , x2]) => Math.min(20 * unit, Math.max(9 * unit, (x2 - x1) / 6)));
  const sizes = faces.map(({ smiling }, at) => (smiling ? [1, 0.75].map((part) => sizeOf(context, part * letters[at])) : []));
  placeLabels(boxes, sizes, [width, height], 5 * unit).forEach((place) => place && label(context, place.rectangle));
}

function outline(context, [x1, y1, x2, y2], smiling, unit) {
  const thick = (smiling ? 4 : 2) * unit;
  for (const [style, wide] of [["rgb(0 0 0 / 45%)", thick + 2 * unit], [smiling ? SMILE : PLAIN, thick]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    context.roundRect(x1, y1, x2 - x1, y2 - y1, 10 * unit);
    context.stroke();
  }
}

const font = (letters) => `600 ${letters}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;

/** What the word "Smiling" takes in letters of a size. */
function sizeOf(context, letters) {
  context.font = font(letters);
  return [context.measureText("Smiling").width + letters, 1.5 * letters];
}

function label(context, [x1, y1, x2, y2]) {
  const letters = (y2 - y1) / 1.5;
  context.fillStyle = SMILE;
  context.beginPath();
  context.roundRect(x1, y1, x2 - x1, y2 - y1, letters / 2);
  context.fill();
  context.fillStyle = "#17130a";
  context.font = font(letters);
  context.textBaseline = "middle";
  context.fillText("Smiling", x1 + letters / 2, (y1 + y2) / 2);
}
