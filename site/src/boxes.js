// Boxes and faces as values. A box is [x1, y1, x2, y2] in whole pixels, half-open; a face is {box, confidence, landmarks},
// where landmarks are x and y of five points, or null. The counterpart of geometry.py and types.py.

/** Similarity of two boxes of which one lies in the other. */
const NESTED_SIMILARITY = 0.6;

/** A box of more times the area of the one inside it is not taken for the same face. */
const MAX_AREA_RATIO = 4;

export const width = (box) => box[2] - box[0];
export const height = (box) => box[3] - box[1];
export const side = (box) => Math.max(width(box), height(box));
export const area = (box) => width(box) * height(box);
export const translated = ([x1, y1, x2, y2], across, down) => [x1 + across, y1 + down, x2 + across, y2 + down];
export const centre = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2];

function intersection(a, b) {
  const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return Math.max(0, across) * Math.max(0, down);
}

/** Intersection over union, 0 to 1; 0 for two empty ones. */
export function iou(a, b) {
  const shared = intersection(a, b);
  const union = area(a) + area(b) - shared;
  return union ? shared / union : 0;
}

/** How likely two boxes are of one face, 0 to 1: their IoU, or more where one lies in the other. */
export function similarity(a, b) {
  const smaller = Math.min(area(a), area(b));
  const larger = Math.max(area(a), area(b));
  if (smaller === 0 || larger > MAX_AREA_RATIO * smaller) return iou(a, b);
  return Math.max(iou(a, b), (NESTED_SIMILARITY * intersection(a, b)) / smaller);
}

/** Order of faces: from left to right. */
export function compareFaces(a, b) {
  for (let at = 0; at < 4; at += 1) if (a.box[at] !== b.box[at]) return a.box[at] - b.box[at];
  return a.confidence - b.confidence;
}

/** A box inside an image of a size. */
export const clipped = ([x1, y1, x2, y2], image) => [
  Math.max(0, x1), Math.max(0, y1), Math.min(image.width, x2), Math.min(image.height, y2),
];
