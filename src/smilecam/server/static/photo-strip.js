// Several photos as one image: one below the other on white paper, as out of a photo booth.

export const STRIP_LENGTH = 4;

const WIDTH = 640;
const EDGE = 32;
const GAP = 20;
const FOOT = 56;

/**
 * @param {Array<Blob>} blobs of photos, the first for the top
 * @returns {Promise<Blob>} a JPEG
 */
export async function stripOf(blobs) {
  const images = await Promise.all(blobs.map((blob) => createImageBitmap(blob)));
  const heights = images.map((image) => Math.round((WIDTH * image.height) / image.width));
  const height = EDGE + heights.reduce((sum, one) => sum + one + GAP, 0) - GAP + FOOT;
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH + 2 * EDGE, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, height);
  let top = EDGE;
  images.forEach((image, at) => {
    context.drawImage(image, EDGE, top, WIDTH, heights[at]);
    top += heights[at] + GAP;
    image.close();
  });
  context.fillStyle = "#5a616b";
  context.font = "500 20px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(new Date().toLocaleDateString(), canvas.width / 2, height - FOOT / 2 + 6);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });
}
