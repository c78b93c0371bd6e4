// What the page shows of the connection to the engine: that it is lost, why, and that it is back.

import { announce } from "./dom.js";
import { engine } from "./engine.js";
import { note, recentWarning, setStatus } from "./notices.js";

const NO_CLOSE_FRAME = 1006;

export class Connection {
  /**
   * @param {{opened: () => void, lost: () => void, retry: () => void}} on what a mode does about it
   * @param {AbortSignal} signal aborted when the mode is left
   */
  constructor(on, signal) {
    this.on = on;
    this.signal = signal;
    this.losses = 0;
  }

  /** Take a new state of the link. */
  state(state, about) {
    if (state === "open") this.opened();
    else this.lost(about);
  }

  opened() {
    if (this.losses) {
      note(null);
      announce(`The ${engine.name} is back`);
    }
    this.losses = 0;
    this.locked = false;
    setStatus("live", "Live");
    this.on.opened();
  }

  lost({ code }) {
    this.losses += 1;
    this.on.lost();
    if (this.locked) {
      this.findReason();
      return;
    }
    setStatus("bad", engine.lostStatus);
    if (this.losses === 1) announce(`The ${engine.name} does not answer`);
    const reason = code !== NO_CLOSE_FRAME && recentWarning(); // the engine sends it before it closes the connection
    this.note(`${reason || `The ${engine.name} does not answer.`} This page reconnects by itself.`);
    if (this.losses > 1) this.findReason();
  }

  note(text) {
    note(text, { action: this.on.retry, label: "Try now" });
  }

  /** A browser gives no reason for a refused WebSocket; the answer to an ordinary request has one. */
  async findReason() {
    try {
      await engine.offered();
    } catch (problem) {
      if (this.signal.aborted || !this.losses) return;
      this.locked = problem.code === "no_token"; // the page asks for the token by itself
      if (problem.status && !this.locked) this.note(problem.message);
    }
  }
}
