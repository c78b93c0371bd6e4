// Smile states of recorded video, decided over the whole course of a track: the counterpart of tracking/smile_path.py.

import { logOdds } from "../numbers.js";
import { agreeing, intensity, Smoother } from "./smile-state.js";

const MAX_FRAME_SECONDS = 0.2;
const FIRST_FRAME_SECONDS = 0.04;
const LOOKAHEAD_SECONDS = 0.4;
const MAX_DELAY_SECONDS = 3;

/** Cost of a change of state, in log odds times seconds. */
const changeCost = ({ smoothing, hysteresis }) => smoothing * (3 + hysteresis);

export class SmilePath {
  constructor(threshold, settings) {
    this.settings = settings;
    this.threshold = logOdds(threshold);
    this.cost = changeCost(settings);
    this.smoother = new Smoother(settings);
    /** Frames that are not settled: {time, gain, value, forward, least, before}. */
    this.frames = [];
    this.gains = [0, 0]; // of the best paths that do not and do smile now
    this.durations = new MinimumDurations(settings);
  }

  /** Take the next frame. */
  add(probability, time) {
    const value = logOdds(probability);
    const last = this.smoother.time;
    const seconds = last === null ? FIRST_FRAME_SECONDS : Math.min(MAX_FRAME_SECONDS, Math.max(1e-3, time - last));
    const gain = (value - this.threshold) * seconds;
    const before = this.extend(gain, last === null);
    const forward = this.smoother.update(value, time, value > this.threshold);
    this.frames.push({ time, gain, value, forward, least: this.smoother.least, before });
  }

  /** Extend both paths by a frame: for each state of it, the state of the frame before on its best path. */
  extend(gain, begins = false) {
    const [noSmile, smile] = this.gains;
    const before = begins ? [false, true] : [smile - this.cost > noSmile, noSmile - this.cost <= smile];
    this.gains = [(before[0] ? smile - this.cost : noSmile) - gain, (before[1] ? smile : noSmile - this.cost) + gain];
    return before;
  }

  /** Settle as many of the oldest frames as are certain, or all: {smiling, smoothed, intensity}, oldest first. */
  settle(ended = false) {
    const paths = [this.path(false), this.path(true)];
    const count = ended ? this.frames.length : this.certain(...paths);
    if (count) {
      const likely = this.gains[1] >= this.gains[0] ? 1 : 0;
      const states = paths[likely].slice(0, count);
      const inDoubt = paths[1 - likely][count - 1] !== states.at(-1);
      this.durations.add(this.smoothed(states));
      this.frames.splice(0, count);
      if (inDoubt) this.goOnFrom(states.at(-1));
    }
    return this.durations.settle(ended).map(([smiling, frame]) => ({
      smiling, smoothed: agreeing(frame.value, smiling, this.threshold), intensity: intensity(frame.value, frame.least),
    }));
  }

  /** The states of the best path that has a state in the newest frame. */
  path(smiling) {
    const states = new Array(this.frames.length);
    let state = smiling;
    for (let at = this.frames.length - 1; at >= 0; at -= 1) {
      states[at] = state;
      state = this.frames[at].before[state ? 1 : 0];
    }
    return states;
  }

  /** Find the best paths again over what is not settled, from a state that has been settled in doubt. */
  goOnFrom(smiling) {
    this.gains = smiling ? [-Infinity, 0] : [0, -Infinity];
    for (const frame of this.frames) frame.before = this.extend(frame.gain);
  }

  /** How many of the oldest frames have one state on both paths, and enough future to be smoothed. */
  certain(noSmile, smile) {
    const { frames } = this;
    if (!frames.length) return 0;
    const newest = frames.at(-1).time;
    const lookahead = Math.min(LOOKAHEAD_SECONDS, 3 * this.settings.smoothing);
    const seen = frames.filter(({ time }) => time <= newest - lookahead).length;
    const overdue = frames.filter(({ time }) => time < newest - MAX_DELAY_SECONDS).length;
    const differs = noSmile.findIndex((state, at) => state !== smile[at]);
    return Math.max(overdue, Math.min(seen, differs < 0 ? frames.length : differs));
  }

  /** The oldest frames with log odds that are smoothed from both sides. */
  smoothed(states) {
    const backward = new Smoother(this.settings);
    const fromFuture = [...this.frames].reverse().map(({ value, time }) => backward.update(value, -time)).reverse();
    return states.map((smiling, at) => {
      const { time, forward, least } = this.frames[at];
      return { time, smiling, value: (forward + fromFuture[at]) / 2, least };
    });
  }
}

/** Leaves out smiles and pauses that are too short. */
class MinimumDurations {
  frames = [];
  state = false;

  constructor({ min_pause: minPause, min_smile: minSmile }) {
    this.least = [minPause, minSmile];
  }

  add(frames) {
    this.frames.push(...frames);
  }

  /** The frames whose state is certain, each with its state. */
  settle(ended) {
    const settled = [];
    while (this.frames.length) {
      const runs = runsOf(this.frames);
      const state = this.frames[0].smiling;
      const lasting = this.lasts(runs, ended);
      if (state !== this.state && lasting === null) break;
      if (lasting) this.state = state;
      settled.push(...this.frames.splice(0, runs[0].length).map((frame) => [this.state, frame]));
    }
    return settled;
  }

  /** Whether the first run lasts long enough, over runs too short to end it; null while that is unknown. */
  lasts(runs, ended) {
    const needed = (run) => this.least[run[0].smiling ? 1 : 0] - 1e-9;
    const begin = runs[0][0].time;
    for (const [at, run] of runs.entries()) {
      const next = runs[at + 1];
      const end = next ? next[0].time : run.at(-1).time;
      if (at % 2 === 0) {
        if (end - begin >= needed(runs[0])) return true;
      } else if (end - run[0].time >= needed(run)) return false;
      if (!ended && !next) return null;
    }
    return false;
  }
}

function runsOf(frames) {
  const runs = [];
  for (const frame of frames) {
    if (runs.at(-1)?.[0].smiling === frame.smiling) runs.at(-1).push(frame);
    else runs.push([frame]);
  }
  return runs;
}
