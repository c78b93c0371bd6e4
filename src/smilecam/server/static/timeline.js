// The probability of a smile over time: a lane for each track, events as flags.

import { clock, percent, reducedMotion } from "./dom.js";
import { LEFT, TimelinePainter } from "./timeline-painter.js";

const LIVE_SECONDS = 30;
const MOST_LANES = 5;
const PACE = 100;
const PASSING = 2;

export class Timeline {
  /**
   * @param {HTMLElement} frame holds the canvas, and is a slider where there is something to move through
   * @param {(time: number) => void} seek called with the seconds that were clicked
   */
  constructor(frame, seek) {
    this.frame = frame;
    this.painter = new TimelinePainter(frame.querySelector("canvas"));
    this.seek = seek;
    this.threshold = null;
    this.reset();
    new ResizeObserver(() => this.draw(true)).observe(frame);
    frame.addEventListener("pointerdown", (event) => {
      if (!this.length) return;
      frame.setPointerCapture(event.pointerId);
      this.seekTo(event);
    });
    frame.addEventListener("pointermove", (event) => event.buttons && this.length && this.seekTo(event));
    frame.addEventListener("keydown", (event) => this.key(event));
  }

  /** Start again: for a live stream, or for a video of a length in seconds. */
  reset(length = 0) {
    this.length = length;
    this.lanes = new Map();
    this.events = [];
    this.now = 0;
    this.start = undefined;
    for (const name of ["role", "tabindex", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"]) {
      this.frame.removeAttribute(name);
    }
    if (length) {
      const slider = { role: "slider", tabindex: "0", "aria-label": "Position in the video", "aria-valuemin": "0", "aria-valuemax": length.toFixed(1), "aria-valuenow": "0" };
      for (const [name, value] of Object.entries(slider)) this.frame.setAttribute(name, value);
    }
    this.draw(true);
  }

  add(result) {
    for (const face of result.faces) {
      if (!this.lanes.has(face.track)) this.lanes.set(face.track, []);
      this.lanes.get(face.track).push([result.time, face.smoothed ?? face.smile, face.smiling]);
    }
    for (const event of result.events ?? []) if (event.track !== undefined) this.mark(event);
    if (!this.length) {
      this.start ??= result.time;
      this.now = result.time;
      this.forget(result.time - LIVE_SECONDS - 5);
    }
  }

  /** Keep an event. It is reported a moment after it came true: the lane changes from where it did. */
  mark(event) {
    this.events.push(event);
    const points = this.lanes.get(event.track) ?? [];
    const from = event.since ?? event.time;
    for (let at = points.length - 1; at >= 0 && points[at][0] >= from; at -= 1) points[at][2] = event.event === "smile_start";
  }

  forget(before) {
    for (const [track, points] of this.lanes) {
      let old = 0;
      while (old < points.length && points[old][0] < before) old += 1;
      if (old === points.length) this.lanes.delete(track);
      else if (old > 60) points.splice(0, old);
    }
    if (this.events.length > 200) this.events = this.events.filter((event) => event.time >= before);
  }

  seekTo(event) {
    const box = this.frame.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT);
    this.seek(Math.min(1, Math.max(0, share)) * this.length);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
    const edge = { Home: 0, End: this.length }[event.key];
    if (!this.length || (step === undefined && edge === undefined)) return;
    event.preventDefault();
    event.stopPropagation();
    this.seek(edge ?? Math.min(this.length, Math.max(0, this.now + step)));
  }

  at(time) {
    this.now = time;
    if (this.length) {
      this.frame.setAttribute("aria-valuenow", time.toFixed(1));
      this.frame.setAttribute("aria-valuetext", `${clock(time, true)} of ${clock(this.length)}`);
    }
    this.draw(true);
  }

  /** Go along with a video that plays: drawn ten times a second at most. */
  follow(time) {
    if (performance.now() - (this.drawn ?? 0) < PACE) this.now = time;
    else this.at(time);
  }

  /** Draw, ten times a second at most unless it must be now. */
  draw(must = false) {
    const moment = performance.now();
    if (!must && moment - (this.drawn ?? 0) < (reducedMotion.matches ? 5 * PACE : PACE)) return;
    this.drawn = moment;
    const [from, to] = this.length ? [0, this.length] : this.liveWindow();
    const cursor = this.length ? this.now : null;
    this.painter.draw({ lanes: this.visible(), events: this.events, threshold: this.threshold, from, to, cursor });
  }

  /** The last seconds; a stream that has just begun fills the window from the left. */
  liveWindow() {
    const from = Math.max(this.start ?? 0, this.now - LIVE_SECONDS);
    return [from, from + LIVE_SECONDS];
  }

  /** The lanes that are shown: the tracks seen last, in the order of their numbers, without those in view for a moment only. */
  visible() {
    const last = (points) => points.at(-1)[0];
    const passing = (points) => last(points) - points[0][0] < PASSING && this.now - last(points) > 0.5 && !points.some((point) => point[2]);
    const lanes = [...this.lanes].filter(([, points]) => this.length || !passing(points));
    const seen = lanes.sort((a, b) => last(b[1]) - last(a[1])).slice(0, MOST_LANES);
    return seen.sort((a, b) => a[0] - b[0]);
  }

  setThreshold(threshold) {
    this.threshold = threshold;
    this.frame.title = threshold == null ? "" : `Threshold ${percent(threshold)}`;
    this.draw(true);
  }
}
