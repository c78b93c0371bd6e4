// One photo, large: with keys to the others, and with buttons to save and delete it.

import { $, setText } from "./dom.js";

export class PhotoDialog {
  /** @param {{photos: Array<object>, save: (photo: object) => void, drop: (photos: Array<object>) => void}} film */
  constructor(film) {
    this.film = film;
    this.dialog = $("photo-dialog");
    $("photo-close").addEventListener("click", () => this.dialog.close());
    $("photo-before").addEventListener("click", () => this.step(1));
    $("photo-after").addEventListener("click", () => this.step(-1));
    $("photo-save").addEventListener("click", () => film.save(this.photo));
    $("photo-drop").addEventListener("click", () => this.drop());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => (this.photo.item.isConnected ? this.photo.item.firstChild : $("photo")).focus());
    this.dialog.addEventListener("keydown", (event) => {
      const act = { ArrowLeft: () => this.step(1), ArrowRight: () => this.step(-1), Delete: () => this.drop() }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
  }

  get at() {
    return this.film.photos.indexOf(this.photo);
  }

  open(photo) {
    this.show(photo);
    this.dialog.showModal();
  }

  show(photo) {
    this.photo = photo;
    const { photos } = this.film;
    const number = photos.length - this.at;
    $("photo-image").src = photo.url;
    $("photo-image").alt = `Photo of ${photo.title}, ${photo.about}`;
    setText($("photo-title"), `Photo ${number} of ${photos.length}`);
    setText($("photo-about"), `${photo.title} · ${photo.about}`);
    $("photo-before").disabled = this.at === photos.length - 1;
    $("photo-after").disabled = this.at === 0;
  }

  /** Go to an older photo (1) or to a newer one (-1). */
  step(by) {
    const photo = this.film.photos[this.at + by];
    if (photo) this.show(photo);
  }

  drop() {
    const { at, photo } = this;
    this.film.drop([photo]);
    const next = this.film.photos[Math.min(at, this.film.photos.length - 1)];
    if (next) this.show(next);
    else this.dialog.close();
  }
}
