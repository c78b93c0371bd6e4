// Where labels go: beside their face, over no other face and over no other label. label_layout.py does the same for
// `--save`. Rectangles are [x1, y1, x2, y2] in pixels, half-open, y growing downward; sizes are [width, height].

export const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/**
 * Find a place for each face's label, large faces first.
 * @param {Array<number[]>} boxes of all faces, also of those without a label
 * @param {Array<Array<number[]>>} sizes for each face what its label may take, the best first; empty for none
 * @param {number[]} frame size of the whole image; labels stay inside
 * @param {number} gap around each box that stays free, for its outline
 * @param {object} [wishes]
 * @param {Array<?number>} [wishes.before] for each face the position of its last label, which is tried first
 * @param {number} [wishes.first] index of a face that comes before the larger ones
 * @returns {Array<?{choice: number, position: number, rectangle: number[]}>} null where nothing fits
 */
export function placeLabels(boxes, sizes, frame, gap, { before = [], first } = {}) {
  const faces = boxes.map(([x1, y1, x2, y2]) => [x1 - gap, y1 - gap, x2 + gap, y2 + gap]);
  const busy = [...faces];
  const placed = boxes.map(() => null);
  const area = (at) => (at === first ? Infinity : (boxes[at][2] - boxes[at][0]) * (boxes[at][3] - boxes[at][1]));
  const order = boxes.map((_, at) => at).sort((a, b) => (area(b) === area(a) ? a - b : area(b) - area(a)));
  for (const at of order) {
    const label = place(faces[at], sizes[at], frame, busy, before[at]);
    if (!label) continue;
    placed[at] = label;
    busy.push(label.rectangle);
  }
  return placed;
}

function place(face, sizes, frame, busy, before) {
  for (const [choice, size] of sizes.entries()) {
    for (const [position, rectangle] of candidates(face, size, frame, before)) {
      if (!busy.some((other) => meet(rectangle, other))) return { choice, position, rectangle };
    }
  }
  return null;
}

/** Rectangles that touch the face: above, below, right, left; each at three positions, moved into the frame. */
function candidates([x1, y1, x2, y2], [width, height], [frameWidth, frameHeight], before) {
  const across = [x1, (x1 + x2 - width) / 2, x2 - width].map((x) => Math.min(Math.max(x, 0), frameWidth - width));
  const down = [y1, (y1 + y2 - height) / 2, y2 - height].map((y) => Math.min(Math.max(y, 0), frameHeight - height));
  const corners = [
    ...[y1 - height, y2].flatMap((y) => across.map((x) => [x, y])),
    ...[x2, x1 - width].flatMap((x) => down.map((y) => [x, y])),
  ];
  const all = corners.map(([x, y], position) => [position, [x, y, x + width, y + height]]);
  if (before != null) all.unshift(all[before]);
  return all.filter(([, [x, y, right, bottom]]) => x >= 0 && y >= 0 && right <= frameWidth && bottom <= frameHeight);
}
