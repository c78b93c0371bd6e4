// Tracks: which face of this frame is which face of the frames before. The counterpart of tracking/tracker.py.

import { centre, translated, width } from "../boxes.js";
import { round } from "../numbers.js";
import { match, pairGreedily } from "./association.js";

const MIN_SIMILARITY = 0.25;
const VELOCITY_SECONDS = 0.3;
const MAX_DISTANCE = 0.6;

class Track {
  velocity = [0, 0];

  constructor(number, box, time) {
    Object.assign(this, { number, box, time });
  }

  /** The box at another time, at constant velocity. */
  predict(time) {
    return translated(this.box, ...this.velocity.map((one) => round(one * (time - this.time))));
  }

  update(box, time) {
    const passed = time - this.time;
    if (passed > 0) {
      const weight = Math.min(1, passed / VELOCITY_SECONDS);
      const before = centre(this.box);
      this.velocity = centre(box).map((now, at) => this.velocity[at] + weight * ((now - before[at]) / passed - this.velocity[at]));
    }
    this.box = box;
    this.time = time;
  }
}

export class Tracker {
  /** @param {number} maxAge seconds for which a track may be unseen and keep its number */
  constructor(maxAge = 1) {
    this.maxAge = maxAge;
    this.tracks = [];
    this.count = 0;
  }

  /** End all tracks with the next frame, because the scene has changed: a number never moves to somebody else. */
  forget() {
    for (const track of this.tracks) track.time = -Infinity;
  }

  /** Take the next frame: a track number for each box, and the numbers of the tracks that have ended. */
  update(boxes, time) {
    const ended = this.tracks.filter((track) => time - track.time > this.maxAge);
    this.tracks = this.tracks.filter((track) => time - track.time <= this.maxAge);
    const predicted = this.tracks.map((track) => track.predict(time));
    const pairs = match(predicted, boxes, MIN_SIMILARITY);
    pairs.push(...nearest(predicted, boxes, pairs));
    const matched = new Map(pairs.map(([i, j]) => [j, this.tracks[i]]));
    const numbers = boxes.map((box, j) => {
      const track = matched.get(j) ?? this.begin(box, time);
      track.update(box, time);
      return track.number;
    });
    return { tracks: numbers, ended: ended.map((track) => track.number) };
  }

  begin(box, time) {
    const track = new Track((this.count += 1), box, time);
    this.tracks.push(track);
    return track;
  }
}

/** Pairs of those left over whose centres are near and whose sizes are similar, nearest first. */
function nearest(predicted, boxes, pairs) {
  const [first, second] = [new Set(pairs.map(([i]) => i)), new Set(pairs.map(([, j]) => j))];
  const candidates = [];
  predicted.forEach((a, i) => boxes.forEach((b, j) => {
    if (first.has(i) || second.has(j)) return;
    const far = distance(a, b);
    if (far <= MAX_DISTANCE) candidates.push([far, i, j]);
  }));
  return pairGreedily(candidates);
}

/** Between centres, in sides of the larger box; infinite for boxes of which one is twice as large. */
function distance(a, b) {
  const [large, small] = [Math.max(width(a), width(b)), Math.max(1, Math.min(width(a), width(b)))];
  if (large > 2 * small) return Infinity;
  const [[ax, ay], [bx, by]] = [centre(a), centre(b)];
  return Math.hypot(ax - bx, ay - by) / large;
}
