// What the modes of a stream share: results as they come in, and a connection that may be lost.

import { Connection } from "../connection.js";
import { hideBlank, warn } from "../notices.js";
import { Numbering } from "../numbering.js";
import { Motion } from "../overlay.js";
import { Mode } from "./mode.js";

const BLIND_AFTER = 1500;

export class LiveMode extends Mode {
  live = true;
  lastResult = 0;
  motion = new Motion();
  numbering = new Numbering();

  constructor(page, source) {
    super(page, source);
    const on = { opened: () => this.numbering.restart(), lost: () => this.lost(), retry: this.whileHere(() => this.input.retry()) };
    this.connection = new Connection(on, this.signal);
  }

  /** What the page's camera and the server's source report alike. */
  handlers() {
    return {
      state: this.whileHere((state, about) => this.connection.state(state, about)),
      settings: this.whileHere((values) => this.page.showSettings(values)),
      error: this.whileHere((error) => warn(error.message)),
    };
  }

  get blind() {
    return performance.now() - this.lastResult > BLIND_AFTER;
  }

  /**
   * Show a result.
   * @param {object} raw as the server sent it
   * @param {{grabbed?: number, sent?: number, received: number, image?: CanvasImageSource}} times in milliseconds since 1970,
   *   and the image that the result is of, for the time of this call
   * @param {number} [moment] seconds of the stream for which the boxes are drawn; without it as they are in the result
   */
  take(raw, times, moment) {
    const { stage, results } = this.page;
    const result = this.numbering.apply(raw);
    hideBlank();
    this.lastResult = performance.now();
    stage.space = { width: result.width, height: result.height };
    this.motion.update(result);
    stage.draw(moment === undefined ? result.faces : this.motion.at(moment));
    const drawn = performance.timeOrigin + performance.now();
    document.dispatchEvent(new CustomEvent("smilecam:drawn", { detail: { ...times, drawn, result } }));
    results.stats.add(result, times.sent === undefined ? undefined : drawn - times.sent);
    results.addLive(result);
    this.page.saw(result, times.image);
  }

  reconnect() {
    this.input?.retry();
    return true;
  }

  /** Without a connection nothing is known of the faces. */
  lost() {
    const { stage, results } = this.page;
    this.motion.clear();
    results.endSmiles();
    results.tracks.reset();
    stage.draw([]);
    this.page.saw({ faces: [] });
  }

  refresh() {
    this.page.results.stats.show();
  }

  leave() {
    super.leave();
    this.input?.close();
  }
}
