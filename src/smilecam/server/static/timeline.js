// The probability of a smile over time: a lane for each person, events as flags.

import { calm, clock, percent } from "./dom.js";

const LIVE_SECONDS = 30;
const MOST_LANES = 5;
const LANE = 58;
const TALL_LANE = 96;
const GAP = 10;
const AXIS = 22;
const LEFT = 34;
const PACE = 100;
const GAP_SECONDS = 0.6;
const PASSING = 2;

export class Timeline {
  /**
   * @param {HTMLElement} frame holds the canvas, and is a slider where there is something to move through
   * @param {(time: number) => void} seek called with the seconds that were clicked
   */
  constructor(frame, seek) {
    this.frame = frame;
    this.canvas = frame.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.seek = seek;
    this.threshold = null;
    this.reset();
    new ResizeObserver(() => this.draw(true)).observe(frame);
    frame.addEventListener("pointerdown", (event) => {
      if (!this.length) return;
      frame.setPointerCapture(event.pointerId);
      this.point(event);
    });
    frame.addEventListener("pointermove", (event) => event.buttons && this.length && this.point(event));
    frame.addEventListener("keydown", (event) => this.key(event));
  }

  /** Begin anew: live, or over a film of so many seconds. */
  reset(length = 0) {
    this.length = length;
    this.lanes = new Map();
    this.events = [];
    this.now = 0;
    this.begun = undefined;
    for (const name of ["role", "tabindex", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"]) {
      this.frame.removeAttribute(name);
    }
    if (length) {
      const slider = { role: "slider", tabindex: "0", "aria-label": "Position in the video", "aria-valuemin": "0", "aria-valuemax": length.toFixed(1) };
      for (const [name, value] of Object.entries(slider)) this.frame.setAttribute(name, value);
    }
    this.draw(true);
  }

  add(result) {
    for (const face of result.faces) {
      if (!this.lanes.has(face.track)) this.lanes.set(face.track, []);
      this.lanes.get(face.track).push([result.time, face.smile, face.smiling]);
    }
    for (const event of result.events ?? []) if (event.track !== undefined) this.mark(event);
    if (!this.length) {
      this.begun ??= result.time;
      this.now = result.time;
      this.forget(result.time - LIVE_SECONDS - 5);
    }
  }

  /** Keep an event. It is declared a moment after it came true: the lane changes from where it did. */
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

  point(event) {
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

  /** Draw, ten times a second at most unless it must be now. */
  draw(must = false) {
    const moment = performance.now();
    if (!must && moment - (this.drawn ?? 0) < (calm.matches ? 5 * PACE : PACE)) return;
    this.drawn = moment;
    const lanes = this.visible();
    const width = this.frame.clientWidth;
    this.lane = lanes.length > 2 ? LANE : TALL_LANE;
    const height = lanes.length ? lanes.length * (this.lane + GAP) + AXIS : 0;
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
    }
    if (!lanes.length) return;
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(`--${name}`);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, width, height);
    const [from, to] = this.length ? [0, this.length] : this.liveWindow();
    const x = (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT);
    lanes.forEach(([track, points], at) => this.person(track, points, at * (this.lane + GAP), x, from, width));
    this.axis(height - AXIS, x, from, to, width);
    if (this.length) this.cursor(x(this.now), height - AXIS);
  }

  /** The last seconds; a stream that has just begun fills the window from the left. */
  liveWindow() {
    const from = Math.max(this.begun ?? 0, this.now - LIVE_SECONDS);
    return [from, from + LIVE_SECONDS];
  }

  /** The lanes that are shown: those seen last, in the order of their numbers, without who just passed by. */
  visible() {
    const last = (points) => points.at(-1)[0];
    const passing = (points) => last(points) - points[0][0] < PASSING && this.now - last(points) > 0.5 && !points.some((point) => point[2]);
    const lanes = [...this.lanes].filter(([, points]) => this.length || !passing(points));
    const seen = lanes.sort((a, b) => last(b[1]) - last(a[1])).slice(0, MOST_LANES);
    return seen.sort((a, b) => a[0] - b[0]);
  }

