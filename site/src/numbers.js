// Arithmetic as Python and OpenCV have it.

/** To whole numbers; of two that are as near, the even one. */
export function round(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below & 1) : Math.floor(value + 0.5);
}

/** To so many digits, for results that people and programs read. */
export function digits(value, count) {
  const scale = 10 ** count;
  return round(value * scale) / scale;
}

export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export const logistic = (value) => 1 / (1 + Math.exp(-value));

/** Log odds are clipped to this: a single frame of .9999 counts no more than one of .998. */
const LIMIT = 6;
const LEAST = 1 / (1 + Math.exp(LIMIT));

/** Log odds of a probability, clipped on both sides. */
export function logOdds(probability) {
  const clipped = clamp(probability, LEAST, 1 - LEAST);
  return Math.log(clipped / (1 - clipped));
}
