// Boxes, a meter and a badge over nothing: a source for OBS and other mixers, to lie over the same camera's picture.

import { address, Link } from "../link.js";
import { Motion } from "../overlay.js";
import { paint } from "./boxes.js";

const BLIND_AFTER = 1500;
const HINT_AFTER = 3000;

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
/** Whether a part is wanted: all are, but those with a 0 in the address, as ?labels=0. */
const wants = (part) => query.get(part) !== "0";
const parts = { boxes: wants("boxes"), labels: wants("labels"), mirror: query.get("mirror") === "1" };

class ObsPage {
  motion = new Motion();
  result = null;
  received = 0;

  constructor() {
    this.canvas = byId("boxes");
    this.hint = setTimeout(() => { byId("hint").hidden = false; }, HINT_AFTER);
    this.link = new Link(address("v1/watch?images=0", document.baseURI), {
      state: (state, { wait }) => this.state(state, wait),
      message: (data) => this.take(data),
    });
    requestAnimationFrame(() => this.draw());
  }

  state(state, wait) {
    if (state === "open") {
      clearTimeout(this.hint);
      byId("hint").hidden = true;
    } else {
      this.clear();
      setTimeout(() => this.link.retry(), wait);
    }
  }

  take(data) {
    if (typeof data === "string") {
      if (JSON.parse(data).ended) this.clear();
      return;
    }
    const result = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, new DataView(data).getUint32(0))));
    this.link.send(JSON.stringify({ type: "ack", seq: result.seq }));
    this.motion.update(result);
    this.result = result;
    this.received = performance.now();
    this.show(result.faces);
  }

  clear() {
    this.motion.clear();
    this.result = null;
    this.show([]);
  }

  show(faces) {
    const smiling = faces.filter((face) => face.smiling).length;
    const everyone = faces.length > 0 && smiling === faces.length;
    const text = everyone && wants("badge") ? (smiling === 1 ? "Smiling" : `Everyone smiles: ${smiling} of ${smiling}`) : "";
    if (byId("badge").textContent !== text) byId("badge").textContent = text;
    byId("meter").hidden = !wants("meter") || faces.length === 0;
    const share = faces.reduce((sum, face) => sum + (face.intensity ?? 0), 0) / Math.max(1, faces.length);
    byId("meter").firstElementChild.style.width = `${Math.round(100 * share)}%`;
  }

  draw() {
    const passed = performance.now() - this.received;
    if (this.result && passed > BLIND_AFTER) this.clear();
    const { result } = this;
    paint(this.canvas, result ? this.motion.at(result.time + passed / 1000) : [], result, parts);
    requestAnimationFrame(() => this.draw());
  }
}

new ObsPage();
