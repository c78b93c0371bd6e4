// Test-time augmentation: the counterpart of classification/augmented.py.

/** Log odds on both sides of even odds within which a face is read again. */
export const DOUBTFUL = 2;

const TRANSLATION = 1 / 32;

/**
 * Two further versions of each face: all moved up to the right, then all moved down to the left and mirrored.
 * @param {Float32Array[]} faces each of size x size values
 * @param {number} size
 */
export function translated(faces, size) {
  const pixels = Math.max(1, Math.round(TRANSLATION * size));
  return [...faces.map((face) => upRight(face, size, pixels)), ...faces.map((face) => downLeftMirrored(face, size, pixels))];
}

function upRight(face, size, pixels) {
  return taken(face, size, (x) => x - pixels, (y) => y + pixels);
}

function downLeftMirrored(face, size, pixels) {
  return taken(face, size, (x) => size - 1 - x + pixels, (y) => y - pixels);
}

/** An image of the pixels at `column(x)` and `row(y)` of another; outside of it, its border. */
function taken(face, size, column, row) {
  const held = (at) => Math.min(size - 1, Math.max(0, at));
  const image = new Float32Array(face.length);
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) image[y * size + x] = face[held(row(y)) * size + held(column(x))];
  return image;
}
