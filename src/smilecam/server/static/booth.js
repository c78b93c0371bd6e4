// Photos: at the press of a button, or by themselves when somebody smiles, after a countdown.

import { $, announce, calm, download, el, icon, stamp } from "./dom.js";

const MOST_PHOTOS = 30;
const REST_SECONDS = 4;

export class Booth {
  /** @param {() => Promise<Blob | null>} take gives a picture of what is shown, or null where nothing is */
  constructor(take, complain) {
    this.take = take;
    this.complain = complain;
    this.gallery = $("gallery");
    this.rested = 0;
  }

  get armed() {
    return $("booth").checked;
  }

  /** Somebody began to smile. */
  smile() {
    if (!this.armed || this.running || performance.now() < this.rested) return;
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
    this.rested = performance.now() + 1000 * REST_SECONDS;
    if (this.gallery.children.length >= MOST_PHOTOS) {
      this.complain(`There are ${MOST_PHOTOS} photos; delete some to take more.`);
      return;
    }
    const blob = await this.take();
    if (!blob) return;
    if (!calm.matches) this.flash();
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