  person(track, points, top, x, from, width) {
    const { context } = this;
    const y = (share) => top + this.lane - 4 - share * (this.lane - 16);
    context.fillStyle = this.colour("well");
    context.beginPath();
    context.roundRect(LEFT, top, width - LEFT, this.lane, 8);
    context.fill();
    context.fillStyle = this.colour("quiet");
    context.font = "600 13px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(`#${track}`, 2, top + this.lane / 2);
    context.save();
    context.beginPath();
    context.roundRect(LEFT, top, width - LEFT, this.lane, 8);
    context.clip();
    if (this.threshold != null) this.line(x(from), width, y(this.threshold));
    for (const run of runs(points)) this.run(run, x, y, top);
    for (const event of this.events) if (event.track === track) this.flag(event, x, top);
    context.restore();
  }

  line(left, right, y) {
    const { context } = this;
    context.setLineDash([4, 4]);
    context.lineWidth = 1;
    context.strokeStyle = this.colour("edge");
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(right, y);
    context.stroke();
    context.setLineDash([]);
  }

  /** A stretch in which the person was seen: the line, and the ground below it where there is a smile. */
  run(points, x, y, top) {
    const { context } = this;
    const ground = top + this.lane;
    let begin = -1;
    for (let at = 0; at <= points.length; at += 1) {
      const smiling = at < points.length && points[at][2];
      if (smiling && begin < 0) begin = at;
      if (smiling || begin < 0) continue;
      const part = points.slice(begin, Math.min(points.length, at + 1));
      begin = -1;
      context.beginPath();
      context.moveTo(x(part[0][0]), ground);
      for (const [time, share] of part) context.lineTo(x(time), y(share));
      context.lineTo(x(part.at(-1)[0]), ground);
      context.closePath();
      context.globalAlpha = 0.85;
      context.fillStyle = this.colour("smile");
      context.fill();
      context.globalAlpha = 1;
    }
    context.beginPath();
    for (const [time, share] of points) context.lineTo(x(time), y(share));
    if (points.length === 1) context.lineTo(x(points[0][0]) + 0.1, y(points[0][1]));
    context.lineWidth = 2;
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = this.colour("plain");
    context.stroke();
  }

  /** A flag where a smile begins (filled, pointing on) or ends (hollow, pointing back). */
  flag(event, x, top) {
    const { context } = this;
    const start = event.event === "smile_start";
    const at = x(event.since ?? event.time);
    context.strokeStyle = context.fillStyle = this.colour("ink");
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(at, top);
    context.lineTo(at, top + this.lane);
    context.stroke();
    context.beginPath();
    context.moveTo(at, top + 1);
    context.lineTo(at + (start ? 9 : -9), top + 6);
    context.lineTo(at, top + 11);
    context.closePath();
    if (start) context.fill();
    else context.stroke();
  }

  axis(top, x, from, to, width) {
    const { context } = this;
    const steps = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];
    const step = steps.find((seconds) => ((to - from) / seconds) * 64 <= width) ?? 3600;
    context.fillStyle = this.colour("quiet");
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "top";
    for (let time = Math.ceil(Math.max(0, from) / step) * step; time <= to; time += step) {
      context.textAlign = x(time) < LEFT + 16 ? "left" : x(time) > width - 20 ? "right" : "center";
      context.fillText(clock(time, step < 1), x(time), top - 4);
    }
  }

  cursor(x, bottom) {
    const { context } = this;
    context.fillStyle = this.colour("ink");
    context.fillRect(x - 1, 0, 2, bottom - GAP);
    context.beginPath();
    context.arc(x, bottom - GAP, 5, 0, 2 * Math.PI);
    context.fill();
  }

  setThreshold(threshold) {
    this.threshold = threshold;
    this.frame.title = threshold == null ? "" : `Threshold ${percent(threshold)}`;
    this.draw(true);
  }
}

/** Cut a person's points where the person was not seen for a while. */
export function runs(points) {
  const all = [];
  for (const point of points) {
    const last = all.at(-1);
    if (last && point[0] - last.at(-1)[0] <= GAP_SECONDS) last.push(point);
    else all.push([point]);
  }
  return all;
}
