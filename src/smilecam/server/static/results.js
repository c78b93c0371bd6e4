// The results of the current source: the tracks, the timeline, the events, the log for downloads and the stats.

import { $, announce, clock, plural, setText } from "./dom.js";
import { EventList, eventText } from "./event-list.js";
import { ResultLog } from "./result-log.js";
import { LiveStats } from "./stats.js";
import { Timeline } from "./timeline.js";
import { Tracks } from "./tracks.js";

export class Results {
  /**
   * @param {(time: number) => void} seek called with the seconds at which the timeline or an event was clicked
   * @param {() => void} smileStarted called when somebody in a stream begins to smile
   */
  constructor(seek, smileStarted) {
    this.seek = seek;
    this.smileStarted = smileStarted;
    this.source = "";
    this.tracks = new Tracks($("people"), $("people-empty"), $("people-count"));
    this.timeline = new Timeline($("timeline"), seek);
    this.events = new EventList();
    this.log = new ResultLog();
    this.stats = new LiveStats();
    this.openSmiles = new Map();
  }

  /** Drop everything: another source begins. */
  begin(source, { recorded = false } = {}) {
    this.source = source;
    this.length = 0;
    this.openSmiles.clear();
    this.log.reset();
    this.tracks.reset();
    this.timeline.reset();
    this.stats.reset();
    this.events.reset(recorded ? this.seek : null);
  }

  /** Take the faces of one of several images. */
  logImage(name, faces) {
    this.log.add({ frame: 0, time: null, faces }, name);
  }

  /** Show the faces of the image that is open. */
  showFaces(faces) {
    this.tracks.reset();
    this.tracks.update({ time: null, faces });
    this.tracks.show(true);
  }

  /** Take the frames of a video of a length in seconds. The tracks follow the position in it, see VideoMode. */
  addVideo(frames, length) {
    this.timeline.reset(length);
    for (const frame of frames) {
      this.log.add(frame, this.source);
      this.timeline.add(frame);
      frame.events.forEach((event) => this.events.add(event));
    }
  }

  /** Take a result of a stream. */
  addLive(result) {
    this.log.add(result, this.source);
    this.tracks.update(result);
    this.timeline.add(result);
    for (const event of result.events) this.takeEvent(event);
    this.tracks.show();
    if (this.length) this.timeline.follow(result.time);
    else this.timeline.draw();
  }

  takeEvent(event) {
    if (event.event === "smile_start") this.openSmiles.set(event.track, event);
    if (event.event === "smile_end") this.openSmiles.delete(event.track);
    this.events.add(event);
    announce(eventText(event));
    if (event.event === "smile_start") this.smileStarted();
  }

  /** Take an event that concerns the source itself. */
  addSourceEvent(event) {
    this.log.event(event);
    this.events.add(event);
  }

  /** End the smiles whose stream has ended, at the moment they were last seen. */
  endSmiles() {
    if (!this.openSmiles.size) return;
    const time = this.log.last;
    const events = [...this.openSmiles.values()].map((event) => ({ ...event, event: "smile_end", time, since: time }));
    this.openSmiles.clear();
    for (const event of events) {
      this.log.event(event);
      this.events.add(event);
      this.timeline.mark(event);
    }
    this.tracks.update({ time, faces: [], events });
    this.tracks.show(true);
  }

  /** The stream is a recorded video of a length in seconds: its timeline shows all of it, and can be moved through. */
  setLength(length) {
    this.length = length;
    this.timeline.reset(length);
    this.events.reset(this.seek);
  }

  /** The source has started again or elsewhere, so its clock and its tracks are new ones. */
  restart() {
    this.endSmiles();
    this.timeline.reset(this.length);
    this.tracks.reset();
  }

  /** Clear the log. What can still be moved through stays: the events and the timeline of a video. */
  clear({ events, timeline }) {
    this.log.reset();
    if (events) this.events.reset(this.events.seek);
    if (timeline) this.timeline.reset(this.length);
  }

  /** Show what the log holds, and whether there is anything to download. */
  showContent(isImage) {
    const { log } = this;
    const empty = log.frames === 0;
    for (const id of ["save-jsonl", "save-csv", "save-vtt", "clear-results"]) $(id).disabled = empty;
    const full = log.left ? `, ${log.left.toLocaleString("en")} more not kept` : "";
    const length = log.seconds ? `, ${clock(log.seconds)}` : "";
    const content = isImage ? plural(log.frames, "image") : `${plural(log.frames, "frame")}, ${plural(log.smiles, "smile")}${length}${full}`;
    setText($("results-count"), empty ? "" : content);
    $("events").hidden = this.events.empty;
    $("timeline-empty").hidden = this.timeline.lanes.size > 0;
    this.tracks.show();
  }
}
