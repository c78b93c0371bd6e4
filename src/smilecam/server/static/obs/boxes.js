// Boxes and labels in a canvas that fills the window, in sizes that follow it.

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
  for (const { box: [x1, y1, x2, y2], smiling } of faces) {
    const x = left + (parts.mirror ? space.width - x2 : x1) * scale;
    const place = [x, top + y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale];
    if (parts.boxes) outline(context, place, smiling, unit);
    if (parts.labels && smiling) label(context, place, unit, width);
  }
}

function outline(context, [x, y, w, h], smiling, unit) {
  const thick = (smiling ? 4 : 2) * unit;
  for (const [style, wide] of [["rgb(0 0 0 / 45%)", thick + 2 * unit], [smiling ? SMILE : PLAIN, thick]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    context.roundRect(x, y, w, h, 10 * unit);
    context.stroke();
  }
}

/** "Smiling" above the box, or in its upper edge where there is no room; smaller for a small face. */
function label(context, [x, y, w], unit, width) {
  const size = Math.min(20 * unit, Math.max(9 * unit, w / 6));
  context.font = `600 ${size}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
  const [wide, high] = [context.measureText("Smiling").width + size, 1.5 * size];
  const left = Math.max(0, Math.min(x + (w - wide) / 2, width - wide));
  const top = Math.max(0, y - high - 3 * unit);
  context.fillStyle = SMILE;
  context.beginPath();
  context.roundRect(left, top, wide, high, high / 3);
  context.fill();
  context.fillStyle = "#17130a";
  context.textBaseline = "middle";
  context.fillText("Smiling", left + size / 2, top + high / 2);
}
