// From probabilities to a state that does not flicker, in a live stream: the counterpart of tracking/smile_state.py.

import { clamp, logistic, logOdds } from "../numbers.js";

const FULL_SMILE = 3;
const NO_SMILE = -3;
const NEUTRAL_RATE = 0.02;
const SWITCH_RATE = 0.5;
const MAX_BELIEF = 3;
const BELIEF_PER_HYSTERESIS = 3;
const MAX_NEEDED_BELIEF = 2.5;
const SWITCHING_SMOOTHING = 0.12;
const MAX_SECONDS_BACK = 1;
const FULL_FRAME = 0.4;

/** Log odds smoothed from the past, and the neutral face of a track. */
export class Smoother {
  value = null;
  time = null;
  neutral = NO_SMILE;

  /** @param {{smoothing: number, relative: boolean}} settings */
  constructor(settings) {
    this.settings = settings;
  }

  /** Take the next log odds, and give the smoothed ones; the neutral face is learned outside smiles. */
  update(value, time, smiling = false) {
    if (this.value === null) this.value = value;
    else {
      const passed = Math.max(0, time - this.time);
      const { smoothing } = this.settings;
      this.value += (smoothing > 0 ? 1 - Math.exp(-passed / smoothing) : 1) * (value - this.value);
      if (!smiling) this.learnNeutral(this.value, passed);
    }
    this.time = time;
    return this.value;
  }

  learnNeutral(value, passed) {
    const rate = Math.min(1, passed * (value < this.neutral ? 1 : NEUTRAL_RATE));
    this.neutral += rate * (value - this.neutral);
  }

  /** Log odds at which the intensity is 0. */
  get least() {
    return this.settings.relative ? this.neutral : NO_SMILE;
  }
}

/** How much of a smile log odds are, 0 to 1, from `least` to a full smile. */
export const intensity = (value, least) => clamp((value - least) / Math.max(1, FULL_SMILE - least), 0, 1);

/** The probability of log odds, held to the side of the threshold (log odds) on which a state is. */
export const agreeing = (value, smiling, threshold) => logistic(smiling ? Math.max(value, threshold) : Math.min(value, threshold - 1e-3));

/** The smile of one track over time: the belief of a hidden Markov model with two states. */
export class SmileState {
  smiling = false;
  since = 0;
  peak = 0;
  belief = -MAX_BELIEF / 2;
  time = null;
  crossed = null;
  pendingSince = null;

  constructor(threshold, settings) {
    this.smoother = new Smoother(settings);
    this.switchRate = SWITCH_RATE * Math.min(1, SWITCHING_SMOOTHING / Math.max(settings.smoothing, 1e-9));
    this.updateSettings(threshold, settings);
  }

  /** Use other settings from the next frame on. */
  updateSettings(threshold, settings) {
    this.settings = settings;
    this.threshold = logOdds(threshold);
    this.smoother.settings = settings;
  }

  /** The smoothed probability of a smile, on the same side of the threshold as the state. */
  get smoothed() {
    const { value } = this.smoother;
    return value === null ? 0 : agreeing(value, this.smiling, this.threshold);
  }

  get intensity() {
    const { value, least } = this.smoother;
    return value === null ? 0 : intensity(value, least);
  }

  /** Take the next frame; the change that it confirms, {smiling, since, peak}, or null. */
  update(probability, time) {
    const value = logOdds(probability);
    this.smoother.update(value, time, this.smiling);
    this.noteCrossing(value - this.threshold >= 0, time);
    this.believe(value - this.threshold, time);
    const change = this.confirm(time);
    if (this.smiling) {
      this.peak = Math.max(this.peak, this.smoothed);
      if (change) return { smiling: true, since: change.since, peak: this.peak };
    }
    return change;
  }

  /** Remember since when frames contradict the state. */
  noteCrossing(above, time) {
    if (above === this.smiling) this.crossed = null;
    else this.crossed ??= time;
  }

  /** Take a frame into the belief: its log odds, for as much of a full frame as the frame lasts. */
  believe(distance, time) {
    const { smoothing, hysteresis } = this.settings;
    if (smoothing <= 0) { // each frame by itself
      if (Math.abs(distance) >= hysteresis) this.belief = distance;
      return;
    }
    const beyond = Math.sign(distance) * Math.max(0, Math.abs(distance) - hysteresis);
    const full = FULL_FRAME * smoothing;
    const passed = this.time === null ? full : Math.max(0, time - this.time);
    this.time = time;
    const prior = switched(this.belief, passed * this.switchRate);
    this.belief = clamp(prior + Math.min(1, passed / full) * beyond, -MAX_BELIEF, MAX_BELIEF);
  }

  /** The change of state that the belief asks for, once it has lasted long enough. */
  confirm(time) {
    const { smoothing, hysteresis, min_smile: minSmile, min_pause: minPause } = this.settings;
    const needed = smoothing > 0 ? Math.min(MAX_NEEDED_BELIEF, BELIEF_PER_HYSTERESIS * hysteresis) : 0;
    const believed = this.smiling && needed ? this.belief > -needed : this.belief >= needed;
    if (believed === this.smiling) {
      this.pendingSince = null;
      return null;
    }
    this.pendingSince ??= this.crossed === null ? time : Math.max(this.crossed, time - MAX_SECONDS_BACK);
    if (time - this.pendingSince < (believed ? minSmile : minPause) - 1e-9) return null;
    this.smiling = believed;
    this.since = this.pendingSince;
    this.pendingSince = this.crossed = null;
    if (believed) this.peak = 0;
    return { smiling: believed, since: this.since, peak: this.peak };
  }
}

/** A belief after a time in which nothing was seen, but so many changes of state were expected: it fades. */
function switched(belief, switches) {
  const changed = 0.5 * (1 - Math.exp(-2 * switches));
  const probability = logistic(belief);
  const faded = probability + changed * (1 - 2 * probability);
  return Math.log(faded / (1 - faded));
}
