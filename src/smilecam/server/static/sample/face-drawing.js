// A face drawn from formulas, of nobody: it is detected, and its smile is read, as a real one is. The same drawing as in
// smilecam/sources/face_drawing.py, which a test holds this one against; here people differ in their colours.
// Lengths are in half heights of the face, from a point between the eyes and the nose; the chin lies near y = 1.

import { band, clamp, ellipse, inside, line, Pixels, spot } from "./pixels.js";

/** The edges of the drawing. Its last row is the shirt, which may be continued downward as far as needed. */
export const EDGES = { left: -1.75, top: -1.55, right: 1.75, bottom: 2 };

/** Side of the box that is detected around the origin. */
export const BOX_SIDE = 1.92;

/** Colours of people, as red, green and blue; 1 is the brightest. */
export const PEOPLE = [
  { skin: [0.79, 0.62, 0.53], lip: [0.75, 0.47, 0.5], hair: [0.19, 0.15, 0.12], shirt: [0.3, 0.38, 0.52] },
  { skin: [0.55, 0.39, 0.3], lip: [0.55, 0.3, 0.3], hair: [0.08, 0.07, 0.07], shirt: [0.62, 0.45, 0.24] },
  { skin: [0.85, 0.7, 0.6], lip: [0.78, 0.5, 0.5], hair: [0.4, 0.26, 0.14], shirt: [0.3, 0.47, 0.38] },
];

const SHADOW = 0.72;
const IRIS = [0.3, 0.26, 0.22];
const EYE = { x: 0.36, y: -0.24, width: 0.155 };
const MOUTH_Y = 0.56;
const BLUR = 0.014;
const REACH = 3; // of a soft spot, in its sizes: nothing is seen of it beyond

const times = (colour, factor) => colour.map((part) => part * factor);
const grey = (bright) => [bright, bright, bright];

/**
 * Draw a head with shoulders.
 * @param {number} scale pixels a unit
 * @param {number} smile from 0, the mouth closed and at rest, to 1, a broad smile that shows teeth
 * @param {object} person one of PEOPLE
 * @returns {ImageData}
 */
export function drawBust(scale, smile, person) {
  const pixels = withoutExpression(scale, person).copy();
  drawRelief(pixels, smile);
  drawEyes(pixels, smile);
  drawBrows(pixels, smile);
  drawMouth(pixels, smile, person);
  drawFringe(pixels, person);
  pixels.blur(Math.max(0.3, BLUR * scale));
  return pixels.image();
}

const drawn = new Map();

/** What a smile does not change, drawn once for each person and scale. */
function withoutExpression(scale, person) {
  const key = `${scale} ${PEOPLE.indexOf(person)}`;
  if (!drawn.has(key)) {
    const pixels = new Pixels(EDGES, scale);
    drawBody(pixels, person);
    drawHead(pixels, person);
    drawn.set(key, pixels);
  }
  return drawn.get(key);
}

function drawBody(pixels, { skin, hair, shirt }) {
  pixels.paint((x, y) => ellipse(x, y, [0, -0.35], [0.98, 1.08], 0.06), times(hair, 0.8));
  const slope = (side) => 0.75 * Math.max(0, side - 0.35) ** 2 + 10 * Math.max(0, side - 1.3) ** 2;
  pixels.paint((x, y) => inside(1.28 + slope(Math.abs(x)) - y, 0.06), shirt, (x) => 1 - 0.3 * clamp(Math.abs(x) - 0.3, 0, 1));
  pixels.paint((x, y) => {
    const wide = 0.38 + 0.5 * Math.max(0, y - 1.1) ** 2;
    return y > 0 ? inside(Math.max(Math.abs(x) - wide, y - 1.48 + 0.8 * x * x), 0.05) : 0;
  }, times(skin, SHADOW));
  pixels.shade((x, y) => spot(x, y, [0, 1], [0.42, 0.16]), -0.25); // the chin's shadow
}

