// The best of the frames that are offered: most people smile, as much as they do, and their faces are sharpest.

const SIDE = 32;
const STEPS = 10;

const smiling = (faces) => faces.filter((face) => face.smiling);

/** How much of a smile a face shows: one quantity for the meter and for choosing a photo, from 0 to 1. */
export const strength = (face) => face.intensity ?? face.smoothed ?? face.smile ?? 0;

export const meanStrength = (faces) => (faces.length ? faces.reduce((sum, face) => sum + strength(face), 0) / faces.length : 0);

export class BestFrame {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    this.context = this.small.getContext("2d", { willReadFrequently: true });
    this.reset();
  }

  reset() {
    this.best = null;
  }

  /**
   * Offer a frame; it is copied if it is the best so far.
   * @param {CanvasImageSource} image of any size
   * @param {{faces: Array<object>, width: number, height: number}} result of this very frame
   */
  offer(image, { faces, width, height }) {
    const size = sizeOf(image);
    const smiles = smiling(faces);
    const value = [smiles.length, Math.round(STEPS * meanStrength(smiles)), this.sharpness(image, size.width / width, smiles)];
    if (this.best && !isAbove(value, this.best.value)) return;
    Object.assign(this.canvas, size);
    this.canvas.getContext("2d").drawImage(image, 0, 0, size.width, size.height);
    this.best = { value, element: this.canvas, faces, space: { width, height } };
  }

  /** Mean step of brightness from pixel to pixel in the faces, at one size for all. */
  sharpness(image, scale, faces) {
    const { context } = this;
    let sum = 0;
    for (const { box: [x1, y1, x2, y2] } of faces) {
      context.drawImage(image, x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale, 0, 0, SIDE, SIDE);
      const { data } = context.getImageData(0, 0, SIDE, SIDE);
      for (let at = 4; at < data.length; at += 4) sum += Math.abs(data[at + 1] - data[at - 3]);
    }
    return sum / (SIDE * SIDE * Math.max(1, faces.length));
  }
}

/** Size of a frame as it is shown: of a VideoFrame, a video element, a canvas or a bitmap. */
function sizeOf(image) {
  return { width: image.displayWidth ?? image.videoWidth ?? image.width, height: image.displayHeight ?? image.videoHeight ?? image.height };
}

/** Whether a list of numbers comes after another: the first that differs decides. */
function isAbove(one, other) {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at >= 0 && one[at] > other[at];
}
