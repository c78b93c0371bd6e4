// The position in a video, as a bar to drag.

import { $, clock } from "./dom.js";

const PACE = 120;

export class SeekBar {
  /** @param {(time: number) => void} seek called with the seconds that somebody moves to, several times a second at most */
  constructor(seek) {
    this.seek = seek;
    this.input = $("seek");
    this.length = 0;
    this.input.addEventListener("input", () => this.move(Number(this.input.value)));
    this.input.addEventListener("change", () => this.settle(Number(this.input.value)));
    this.input.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show it for a video of a length in seconds; without one there is nothing to move through. */
  show(length) {
    this.length = length;
    $("seek-bar").hidden = !length;
    this.input.max = String(length || 1);
    this.at(0);
  }

  at(time) {
    if (!this.length || this.input.matches(":active")) return;
    this.input.value = String(time);
    this.tell(time);
  }

  tell(time) {
    this.input.style.setProperty("--done", `${(100 * Math.min(1, time / this.length)).toFixed(2)}%`);
    this.input.setAttribute("aria-valuetext", `${clock(time, true)} of ${clock(this.length)}`);
  }

  move(time) {
    this.tell(time);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.seek(time), PACE);
  }

  settle(time) {
    clearTimeout(this.waiting);
    this.seek(time);
  }

  key(event) {
    const now = Number(this.input.value);
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
    const edge = { Home: 0, End: this.length }[event.key];
    if (step === undefined && edge === undefined) return;
    event.preventDefault();
    this.input.value = String(edge ?? Math.min(this.length, Math.max(0, now + step)));
    this.settle(Number(this.input.value));
  }
}