function drawHead(pixels, { skin }) {
  const region = { side: 1.1, top: EDGES.top, bottom: 1.2 };
  pixels.paint((x, y) => ellipse(Math.abs(x), y, [0.8, -0.08], [0.1, 0.22], 0.03), times(skin, SHADOW), undefined, region);
  const out = (x, y) => Math.hypot(x / (0.8 - 0.1 * clamp(y, 0, 1) ** 2), y / 1.02);
  const lit = (x, y) => {
    const towards = Math.sqrt(clamp(1 - out(x, y) ** 2, 0, 1)); // how far the round face is turned to the viewer
    return 1 - 0.35 * (1 - towards) ** 1.5 - 0.1 * x - 0.1 * y;
  };
  pixels.paint((x, y) => inside((out(x, y) - 1) * 0.8, 0.04), skin, lit, region);
}

function drawRelief(pixels, smile) {
  const region = { side: 0.9, top: -0.9, bottom: 1.1 };
  const around = ([x, y], [width, height]) => ({
    side: Math.min(region.side, x + REACH * width), top: Math.max(region.top, y - REACH * height), bottom: Math.min(region.bottom, y + REACH * height),
  });
  const one = (place, size, by) => pixels.shade((x, y) => spot(x, y, place, size), by, around(place, size));
  const both = (place, size, by) => pixels.shade((x, y) => spot(Math.abs(x), y, place, size), by, around(place, size));
  both([EYE.x - 0.04, EYE.y - 0.03], [0.22, 0.12], -0.3); // sockets of the eyes
  one([0, -0.62], [0.4, 0.18], 0.08); // forehead
  one([0, -0.02], [0.06, 0.25], 0.13); // nose: its bridge, sides, tip, shadow, wings, nostrils
  both([0.15, 0.04], [0.06, 0.22], -0.13);
  one([0, 0.2], [0.1, 0.07], 0.13);
  one([0, 0.325], [0.17, 0.045], -0.22);
  both([0.17 + 0.02 * smile, 0.24], [0.04, 0.07], -0.18);
  both([0.085, 0.285], [0.045, 0.025], -0.5);
  both([0.44, 0.2 - 0.06 * smile], [0.17, 0.14], 0.05 + 0.1 * smile); // cheeks, raised by a smile
  both([0.42, 0.05 - 0.03 * smile], [0.18, 0.05], -0.12 * smile);
  pixels.shade((x, y) => { // folds from the nose to the corners of the mouth
    const descent = clamp((y - 0.24) / 0.34, 0, 1);
    const ends = clamp((y - 0.2) / 0.08, 0, 1) * clamp((0.62 - y) / 0.12, 0, 1);
    return ends && ends * line(Math.abs(x) - 0.21 - (0.12 + 0.13 * smile) * descent, 0.035);
  }, -0.03 - 0.19 * smile, region);
  one([0, MOUTH_Y + 0.17 + 0.03 * smile], [0.2, 0.05], -0.15); // under the lip
  one([0, 0.86], [0.18, 0.08], 0.08); // chin
}

function drawEyes(pixels, smile) {
  const region = { side: 0.66, top: -0.62, bottom: 0.06 };
  const [centre, half] = [EYE.y + 0.01 * smile, 0.085 * (1 - 0.45 * smile)];
  const across = (x) => clamp((Math.abs(x) - EYE.x) / EYE.width, -1, 1);
  const upper = (x) => centre - half * (1 - across(x) ** 2);
  const lower = (x) => centre + 0.75 * half * (1 - across(x) ** 2) - 0.01 * across(x);
  const beside = (x) => Math.abs(Math.abs(x) - EYE.x) - EYE.width;
  const opening = (x, y) => band(upper(x), lower(x), y) * inside(beside(x), 0.02);
  pixels.paint(opening, grey(0.8), undefined, region);
  for (const [radius, colour] of [[0.072, IRIS], [0.036, grey(0.05)]]) {
    pixels.paint((x, y) => ellipse(Math.abs(x), y, [EYE.x, centre - 0.01], [radius, radius], 0.02) * opening(x, y), colour, undefined, region);
  }
  for (const place of [-EYE.x, EYE.x]) { // the light comes from the left for both
    pixels.paint((x, y) => ellipse(x, y, [place - 0.02, centre - 0.035], [0.014, 0.014], 0.015) * opening(x, y), grey(1), undefined, region);
  }
  const lids = (x) => inside(beside(x) - 0.01, 0.03);
  pixels.shade((x, y) => line(y - upper(x), 0.022) * lids(x), -0.6, region);
  pixels.shade((x, y) => line(y - lower(x), 0.02) * lids(x), -0.2, region);
  pixels.shade((x, y) => line(y - lower(x) - 0.07, 0.03) * lids(x), -0.12 - 0.1 * smile, region);
}

