// The list of events: of a stream the newest first, of a video in their order and as buttons that seek.

import { $, clock, el, icon } from "./dom.js";

const MOST_EVENTS = 100;

export function eventText(event) {
  const who = event.track == null ? "Somebody" : `Person ${event.track}`;
  return {
    smile_start: `${who} smiles`, smile_end: `${who} stops smiling`,
    source_lost: "The source is lost", source_restored: "The source is back",
  }[event.event] ?? event.event;
}

export class EventList {
  constructor() {
    this.list = $("event-list");
    this.seek = null;
  }

  /** @param {?(time: number) => void} seek for the events of a video: called with the seconds of one that is clicked */
  reset(seek = null) {
    this.seek = seek;
    this.list.replaceChildren();
  }

  get empty() {
    return this.list.children.length === 0;
  }

  add(event) {
    const item = this.item(event);
    if (this.seek) {
      this.list.append(item);
      return;
    }
    this.list.prepend(item);
    while (this.list.children.length > MOST_EVENTS) this.list.lastChild.remove();
  }

  item(event) {
    const time = event.since ?? event.time;
    const text = eventText(event);
    const { seek } = this;
    const label = seek ? el("button", { type: "button", class: "go", onclick: () => seek(time) }, text) : el("span", {}, text);
    const smile = event.event === "smile_start";
    const attributes = { class: smile ? "is-smile" : "is-plain", "data-event": event.event, "data-track": String(event.track ?? "") };
    return el("li", attributes, el("time", {}, clock(time, true)), icon(smile ? "smile" : event.track == null ? "warn" : "plain"), label);
  }
}
