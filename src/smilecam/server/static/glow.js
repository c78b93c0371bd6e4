// What a smile does to the page: a soft glow around the image, a meter below it, and how many of those in view smile.

import { meanStrength } from "./best-frame.js";
import { $, announce, percent, setText } from "./dom.js";

const PACE = 100;

export class Glow {
  /** @param {() => void} everyone called when all of several people have begun to smile */
  constructor(everyone) {
    this.everyone = everyone;
    this.meter = $("warmth-meter");
    this.clear();
  }

  clear() {
    this.all = false;
    this.drawn = 0;
    this.draw([], 0);
  }

  /** Take the faces of a result. */
  show(faces) {
    const smiling = faces.filter((face) => face.smiling).length;
    const all = faces.length > 1 && smiling === faces.length;
    const changed = all !== this.all;
    this.all = all;
    const moment = performance.now();
    if (!changed && moment - this.drawn < PACE) return;
    this.drawn = moment;
    this.draw(faces, smiling);
    if (!all || !changed) return;
    announce(`Everyone smiles: ${smiling} of ${smiling}`);
    this.everyone();
  }

  draw(faces, smiling) {
    const share = Math.min(1, meanStrength(faces));
    $("stage").style.setProperty("--warmth", share.toFixed(2));
    this.meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    this.meter.firstElementChild.style.width = percent(share).replace(" ", "");
    $("warmth").classList.toggle("all", this.all);
    setText($("together"), this.text(faces.length, smiling));
  }

  text(count, smiling) {
    if (count === 0) return "Nobody in view";
    if (count === 1) return smiling ? "Smiling" : "Not smiling";
    return this.all ? `Everyone smiles: ${smiling} of ${count}` : `${smiling} of ${count} ${smiling === 1 ? "smiles" : "smile"}`;
  }
}