function drawBrows(pixels, smile) {
  pixels.shade((x, y) => {
    const across = clamp((Math.abs(x) - EYE.x) / 0.24, -1.2, 1.2);
    const arch = -0.44 - 0.01 * smile + 0.05 * across ** 2 + 0.012 * across;
    return inside(Math.abs(y - arch) - 0.036 + 0.014 * across, 0.04) * inside(Math.abs(Math.abs(x) - EYE.x) - 0.23, 0.06);
  }, -0.55, { side: 0.66, top: -0.62, bottom: -0.25 });
}

function drawMouth(pixels, smile, { lip }) {
  const region = { side: 0.56, top: 0.3, bottom: 0.95 };
  const [width, curve] = [0.25 + 0.18 * smile, -0.01 + 0.17 * smile];
  const corner = MOUTH_Y - 0.06 * smile - 0.35 * curve;
  const thick = 0.06 * (1 - 0.15 * smile);
  const opened = Math.min(1, 3 * smile);
  const arch = (x) => 1 - clamp(x / width, -1, 1) ** 2;
  const upper = (x) => corner + 0.55 * curve * arch(x);
  const lower = (x) => upper(x) + 0.13 * smile * arch(x);
  const across = (x) => inside(Math.abs(x) - width, 0.03);
  const bow = (x) => 0.25 * line(x, 0.06);
  pixels.paint((x, y) => band(upper(x) - thick * (0.85 - bow(x)) * arch(x) ** 0.6, upper(x), y, 0.025) * across(x), times(lip, 0.72), undefined, region);
  pixels.paint((x, y) => band(lower(x), lower(x) + thick * 1.2 * arch(x) ** 0.8, y, 0.025) * across(x), times(lip, 0.84), undefined, region);
  pixels.shade((x, y) => line(y - lower(x) - thick * 0.5, 0.02) * line(2 * x, width), 0.12, region);
  pixels.paint((x, y) => band(upper(x), lower(x), y) * across(x) * opened, grey(0.12), undefined, region);
  const teeth = (x) => 0.92 * (1 - 0.1 * line(((Math.abs(x) / 0.085) % 1) - 0.5, 0.12)) * (0.65 + 0.35 * arch(x));
  const row = (x, y) => band(upper(x), upper(x) + 0.82 * (lower(x) - upper(x)), y) * inside(Math.abs(x) - 0.86 * width, 0.06);
  pixels.paint((x, y) => row(x, y) * across(x) * opened, grey(1), teeth, region);
  pixels.shade((x, y) => line(y - upper(x), 0.014) * across(x), -0.6 + 0.36 * opened, region);
  pixels.shade((x, y) => spot(Math.abs(x), y, [width, corner], [0.04, 0.035]), -0.2, region);
}

function drawFringe(pixels, { hair }) {
  const shape = (x, y) => {
    const edge = -0.66 - 0.12 * Math.cos(2.2 * (x - 0.25)) + 3 * Math.max(0, Math.abs(x) - 0.55) ** 1.5;
    return inside(Math.hypot(x / 0.96, (y + 0.3) / 1.08) - 1, 0.05) * inside(y - edge, 0.06);
  };
  const light = (x, y) => {
    const strands = 1 + 0.25 * Math.sin(38 * x + 5 * y) * Math.sin(9 * x - 2 * y);
    return strands * (1 + 0.9 * line(y + 1.05 - 0.35 * x * x, 0.1));
  };
  pixels.paint(shape, hair, light, { side: 1.1, top: EDGES.top, bottom: 0.5 });
}
