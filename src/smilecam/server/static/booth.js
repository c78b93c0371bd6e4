// Photos: at the press of the shutter, or by themselves when somebody smiles, of the best moment of the smile.

import { BestFrame } from "./best-frame.js";
import { freeCorner } from "./corner.js";
import { $, announce, reducedMotion, setText } from "./dom.js";
import { Film, MOST_PHOTOS } from "./film.js";
import { keep } from "./memory.js";
import { note } from "./notices.js";
import { SmileShutter } from "./shutter.js";

const TICK = 100;

export class Booth {
  /**
   * @param {import("./stage.js").Stage} stage
   * @param {(tone: string) => void} play makes a tone, where that is wanted
   */
  constructor(stage, play) {
    this.stage = stage;
    this.play = play;
    this.film = new Film();
    this.frames = new BestFrame();
    this.shutter = new SmileShutter({
      offer: (result) => this.image && this.frames.offer(this.image, result),
      shoot: () => this.shootBest(),
      reset: () => this.frames.reset(),
    });
    for (const id of ["booth", "booth-who", "booth-wait"]) keep($(id));
    $("booth").addEventListener("change", () => this.switched());
    this.showOptions();
    setInterval(() => this.tick(), TICK);
  }

  get armed() {
    return $("booth").checked;
  }

  switched() {
    this.stop();
    this.showOptions();
    announce(`Photo on smile ${this.armed ? "on" : "off"}`);
  }

  showOptions() {
    $("booth-options").hidden = !this.armed;
  }

  /** Begin anew: another source, or switched off. */
  stop() {
    this.shutter.stop();
    this.showState();
  }

  /**
   * Take a result of a stream.
   * @param {object} result
   * @param {?CanvasImageSource} image the frame that it is of, for the time of this call
   */
  see(result, image) {
    if (!this.armed) return;
    this.image = image;
    this.shutter.take(result, { everyone: $("booth-who").value === "everyone", wait: Number($("booth-wait").value) }, performance.now());
    this.image = null;
    this.showState();
  }

  tick() {
    if (this.shutter.state === "ready") return;
    this.shutter.tick(performance.now());
    this.showState();
  }

  /** Show the countdown: on the shutter, and in a corner that no face reaches. */
  showState() {
    const { state } = this.shutter;
    const left = this.shutter.left(performance.now());
    const text = { counting: String(left), waiting: "Waiting for the smile" }[state] ?? "";
    if (text && text !== this.text) {
      announce(text);
      if (left) this.play("count");
    }
    this.text = text;
    setText($("shutter-count"), left ? String(left) : text && "…");
    const badge = $("countdown");
    badge.hidden = !text;
    if (!text) return;
    setText(badge, text);
    badge.classList.toggle("words", !left);
    const { element, faces, space, overlay } = this.stage;
    const corner = freeCorner(sizeOf(element), sizeOf(badge), faces, space, overlay.mirror);
    badge.hidden = !corner;
    badge.dataset.corner = corner ?? "";
  }

  /** Take a photo of what is shown. */
  shoot() {
    return this.take(undefined);
  }

  async shootBest() {
    const { best } = this.frames;
    this.frames.reset();
    if (best) await this.take(best);
  }

  async take(frame) {
    if (this.film.full) {
      note(`There are ${MOST_PHOTOS} photos; delete some to take more.`, { info: true });
      return;
    }
    const { faces } = frame ?? this.stage;
    const blob = await this.stage.photo(frame);
    if (!blob) return;
    if (!reducedMotion.matches) this.flash();
    this.play("photo");
    this.film.add(blob, faces);
  }

  flash() {
    const flash = $("flash");
    flash.hidden = false;
    setTimeout(() => { flash.hidden = true; }, 350);
  }
}

const sizeOf = ({ offsetWidth: width, offsetHeight: height }) => ({ width, height });
