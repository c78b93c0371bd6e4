// A video from a file: the engine reads all of it, then it plays with its results. Where the browser cannot play the
// file, the engine may make a copy that it can.

import { onFrames } from "../camera.js";
import { setMain } from "../controls.js";
import { $, announce, clock, plural, setText } from "../dom.js";
import { engine } from "../engine.js";
import { hideBlank, note, setStatus, showBlank, showProgress } from "../notices.js";
import { Mode } from "./mode.js";

const SHORTEST = 0.1;
const PLAYABLE_LIMIT = 2500; // a browser that says nothing for so long is still loading

export class VideoMode extends Mode {
  name = "video";

  constructor(page, file) {
    super(page, file.name);
    this.file = file;
    this.frames = [];
    this.shown = -1;
    this.time = 0;
    this.length = 0;
    this.playable = false;
    this.ready = false;
  }

  async enter() {
    const { page, signal } = this;
    page.stage.show(page.stage.video, false);
    showBlank("Reading the video", this.file.name, { actions: false, progress: true });
    setStatus("wait", "Reading");
    announce("Reading the video");
    try {
      const loading = this.give(this.file);
      const unplayable = (await Promise.race([loading, after(PLAYABLE_LIMIT)])) === false;
      if (this.left) return;
      let copy = null;
      const takeCopy = unplayable ? (blob, { width, height }) => { copy = { blob, size: { width, height } }; } : null;
      const lines = await engine.readVideo(this.file, page.settings.wanted, this.whileHere(showProgress), signal, takeCopy);
      if (this.left) return;
      this.frames = framesOf(lines);
      this.playable = await loading;
      if (!this.left && !this.playable && copy) await this.takeCopy(copy);
      if (!this.left && this.playable) this.wireVideo();
    } catch (problem) {
      if (this.left) return;
      page.idle({ problem: { title: "This video was not read", text: problem.message, status: "Not read" } });
      return;
    }
    if (!this.left) this.show();
  }

  /** Have the browser load a file; resolves to whether it can play it. */
  give(blob) {
    const { video } = this.page.stage;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(blob);
    video.muted = false;
    return loaded(video, this.url, this.signal);
  }

  /** Play a copy in place of the file: it may be smaller than the video, whose pixels the boxes are in. */
  async takeCopy({ blob, size }) {
    this.space = size;
    this.playable = await this.give(blob);
    if (this.playable && !this.left) note("This browser cannot play this kind of video: what is shown is a copy by the server, without sound.", { info: true });
  }

  wireVideo() {
    const { signal } = this;
    const { video } = this.page.stage;
    video.addEventListener("play", () => setMain("pause", "Pause"), { signal });
    video.addEventListener("pause", () => setMain("play", "Play"), { signal });
    video.addEventListener("resize", () => this.fit(), { signal });
    this.stopFrames = onFrames(video, (_, { mediaTime }) => this.showAt(mediaTime));
  }

  show() {
    const { page, frames, playable } = this;
    const duration = playable ? page.stage.video.duration || 0 : 0;
    this.length = Math.max(duration, frames.at(-1)?.time ?? 0, SHORTEST);
    this.ready = true;
    $("main").hidden = !playable;
    $("player").hidden = false;
    $("before").hidden = $("after").hidden = false;
    page.seekBar.show(this.length);
    page.results.addVideo(frames, this.length);
    if (playable) {
      this.fit();
      hideBlank();
    } else {
      showBlank("The video is read", "This browser cannot play this kind of video, but its timeline is below.", { actions: false });
    }
    const count = plural(page.results.log.smiles, "smile");
    setStatus("live", count);
    announce(`The video is read: ${count}`);
    this.showAt(0);
  }

  fit() {
    const { stage } = this.page;
    const { videoWidth: width, videoHeight: height } = stage.video;
    stage.fit(width, height);
    stage.space = this.space ?? { width, height };
  }

  /** Show the results at a time in seconds; `current` is whether the image of that time is on the screen already. */
  showAt(time, current = true) {
    if (!this.ready) return;
    const { frames } = this;
    const { stage, results } = this.page;
    this.time = time;
    const at = frameAt(frames, time + 0.005);
    if (at < this.shown) {
      results.tracks.reset();
      this.shown = -1;
    }
    while (this.shown < at) results.tracks.update(frames[(this.shown += 1)]);
    results.tracks.show(false, current);
    results.timeline.at(time);
    this.page.seekBar.at(time);
    setText($("clock"), `${clock(time, true)} / ${clock(this.length, true)}`);
    stage.draw(frames[at]?.faces ?? []);
  }

  get seekable() {
    return this.ready;
  }

  seek(time) {
    if (!this.ready) return;
    const wanted = Math.min(this.length, Math.max(0, time));
    if (this.playable) this.page.stage.video.currentTime = wanted;
    this.showAt(wanted, !this.playable);
  }

  /** Go on or back by seconds. */
  step(seconds) {
    this.seek(this.time + seconds);
  }

  toSmile(direction) {
    if (!this.ready) return;
    const starts = smileStarts(this.frames);
    const wanted = direction > 0 ? starts.find((time) => time > this.time + 0.05) : starts.findLast((time) => time < this.time - 0.3);
    if (wanted === undefined) announce(direction > 0 ? "No further smile" : "No smile before");
    else this.seek(wanted);
  }

  pressMain() {
    const { video } = this.page.stage;
    if (!this.ready || !this.playable) return;
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  settingsChanged() {
    $("read-again").hidden = false;
  }

  cancel() {
    this.page.idle({ announcement: "Reading the video was cancelled" });
  }

  leave() {
    super.leave();
    this.stopFrames?.();
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

/** Frames with their events, of the lines of a result. */
function framesOf(lines) {
  const frames = [];
  for (const line of lines) {
    if (line.type === "frame") frames.push({ ...line, events: [] });
    else if (line.type === "event" && frames.length) frames.at(-1).events.push(line);
  }
  return frames;
}

/** Index of the last frame that is not after a time; -1 before the first. */
function frameAt(frames, time) {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Seconds at which smiles start, in their order. */
function smileStarts(frames) {
  const starts = frames.flatMap((frame) => frame.events).filter((event) => event.event === "smile_start");
  return starts.map((event) => event.since ?? event.time).sort((a, b) => a - b);
}

/** Give a video element a file; resolves to whether the browser can play it, or to false once the signal is aborted. */
function loaded(video, url, signal) {
  return new Promise((resolve) => {
    video.addEventListener("loadeddata", () => resolve(video.videoWidth > 0), { once: true, signal });
    video.addEventListener("error", () => resolve(false), { once: true, signal });
    signal.addEventListener("abort", () => resolve(false), { once: true });
    video.preload = "auto";
    video.src = url;
  });
}

const after = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
