// Grey images, {data: Uint8Array, width, height}, and how they are cut and resized: as OpenCV does it, so that networks see
// what they see in Python. Averages may differ by one grey value where OpenCV computes in single precision.

import { clamp, round } from "./numbers.js";

export const greyImage = (width, height, data = new Uint8Array(width * height)) => ({ data, width, height });

/** A part of an image; what lies outside repeats the image's border. */
export function cut(image, [x1, y1, x2, y2]) {
  const made = greyImage(x2 - x1, y2 - y1);
  const inside = x1 >= 0 && x2 <= image.width;
  for (let y = y1; y < y2; y += 1) {
    const from = clamp(y, 0, image.height - 1) * image.width;
    const to = (y - y1) * made.width;
    if (inside) made.data.set(image.data.subarray(from + x1, from + x2), to);
    else for (let x = x1; x < x2; x += 1) made.data[to + x - x1] = image.data[from + clamp(x, 0, image.width - 1)];
  }
  return made;
}

/** Every so many-th pixel, across and down. */
export function sampled(image, step) {
  if (step === 1) return image;
  const made = greyImage(Math.ceil(image.width / step), Math.ceil(image.height / step));
  let at = 0;
  for (let y = 0; y < image.height; y += step) {
    const row = y * image.width;
    for (let x = 0; x < image.width; x += step) made.data[at++] = image.data[row + x];
  }
  return made;
}

/** Resize to a square: by areas when it shrinks, so that fine texture does not alias. */
export function resizeSquare(image, size) {
  return image.width >= size && image.height >= size ? resizeArea(image, size, size) : resizeLinear(image, size, size);
}

/** Shrink by averaging areas, as cv2.INTER_AREA. */
export function resizeArea(image, width, height) {
  if (width === image.width && height === image.height) return image;
  const across = image.width / width;
  const down = image.height / height;
  if (Number.isInteger(across) && Number.isInteger(down)) return shrinkWhole(image, width, height, across, down);
  const columns = shares(image.width, width);
  const rows = shares(image.height, height);
  const made = greyImage(width, height);
  const line = new Float32Array(width);
  for (let y = 0; y < height; y += 1) {
    line.fill(0);
    for (let part = rows.start[y]; part < rows.start[y + 1]; part += 1) {
      addRow(image.data, rows.source[part] * image.width, rows.weight[part], columns, line);
    }
    for (let x = 0; x < width; x += 1) made.data[y * width + x] = round(line[x]);
  }
  return made;
}

function addRow(data, from, weight, { start, source, weight: weights }, line) {
  for (let x = 0; x < line.length; x += 1) {
    let sum = 0;
    for (let part = start[x]; part < start[x + 1]; part += 1) sum += data[from + source[part]] * weights[part];
    line[x] += sum * weight;
  }
}

/** For each cell of the result, which pixels it covers and how much of it each is; the first part of x is start[x]. */
function shares(from, to) {
  const scale = from / to;
  const [start, source, weight] = [new Int32Array(to + 1), [], []];
  const add = (pixel, share) => { source.push(pixel); weight.push(share); };
  for (let x = 0; x < to; x += 1) {
    const [left, right] = [x * scale, x * scale + scale];
    const size = Math.min(scale, from - left);
    const last = Math.min(Math.floor(right), from - 1);
    const first = Math.min(Math.ceil(left), last);
    if (first - left > 1e-3) add(first - 1, (first - left) / size);
    for (let pixel = first; pixel < last; pixel += 1) add(pixel, 1 / size);
    if (right - last > 1e-3) add(last, Math.min(right - last, 1, size) / size);
    start[x + 1] = source.length;
  }
  return { start, source: Int32Array.from(source), weight: Float64Array.from(weight) };
}

function shrinkWhole(image, width, height, across, down) {
  const made = greyImage(width, height);
  const { data } = image;
  const count = across * down;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let row = 0; row < down; row += 1) {
        const from = (y * down + row) * image.width + x * across;
        for (let column = 0; column < across; column += 1) sum += data[from + column];
      }
      made.data[y * width + x] = count === 4 ? (sum + 2) >> 2 : round(sum / count);
    }
  }
  return made;
}

/** Resize by interpolation between the four nearest pixels, as cv2.INTER_LINEAR. */
export function resizeLinear(image, width, height) {
  if (width === image.width && height === image.height) return image;
  const columns = places(image.width, width);
  const rows = places(image.height, height);
  const made = greyImage(width, height);
  const { data } = image;
  for (let y = 0; y < height; y += 1) {
    const [above, below, down] = [rows.first[y] * image.width, rows.second[y] * image.width, rows.share[y]];
    for (let x = 0; x < width; x += 1) {
      const [left, right, across] = [columns.first[x], columns.second[x], columns.share[x]];
      const top = data[above + left] * (2048 - across) + data[above + right] * across;
      const bottom = data[below + left] * (2048 - across) + data[below + right] * across;
      made.data[y * width + x] = (top * (2048 - down) + bottom * down + 2097152) / 4194304;
    }
  }
  return made;
}

/** For each pixel of the result its two neighbours and the share of the second one, in 2048ths. */
function places(from, to) {
  const [first, second, share] = [new Int32Array(to), new Int32Array(to), new Int32Array(to)];
  for (let x = 0; x < to; x += 1) {
    const at = ((x + 0.5) * from) / to - 0.5;
    const left = Math.floor(at);
    first[x] = clamp(left, 0, from - 1);
    second[x] = clamp(left + 1, 0, from - 1);
    share[x] = left < 0 || left >= from - 1 ? 0 : round((at - left) * 2048);
  }
  return { first, second, share };
}

/** Mean and standard deviation of values. */
export function moments(values) {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) };
}
