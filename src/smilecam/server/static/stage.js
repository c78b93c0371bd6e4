// The stage: a video or an image, the overlay above it, and how both are shown.

import { $, announce } from "./dom.js";
import { annotated, cutFace, Overlay, photograph } from "./overlay.js";

const IMAGE_LABEL = "The image";

export class Stage {
  constructor() {
    this.element = $("stage");
    this.video = $("video");
    this.image = $("image");
    this.overlay = new Overlay($("overlay"));
    this.overlay.redraw = () => this.draw(this.faces);
    this.faces = [];
    this.space = null;
    this.mirrorable = false;
  }

  /** The element that is shown, or null. */
  get shown() {
    if (!this.video.hidden) return this.video;
    return this.image.hidden ? null : this.image;
  }

  /**
   * Show an element or none.
   * @param {HTMLVideoElement | HTMLCanvasElement | null} element
   * @param {boolean} mirrorable whether the Mirror button acts on it
   */
  show(element, mirrorable) {
    this.video.hidden = element !== this.video;
    this.image.hidden = element !== this.image;
    this.mirrorable = mirrorable;
    this.space = null;
    this.applyToggles();
  }

  setMirrorable(on) {
    this.mirrorable = on;
    this.applyToggles();
  }

  /** Take the aspect ratio of what is shown. */
  fit(width, height) {
    if (width && height) this.element.style.aspectRatio = `${width} / ${height}`;
  }

  /** Draw faces whose boxes are in pixels of `space`. */
  draw(faces) {
    this.faces = faces;
    this.overlay.draw(faces, this.space, this.shown ?? this.video);
  }

  /** Empty it. */
  clear() {
    const { video } = this;
    video.pause();
    video.removeAttribute("src");
    video.load();
    video.muted = true;
    this.faces = [];
    this.overlay.clear();
    this.setLabel(IMAGE_LABEL);
  }

  setLabel(text) {
    this.image.setAttribute("aria-label", text);
  }

  isOn(id) {
    return $(id).getAttribute("aria-pressed") === "true";
  }

  set(id, on) {
    $(id).setAttribute("aria-pressed", String(on));
    this.applyToggles();
    this.draw(this.faces);
  }

  /** Switch boxes, blur or mirror. */
  toggle(id, name) {
    const on = !this.isOn(id);
    this.set(id, on);
    announce(`${name} ${on ? "on" : "off"}`);
  }

  applyToggles() {
    const { overlay } = this;
    overlay.boxes = this.isOn("boxes");
    overlay.blur = this.isOn("blur");
    overlay.numbers = this.isOn("numbers");
    overlay.mirror = this.mirrorable && this.isOn("mirror");
    this.element.classList.toggle("mirrored", overlay.mirror);
  }

  /** With the blur on, nothing is shown sharp while it is unknown where the faces are. */
  veil(unknown) {
    this.element.classList.toggle("veiled", this.overlay.blur && unknown);
  }

  /** Mark a face by its number, or none. */
  mark(number) {
    if (this.overlay.marked === number) return;
    this.overlay.marked = number;
    if (this.space) this.draw(this.faces);
  }

  /** Cut a face out of what is shown into a small canvas; gives whether anything is shown. */
  cut(box, canvas) {
    if (!this.space || !this.shown || !$("blank").hidden) return false;
    cutFace(this.shown, this.space, box, canvas, this.overlay);
    return true;
  }

  /** What is shown with its boxes and labels, as a JPEG blob in full size; null where nothing is. */
  async annotated() {
    if (!this.space || !this.shown || !$("blank").hidden) return null;
    return annotated(this.shown, this.faces, this.space, this.overlay);
  }

  /**
   * A photo of what is shown as a JPEG blob, or null where nothing is.
   * @param {{element: HTMLElement, faces: Array, space: object}} [frame] in place of what is shown
   */
  async photo(frame) {
    if (frame) return photograph(frame.element, frame.faces, frame.space, this.overlay.blur);
    if (!this.space || !this.shown || !$("blank").hidden) return null;
    return photograph(this.shown, this.faces, this.space, this.overlay.blur);
  }
}
