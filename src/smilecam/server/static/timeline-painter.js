// Draws the timeline: a lane for each track with its probability, threshold and flags, above an axis of time.

import { clock } from "./dom.js";

/** Pixels left of the lanes. */
export const LEFT = 34;

const LANE = 58;
const TALL_LANE = 96;
const GAP = 10;
const AXIS = 22;
const GAP_SECONDS = 0.6;

export class TimelinePainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /**
   * @param {object} content
   * @param {Array<[number, Array<[number, number, boolean]>]>} content.lanes tracks with their points: seconds, probability, smiling
   * @param {Array<object>} content.events of the tracks
   * @param {?number} content.threshold
   * @param {number} content.from seconds at the left edge
   * @param {number} content.to seconds at the right edge
   * @param {?number} content.cursor seconds of the position, where there is one
   */
  draw({ lanes, events, threshold, from, to, cursor }) {
    const width = this.canvas.parentElement.clientWidth;
    this.lane = lanes.length > 2 ? LANE : TALL_LANE;
    const height = lanes.length ? lanes.length * (this.lane + GAP) + AXIS : 0;
    this.fit(width, height);
    if (!lanes.length) return;
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(`--${name}`);
    const x = (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT);
    lanes.forEach(([track, points], at) => {
      const own = events.filter((event) => event.track === track);
      this.track({ track, points, events: own, threshold }, at * (this.lane + GAP), x, width);
    });
    this.axis(height - AXIS, x, from, to, width);
    if (cursor != null) this.cursor(x(cursor), height - AXIS);
  }

  /** Give the canvas its size, and empty it. */
  fit(width, height) {
    const { canvas, context } = this;
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
  }

  track({ track, points, events, threshold }, top, x, width) {
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
    if (threshold != null) this.line(LEFT, width, y(threshold));
    for (const segment of segments(points)) this.segment(segment, x, y, top);
    for (const event of events) this.flag(event, x, top);
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

  /** A segment in which the track was seen: the line, and the area below it where there is a smile. */
  segment(points, x, y, top) {
    const { context } = this;
    const bottom = top + this.lane;
    let begin = -1;
    for (let at = 0; at <= points.length; at += 1) {
      const smiling = at < points.length && points[at][2];
      if (smiling && begin < 0) begin = at;
      if (smiling || begin < 0) continue;
      const smile = points.slice(begin, Math.min(points.length, at + 1));
      begin = -1;
      context.beginPath();
      context.moveTo(x(smile[0][0]), bottom);
      for (const [time, share] of smile) context.lineTo(x(time), y(share));
      context.lineTo(x(smile.at(-1)[0]), bottom);
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

  /** A flag where a smile starts (filled, to the right) or ends (hollow, to the left). */
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
}

/** Cut a track's points where the track was not seen for a while. */
function segments(points) {
  const all = [];
  for (const point of points) {
    const last = all.at(-1);
    if (last && point[0] - last.at(-1)[0] <= GAP_SECONDS) last.push(point);
    else all.push([point]);
  }
  return all;
}
