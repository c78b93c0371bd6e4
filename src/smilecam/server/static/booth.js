// Photos: at the press of a button, or automatically when somebody smiles, after a countdown.

import { $, announce, download, el, icon, reducedMotion, stamp } from "./dom.js";

const MOST_PHOTOS = 30;
const COOLDOWN_SECONDS = 4;

export class Booth {
  /**
   * @param {() => Promise<Blob | null>} take a photo of what is shown, or null where nothing is
   * @param {(text: string) => void} notify shows why no photo was taken
   */
  constructor(take, notify) {
    this.take = take;
    this.notify = notify;
    this.gallery = $("gallery");
    this.readyAt = 0;
  }

  get armed() {
    return $("booth").checked;
  }

  /** Somebody has started to smile. */
  smile() {
    if (!this.armed || this.running || performance.now() < this.readyAt) return;
    this.countdown(Number($("booth-wait").value));
  }

  countdown(seconds) {
    this.running = true;
    const count = $("countdown");
    const step = (left) => {
      if (!this.running) return;
      count.hidden = left === 0;
      count.textContent = left;
      if (left === 0) {
        this.stop();
        this.shoot();
        return;
      }
      announce(String(left));
      this.timer = setTimeout(step, 1000, left - 1);
    };
    step(seconds);
  }

  stop() {
    clearTimeout(this.timer);
    this.running = false;
    $("countdown").hidden = true;
  }

  async shoot() {
    this.readyAt = performance.now() + 1000 * COOLDOWN_SECONDS;
    if (this.gallery.children.length >= MOST_PHOTOS) {
      this.notify(`There are ${MOST_PHOTOS} photos; delete some to take more.`);
      return;
    }
    const blob = await this.take();
    if (!blob) return;
    if (!reducedMotion.matches) this.flash();
    this.add(blob);
    announce("Photo taken");
  }

  flash() {
    const flash = $("flash");
    flash.hidden = false;
    setTimeout(() => { flash.hidden = true; }, 350);
  }

  add(blob) {
    const url = URL.createObjectURL(blob);
    const when = new Date();
    const name = `smilecam_${stamp(when)}.jpg`;
    const title = when.toLocaleTimeString();
    const save = el("button", { type: "button", "aria-label": `Download the photo of ${title}`, title: "Download" }, icon("down"));
    const drop = el("button", { type: "button", "aria-label": `Delete the photo of ${title}`, title: "Delete" }, icon("bin"));
    const item = el("li", {}, el("img", { src: url, alt: `Photo of ${title}` }), el("div", { class: "row" }, save, drop));
    save.onclick = () => download(name, blob);
    drop.onclick = () => {
      URL.revokeObjectURL(url);
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      (next?.querySelector("button") ?? $("photo")).focus();
      announce("Photo deleted");
    };
    this.gallery.prepend(item);
  }
}
