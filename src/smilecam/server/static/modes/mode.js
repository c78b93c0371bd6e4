// What every mode of the page is. A mode lives from enter to leave and is not entered again: entering the same kind of
// source once more takes a new one. What is awaited in a mode looks at `left` before it goes on, and what others call is
// wrapped in `whileHere`, so that nothing of a mode that was left shows up in the next one.

export class Mode {
  name = "";
  /** Whether results come from a stream as it happens. */
  live = false;

  /**
   * @param {object} page what app.js shares: stage, results, settings, booth, offered, go and idle
   * @param {string} source the name in the results
   */
  constructor(page, source = "") {
    this.page = page;
    this.source = source;
    this.controller = new AbortController();
  }

  get signal() {
    return this.controller.signal;
  }

  get left() {
    return this.signal.aborted;
  }

  /** A callback that does nothing once the mode was left. */
  whileHere(callback) {
    return (...values) => (this.left ? undefined : callback(...values));
  }

  async enter() {}

  leave() {
    this.controller.abort();
  }

  /** Whether it is unknown where the faces in the image are. */
  get blind() {
    return false;
  }

  /** Whether there is a position to move through, by `seek`, `step` and `toSmile`. */
  get seekable() {
    return false;
  }

  /** Move to a time in seconds. */
  seek() {}

  /** Move by seconds. */
  step() {}

  /** Move to the next smile (1) or the one before (-1). */
  toSmile() {}

  /** Connect again at once; gives whether there is a connection to be had. */
  reconnect() {
    return false;
  }

  /** Settings were changed: all that are wanted, and which of them are new. */
  settingsChanged() {}

  /** The large button below the stage was pressed. */
  pressMain() {}

  /** The Cancel button below the progress was pressed. */
  cancel() {}

  /** Called four times a second. */
  refresh() {}
}
