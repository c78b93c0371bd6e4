// From what a browser decodes to a grey image: the luma plane where there is one, else from colours, as sources/decoded.py.

import { greyImage, resizeArea, resizeLinear } from "../grey.js";
import { clamp, round } from "../numbers.js";

/** Pixel formats whose first plane is the grey image. */
const LUMA_FIRST = new Set(["I420", "I420A", "I422", "I422A", "I444", "I444A", "NV12"]);

/** From luma of 16 to 235 to grey values of 0 to 255. */
const EXPANDED = Uint8Array.from({ length: 256 }, (_, luma) => clamp(round(((luma - 16) * 255) / 219), 0, 255));

let canvas = null;

/**
 * The grey image of a frame.
 * @param {VideoFrame | ImageBitmap} image left open
 * @param {number} width of the result; not larger than the image
 * @param {number} height
 */
export async function greyOf(image, width, height) {
  const plane = await lumaOf(image);
  if (!plane) return greyOfColours(image, width, height);
  if (width <= plane.width && height <= plane.height) return resizeArea(plane, width, height);
  return resizeLinear(plane, width, height);
}

async function lumaOf(image) {
  if (!LUMA_FIRST.has(image.format) || image.rotation || image.flip) return null;
  const { width, height } = image.visibleRect;
  if (width !== image.displayWidth || height !== image.displayHeight) return null;
  const buffer = new Uint8Array(image.allocationSize());
  const [{ offset, stride }] = await image.copyTo(buffer);
  const grey = greyImage(width, height);
  const expands = !image.colorSpace.fullRange;
  for (let y = 0; y < height; y += 1) {
    const row = buffer.subarray(offset + y * stride, offset + y * stride + width);
    if (expands) for (let x = 0; x < width; x += 1) grey.data[y * width + x] = EXPANDED[row[x]];
    else grey.data.set(row, y * width);
  }
  return grey;
}

function greyOfColours(image, width, height) {
  if (canvas?.width !== width || canvas?.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // below what is transparent
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const grey = greyImage(width, height);
  for (let at = 0, from = 0; at < grey.data.length; at += 1, from += 4) {
    grey.data[at] = (data[from] * 4899 + data[from + 1] * 9617 + data[from + 2] * 1868 + 8192) >> 14;
  }
  return grey;
}
