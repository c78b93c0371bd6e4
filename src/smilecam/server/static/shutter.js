// Decides when a photo is taken because of a smile. It looks at results only: time and clicks come from outside.
//
// ready -> (counting -> waiting) -> collecting -> ready: a smile that has no photo yet begins it; with a countdown it is
// looked for again at zero, and waited for if it is gone; then frames are collected for a moment, and the best is taken.

const COOLDOWN = 4000;
const MOMENT = 700;
const STALE = 500;

export class SmileShutter {
  /**
   * @param {{offer: (result: object) => void, shoot: () => void, reset: () => void}} on called with each result whose frame
   *   may be the photo, when the best of them is to be taken, and when all of them are to be dropped
   */
  constructor(on) {
    this.on = on;
    this.state = "ready";
    this.readyAt = 0;
    this.taken = new Set();
    this.last = null;
  }

  /** Begin anew: another source, or switched off. */
  stop() {
    this.state = "ready";
    this.taken.clear();
    this.last = null;
    this.on.reset();
  }

  /**
   * Take a result.
   * @param {{faces: Array<{track: number, smiling: boolean}>}} result
   * @param {{everyone: boolean, wait: number}} wanted whether all must smile; seconds of the countdown
   * @param {number} now in milliseconds
   */
  take(result, { everyone, wait }, now) {
    const { faces } = result;
    const smiling = faces.filter((face) => face.smiling);
    const on = everyone ? faces.length > 0 && smiling.length === faces.length : smiling.length > 0;
    this.last = { on, now };
    this.forgetEnded(faces, everyone && !on);
    if (this.state === "ready" && now >= this.readyAt && on && smiling.some((face) => !this.taken.has(face.track))) {
      this.state = "counting";
      this.until = now + 1000 * wait;
    }
    this.tick(now);
    if (this.state === "collecting") this.collect(result, on, now);
  }

  /** A person may have a further photo once the smile of the last one has ended. */
  forgetEnded(faces, groupEnded) {
    if (groupEnded) this.taken.clear();
    const lasting = new Set(faces.filter((face) => face.smiling).map((face) => face.track));
    for (const track of this.taken) if (!lasting.has(track)) this.taken.delete(track);
  }

  /** Time passes, also without results. */
  tick(now) {
    const lasts = this.last?.on && now - this.last.now < STALE;
    if (this.state === "counting" && now >= this.until) this.state = "waiting";
    if (this.state === "waiting" && lasts) {
      this.state = "collecting";
      this.since = now;
      this.on.reset();
    }
  }

  collect(result, on, now) {
    if (on) this.on.offer(result);
    if (on && now - this.since < MOMENT) return;
    for (const face of result.faces) if (face.smiling) this.taken.add(face.track);
    this.state = "ready";
    this.readyAt = now + COOLDOWN;
    this.on.shoot();
  }

  /** Seconds left of a countdown, or null. */
  left(now) {
    return this.state === "counting" ? Math.max(1, Math.ceil((this.until - now) / 1000)) : null;
  }
}
