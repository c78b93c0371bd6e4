// The people in view: what each does, since when, and how often they smiled.

import { el, icon, percent, plural, say, span } from "./dom.js";

const KEPT_AFTER = 30;
const PASSING = 2;
const MOST = 12;
const MOST_GONE = 3;

export class People {
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

  /** Take what was seen in one frame. Faces of a picture have no track: they are numbered from left to right. */
  update(result) {
    const time = result.time ?? 0;
    for (const event of result.events ?? []) {
      const person = this.known.get(event.track);
      if (person && event.event === "smile_end") Object.assign(person, { since: event.since ?? event.time, smiling: false });
      if (event.event === "smile_start") this.starts(event, person);
    }
    result.faces.forEach((face, at) => {
      const track = face.track ?? at + 1;
      const person = this.known.get(track) ?? { track, first: time, since: time, smiles: 0, still: result.time == null };
      Object.assign(person, { seen: time, smile: face.smile, smiling: face.smiling, intensity: face.intensity });
      this.known.set(track, person);
    });
    this.now = time;
    for (const [track, person] of this.known) if (time - person.seen > KEPT_AFTER) this.known.delete(track);
  }

  starts(event, person) {
    const of = person ?? { track: event.track, first: event.time, seen: event.time, smiles: 0 };
    Object.assign(of, { since: event.since ?? event.time, smiles: of.smiles + 1, smiling: true });
    this.known.set(event.track, of);
  }

  /** Show the list, five times a second at most unless it must be now. */
  show(must = false) {
    const moment = performance.now();
    if (!must && moment - this.drawn < 200) return;
    this.drawn = moment;
    const there = this.listed();
    const lines = new Map([...this.list.children].map((line) => [Number(line.dataset.track), line]));
    there.forEach((person, at) => {
      const line = lines.get(person.track) ?? this.line(person);
      lines.delete(person.track);
      this.fill(line, person);
      if (this.list.children[at] !== line) this.list.insertBefore(line, this.list.children[at] ?? null);
    });
    for (const line of lines.values()) line.remove();
    this.empty.hidden = there.length > 0;
    const present = there.filter((person) => !this.gone(person));
    const smiling = present.filter((person) => person.smiling).length;
    say(this.count, present.length ? `${smiling} of ${present.length} ${smiling === 1 ? "smiles" : "smile"}` : "");
  }

  /** Who is there, and the last few who were for a while. */
  listed() {
    const all = [...this.known.values()];
    const here = all.filter((person) => !this.gone(person)).sort((a, b) => a.track - b.track);
    const stayed = all.filter((person) => this.gone(person) && (person.smiles || person.seen - person.first >= PASSING));
    return [...here, ...stayed.sort((a, b) => b.seen - a.seen).slice(0, MOST_GONE)].slice(0, MOST);
  }

  gone(person) {
    return this.now - person.seen > 0.5;
  }

  line(person) {
    const meter = el("div", { class: "meter", role: "meter", "aria-label": `How much of a smile, person ${person.track}`, "aria-valuemin": "0", "aria-valuemax": "100" }, el("span"));
    return el("li", { class: "person", "data-track": String(person.track) },
      icon("plain"), el("span", { class: "name" }, `Person ${person.track}`), el("span", { class: "pill" }), el("span", { class: "about" }), meter);
  }

  fill(line, person) {
    const gone = this.gone(person);
    const smiling = person.smiling && !gone;
    line.classList.toggle("smiling", smiling);
    line.classList.toggle("gone", gone);
    line.querySelector("use").setAttribute("href", smiling ? "#i-smile" : "#i-plain");
    say(line.querySelector(".pill"), gone ? "Left" : smiling ? "Smile" : "No smile");
    say(line.querySelector(".about"), this.about(person, gone));
    const meter = line.querySelector(".meter");
    const share = person.intensity ?? person.smile ?? 0;
    meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    meter.firstChild.style.width = percent(share).replace(" ", "");
  }

  about(person, gone) {
    if (person.still) return `probability ${percent(person.smile)}`;
    const when = gone ? `${span(this.now - person.seen)} ago` : `for ${span(this.now - person.since)}`;
    const how = gone || person.intensity == null ? "" : ` · intensity ${percent(person.intensity)}`;
    return `${when} · ${plural(person.smiles, "smile")}${how}`;
  }
}
