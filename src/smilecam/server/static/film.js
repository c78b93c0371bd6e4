// The photos that were taken: a film strip below the image, kept in this page only.

import { $, announce, download, el, plural, stamp } from "./dom.js";
import { note } from "./notices.js";
import { PhotoDialog } from "./photo-dialog.js";
import { STRIP_LENGTH, stripOf } from "./photo-strip.js";

export const MOST_PHOTOS = 30;
const UNDO_STANDS = 8000;
const PAUSE = 250;

function aboutFaces(count, smiling) {
  if (count === 0) return "nobody in view";
  if (count === 1) return smiling ? "smile" : "no smile";
  return `${smiling} of ${count} ${smiling === 1 ? "smiles" : "smile"}`;
}

export class Film {
  constructor() {
    /** The newest first: {number, name, blob, url, title, about, item}. */
    this.photos = [];
    this.taken = 0;
    this.list = $("gallery");
    this.dialog = new PhotoDialog(this);
    $("save-photos").addEventListener("click", () => this.saveAll());
    $("save-strip").addEventListener("click", () => this.saveStrip());
    $("drop-photos").addEventListener("click", () => this.drop([...this.photos]));
  }

  get full() {
    return this.photos.length >= MOST_PHOTOS;
  }

  /**
   * @param {Blob} blob a JPEG
   * @param {Array<{smiling: boolean}>} faces in it
   */
  add(blob, faces) {
    const when = new Date();
    const smiling = faces.filter((face) => face.smiling).length;
    const about = aboutFaces(faces.length, smiling);
    const number = (this.taken += 1);
    const name = `smilecam_${stamp(when)}_${number}.jpg`;
    const photo = { number, name, blob, url: URL.createObjectURL(blob), title: when.toLocaleTimeString(), about };
    const open = el("button", { type: "button", "aria-label": `Open the photo of ${photo.title}, ${about}` },
      el("img", { src: photo.url, alt: "" }), el("span", { class: "mark", "aria-hidden": "true" }, about));
    open.onclick = () => this.dialog.open(photo);
    photo.item = el("li", {}, open);
    this.photos.unshift(photo);
    this.show();
    this.list.scrollTo({ left: 0 });
    announce(`Photo taken: ${about}`);
  }

  show() {
    this.list.replaceChildren(...this.photos.map((photo) => photo.item));
    $("film").hidden = !this.photos.length;
    $("save-strip").hidden = this.photos.length < 2;
  }

  /** Delete photos, which can be undone for a moment. */
  drop(photos) {
    const before = this.photos;
    this.photos = before.filter((photo) => !photos.includes(photo));
    this.show();
    const focused = document.activeElement;
    if (!this.photos.length && (focused === document.body || $("film").contains(focused))) $("photo").focus();
    const text = `${plural(photos.length, "photo")} deleted`;
    announce(text);
    const timer = setTimeout(() => {
      photos.forEach(({ url }) => URL.revokeObjectURL(url));
      if ($("note-text").textContent === text) note(null);
    }, UNDO_STANDS);
    const undo = () => {
      clearTimeout(timer);
      this.photos = [...this.photos, ...photos].sort((a, b) => b.number - a.number);
      this.show();
      note(null);
      announce("The photos are back");
    };
    note(text, { action: undo, label: "Undo", info: true });
  }

  save({ name, blob }) {
    download(name, blob);
  }

  async saveAll() {
    for (const photo of [...this.photos]) {
      this.save(photo);
      await new Promise((resolve) => { setTimeout(resolve, PAUSE); }); // browsers drop files that follow at once
    }
  }

  /** Save the newest as one image, the oldest of them on top. */
  async saveStrip() {
    const photos = this.photos.slice(0, STRIP_LENGTH).reverse();
    download(`smilecam_strip_${stamp()}.jpg`, await stripOf(photos.map((photo) => photo.blob)));
  }
}
