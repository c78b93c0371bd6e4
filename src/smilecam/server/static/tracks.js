// The tracks in view: whether each smiles, since when, and how often it did. Users read of people.

import { duration, el, icon, percent, plural, setText } from "./dom.js";

const FORGOTTEN_AFTER = 30;
const PASSING = 2;
const MOST = 12;
const MOST_GONE = 3;

export class Tracks {
  constructor(list, empty, count) {
    Object.assign(this, { list, empty, count });
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
      const number = face.track ?? at + 1;
      const track = this.known.get(number) ?? { number, first: time, since: time, smiles: 0, still: result.time == null };
      Object.assign(track, { seen: time, smile: face.smoothed ?? face.smile, smiling: face.smiling, intensity: face.intensity });
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

  /** Show the list, five times a second at most unless it must be now. */
  show(must = false) {
    const moment = performance.now();
    if (!must && moment - this.drawn < 200) return;
    this.drawn = moment;
    const listed = this.listed();
    const lines = new Map([...this.list.children].map((line) => [Number(line.dataset.track), line]));
    listed.forEach((track, at) => {
      const line = lines.get(track.number) ?? this.line(track);
      lines.delete(track.number);
      this.fill(line, track);
      if (this.list.children[at] !== line) this.list.insertBefore(line, this.list.children[at] ?? null);
    });
    for (const line of lines.values()) line.remove();
    this.empty.hidden = listed.length > 0;
    const present = listed.filter((track) => !this.gone(track));
    const smiling = present.filter((track) => track.smiling).length;
    setText(this.count, present.length ? `${smiling} of ${present.length} ${smiling === 1 ? "smiles" : "smile"}` : "");
  }

  /** Those in view, and the last few that were for a while. */
  listed() {
    const all = [...this.known.values()];
    const present = all.filter((track) => !this.gone(track)).sort((a, b) => a.number - b.number);
    const stayed = all.filter((track) => this.gone(track) && (track.smiles || track.seen - track.first >= PASSING));
    return [...present, ...stayed.sort((a, b) => b.seen - a.seen).slice(0, MOST_GONE)].slice(0, MOST);
  }

  gone(track) {
    return this.now - track.seen > 0.5;
  }

  line(track) {
    const meter = el("div", { class: "meter", role: "meter", "aria-label": `How much of a smile, person ${track.number}`, "aria-valuemin": "0", "aria-valuemax": "100" }, el("span"));
    return el("li", { class: "person", "data-track": String(track.number) },
      icon("plain"), el("span", { class: "name" }, `Person ${track.number}`), el("span", { class: "pill" }), el("span", { class: "about" }), meter);
  }

  fill(line, track) {
    const gone = this.gone(track);
    const smiling = track.smiling && !gone;
    line.classList.toggle("smiling", smiling);
    line.classList.toggle("gone", gone);
    line.querySelector("use").setAttribute("href", smiling ? "#i-smile" : "#i-plain");
    setText(line.querySelector(".pill"), gone ? "Left" : smiling ? "Smile" : "No smile");
    setText(line.querySelector(".about"), this.about(track, gone));
    const meter = line.querySelector(".meter");
    const share = track.intensity ?? track.smile ?? 0;
    meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    meter.firstChild.style.width = percent(share).replace(" ", "");
  }

  about(track, gone) {
    if (track.still) return `probability ${percent(track.smile)}`;
    const when = gone ? `${duration(this.now - track.seen)} ago` : `for ${duration(this.now - track.since)}`;
    const how = gone || track.intensity == null ? "" : ` · intensity ${percent(track.intensity)}`;
    return `${when} · ${plural(track.smiles, "smile")}${how}`;
  }
}
