// The images that were opened together: small, with how many faces and smiles each has; a click opens one.

import { $, el, icon, plural, setText } from "./dom.js";

const SIDE = 176; // pixels, for screens of two pixels a point

export class ImageStrip {
  /**
   * @param {string[]} names of the files
   * @param {(at: number) => void} open called with the index of the image to open
   */
  constructor(names, open) {
    this.names = names;
    this.open = open;
    this.list = $("strip-list");
  }

  /** Show all images as not read yet. */
  begin() {
    $("strip").hidden = false;
    this.list.replaceChildren(...this.names.map((name, at) => this.item(name, at)));
  }

  item(name, at) {
    const image = el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
    const button = el("button", { type: "button", disabled: true, title: name, "aria-label": `${name}: not read yet` }, image, el("span", { class: "count-of" }));
    button.onclick = () => this.open(at);
    return el("li", {}, button);
  }

  button(at) {
    return this.list.children[at].firstElementChild;
  }

  /**
   * Show what was read of an image.
   * @param {number} at
   * @param {{bitmap: ?ImageBitmap, text: string, faces: ?number, smiles: ?number}} content without faces where it was not read
   */
  fill(at, { bitmap, text, faces, smiles }) {
    const button = this.button(at);
    button.disabled = false;
    button.setAttribute("aria-label", `${this.names[at]}: ${text}`);
    button.title = `${this.names[at]}: ${text}`;
    button.classList.toggle("failed", faces == null);
    button.classList.toggle("smiling", smiles > 0);
    const count = button.querySelector(".count-of");
    count.replaceChildren(icon(faces == null ? "warn" : smiles ? "smile" : "plain"), countOf(faces, smiles));
    if (!bitmap) return;
    const side = Math.min(bitmap.width, bitmap.height);
    const [x, y] = [(bitmap.width - side) / 2, (bitmap.height - side) / 3]; // faces are above the middle more often
    button.querySelector("canvas").getContext("2d").drawImage(bitmap, x, y, side, side, 0, 0, SIDE, SIDE);
  }

  /** Mark the image that is open. */
  mark(at) {
    for (const [index, item] of [...this.list.children].entries()) {
      if (index === at) item.firstElementChild.setAttribute("aria-current", "true");
      else item.firstElementChild.removeAttribute("aria-current");
    }
    const { offsetTop: top, offsetHeight: height } = this.list.children[at];
    const { list } = this;
    if (top < list.scrollTop || top + height > list.scrollTop + list.clientHeight) list.scrollTop = top - height / 2;
  }

  /** Show and give the sum over all images. */
  summarise(images) {
    const read = images.filter((image) => image.result);
    const failed = images.filter((image) => image.error).length;
    const faces = read.flatMap((image) => image.result.faces);
    const smiles = faces.filter((face) => face.smiling).length;
    const parts = [`${read.length} of ${plural(images.length, "image")} read`, `${plural(faces.length, "face")}, ${smiles} with a smile`];
    if (failed) parts.push(`${failed} could not be read`);
    const text = parts.join(" · ");
    setText($("strip-summary"), text);
    return text;
  }

  end() {
    $("strip").hidden = true;
    this.list.replaceChildren();
    setText($("strip-summary"), "");
  }
}

function countOf(faces, smiles) {
  if (faces == null) return "Not read";
  return faces ? `${smiles} of ${faces}` : "No face";
}
