// The list of tracks in view: the face, whether it smiles, since when, and how often it did. Users read of people.

import { duration, el, icon, percent, plural, setText } from "./dom.js";
import { numberOf, probabilityOf, stateOf } from "./face-painter.js";

const FORGOTTEN_AFTER = 30;
const PASSING = 2;
const MOST = 60;
const MOST_GONE = 3;
const PORTRAIT = 88; // pixels, for screens of two pixels a point
const NEW_PORTRAIT_AFTER = 1000;
const PORTRAITS_AT_ONCE = 8;

export class Tracks {
  constructor(list, empty, count) {
    Object.assign(this, { list, empty, count });
    /** Cuts a face out of what is shown: called with its box and a canvas, gives whether it could. */
    this.cut = () => false;
    this.marked = null;
    this.reset();
  }

  reset() {
    this.known = new Map();
    this.list.replaceChildren();
    this.drawn = 0;
    this.show(true);
  }

  /** Take the result of one frame. Faces of an image have no track: they are numbered in their order. */
  update(result) {
    const time = result.time ?? 0;
    for (const event of result.events ?? []) {
      const track = this.known.get(event.track);
      if (track && event.event === "smile_end") Object.assign(track, { since: event.since ?? event.time, smiling: false });
      if (event.event === "smile_start") this.startSmile(event, track);
    }
    result.faces.forEach((face, at) => {
      const number = numberOf(face, at);
      const track = this.known.get(number) ?? { number, first: time, since: time, smiles: 0, still: result.time == null };
      Object.assign(track, { seen: time, probability: probabilityOf(face), smiling: face.smiling, box: face.box });
      this.known.set(number, track);
    });
    this.now = time;
    for (const [number, track] of this.known) if (time - track.seen > FORGOTTEN_AFTER) this.known.delete(number);
  }

  startSmile(event, known) {
    const track = known ?? { number: event.track, first: event.time, seen: event.time, smiles: 0 };
    Object.assign(track, { since: event.since ?? event.time, smiles: track.smiles + 1, smiling: true });
    this.known.set(event.track, track);
  }

  /**
   * Show the list, five times a second at most unless it must be now.
   * @param {boolean} must
   * @param {boolean} current whether what is shown is the frame of the last result: faces are cut out of it
   */
  show(must = false, current = true) {
    const moment = performance.now();
    if (!must && moment - this.drawn < 200) return;
    this.drawn = moment;
    const { listed, more } = this.listed();
    const lines = new Map([...this.list.querySelectorAll(".person")].map((line) => [Number(line.dataset.track), line]));
    listed.forEach((track, at) => {
      const line = lines.get(track.number) ?? this.line(track);
      lines.delete(track.number);
      this.fill(line, track);
      if (this.list.children[at] !== line) this.list.insertBefore(line, this.list.children[at] ?? null);
    });
    for (const line of lines.values()) line.remove();
    this.showMore(more);
    if (current) this.cutFaces(listed, moment);
    this.empty.hidden = listed.length > 0;
    const present = [...this.known.values()].filter((track) => !this.gone(track));
    const smiling = present.filter((track) => track.smiling).length;
    setText(this.count, present.length ? `${smiling} of ${present.length} ${smiling === 1 ? "smiles" : "smile"}` : "");
  }

  /** Those in view, and the last few that were for a while. */
  listed() {
    const all = [...this.known.values()];
    const present = all.filter((track) => !this.gone(track)).sort((a, b) => a.number - b.number);
    const stayed = all.filter((track) => this.gone(track) && (track.smiles || track.seen - track.first >= PASSING));
    const lines = [...present, ...stayed.sort((a, b) => b.seen - a.seen).slice(0, MOST_GONE)];
    return { listed: lines.slice(0, MOST), more: Math.max(0, lines.length - MOST) };
  }

  showMore(more) {
    this.list.querySelector(".more")?.remove();
    if (more) this.list.append(el("li", { class: "more quiet" }, `and ${more.toLocaleString("en")} more`));
  }

  /** Bring the pictures of a few faces up to date. */
  cutFaces(listed, moment) {
    const old = (track) => track.cut === undefined || (!track.still && moment - track.cut > NEW_PORTRAIT_AFTER);
    const due = listed.filter((track) => track.box && !this.gone(track) && old(track));
    for (const track of due.slice(0, PORTRAITS_AT_ONCE)) {
      const canvas = this.list.querySelector(`[data-track="${track.number}"] canvas`);
      if (this.cut(track.box, canvas)) track.cut = moment;
    }
  }

  /** Cut all faces anew; those that are gone are emptied. */
  forgetPortraits() {
    for (const track of this.known.values()) delete track.cut;
    for (const canvas of this.list.querySelectorAll("canvas")) canvas.getContext("2d").clearRect(0, 0, PORTRAIT, PORTRAIT);
    this.show(true);
  }

  /** Mark the line of a person, or of none. */
  mark(number) {
    this.marked = number;
    for (const line of this.list.querySelectorAll(".person")) line.classList.toggle("marked", Number(line.dataset.track) === number);
  }

  /** Bring the line of a person into sight, without moving the page. */
  reveal(number) {
    const line = this.list.querySelector(`[data-track="${number}"]`);
    if (!line) return;
    const { list } = this;
    const [top, bottom] = [line.offsetTop - list.offsetTop, line.offsetTop - list.offsetTop + line.offsetHeight];
    if (top < list.scrollTop) list.scrollTop = top;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  }

  gone(track) {
    return this.now - track.seen > 0.5;
  }

  line(track) {
    const meter = el("div", { class: "meter", role: "meter", "aria-label": `Probability of a smile, person ${track.number}`, "aria-valuemin": "0", "aria-valuemax": "100" }, el("span"));
    const face = el("canvas", { width: PORTRAIT, height: PORTRAIT, "aria-hidden": "true" });
    const portrait = el("button", { type: "button", class: "portrait", "aria-label": `Show person ${track.number} in the image` }, icon("plain"), face);
    const state = el("span", { class: "pill" }, icon("plain"), el("span", { class: "state" }));
    const marked = track.number === this.marked ? "person marked" : "person";
    return el("li", { class: marked, "data-track": String(track.number) },
      portrait, el("span", { class: "name" }, `Person ${track.number}`), state, el("span", { class: "about" }), meter);
  }

  fill(line, track) {
    const gone = this.gone(track);
    const smiling = track.smiling && !gone;
    line.classList.toggle("smiling", smiling);
    line.classList.toggle("gone", gone);
    line.querySelector(".pill use").setAttribute("href", smiling ? "#i-smile" : "#i-plain");
    setText(line.querySelector(".state"), gone ? "Left" : stateOf(track));
    setText(line.querySelector(".about"), this.about(track, gone));
    const meter = line.querySelector(".meter");
    const share = track.probability ?? 0;
    meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    meter.firstChild.style.width = percent(share).replace(" ", "");
  }

  about(track, gone) {
    if (track.still) return `probability ${percent(track.probability)}`;
    const when = gone ? `${duration(this.now - track.seen)} ago` : `for ${duration(this.now - track.since)}`;
    const now = gone || track.probability == null ? "" : ` · ${percent(track.probability)}`;
    return `${when} · ${plural(track.smiles, "smile")}${now}`;
  }
}
