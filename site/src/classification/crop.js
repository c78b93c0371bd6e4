// From a face to the network's input: the counterpart of classification/crop.py.

import { height, width } from "../boxes.js";
import { cut, moments, resizeSquare } from "../grey.js";
import { round } from "../numbers.js";

/** Added to the standard deviation, in grey values, so that a flat image stays flat instead of exploding. */
const STANDARDIZE_EPSILON = 1;

/**
 * The square of a face that goes to the network; it may leave the image.
 * @param {{box: number[], landmarks: ?number[]}} face
 * @param {object} geometry {side, shift_x, shift_y} of boxes, or {side, along} of landmarks
 */
export function squareOfFace(face, geometry) {
  return "along" in geometry ? squareOfLandmarks(face.landmarks, geometry) : squareInBox(face.box, geometry);
}

function squareInBox(box, geometry) {
  const x = (box[0] + box[2]) / 2 + geometry.shift_x * width(box);
  const y = (box[1] + box[3]) / 2 + geometry.shift_y * height(box);
  return square(x, y, geometry.side * Math.max(width(box), height(box)));
}

function squareOfLandmarks([leftX, leftY, rightX, rightY, , , mouthX1, mouthY1, mouthX2, mouthY2], geometry) {
  const [eyesX, eyesY] = [(leftX + rightX) / 2, (leftY + rightY) / 2];
  const [downX, downY] = [(mouthX1 + mouthX2) / 2 - eyesX, (mouthY1 + mouthY2) / 2 - eyesY];
  const distance = (Math.hypot(rightX - leftX, rightY - leftY) + Math.hypot(downX, downY)) / 2;
  return square(eyesX + geometry.along * downX, eyesY + geometry.along * downY, geometry.side * distance);
}

function square(x, y, side) {
  const pixels = Math.max(1, round(side));
  const [x1, y1] = [round(x - pixels / 2), round(y - pixels / 2)];
  return [x1, y1, x1 + pixels, y1 + pixels];
}

/** Grey values to the network's input values. */
export function normalize(values, normalization) {
  if (normalization === "unit") return Float32Array.from(values, (value) => value / 255);
  const { mean, deviation } = moments(values);
  return Float32Array.from(values, (value) => (value - mean) / (deviation + STANDARDIZE_EPSILON));
}

/** The network's input for each face, Float32Array of size x size values. */
export function networkInputs(image, faces, geometry, { size, normalization }) {
  return faces.map((face) => normalize(resizeSquare(cut(image, squareOfFace(face, geometry)), size).data, normalization));
}
