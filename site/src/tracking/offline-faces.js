// Faces and probabilities of recorded video in; out, a moment later, tracks with settled smiles and events: the counterpart
// of tracking/offline_faces.py.

import { digits } from "../numbers.js";
import { faceResult, smileEvent } from "./faces.js";
import { SmilePath } from "./smile-path.js";
import { Tracker } from "./tracker.js";

export class OfflineFaceTracks {
  constructor(source, threshold, decision) {
    Object.assign(this, { source, threshold, decision });
    this.tracker = new Tracker();
    this.tracks = new Map();
    this.waiting = [];
    this.newest = 0;
    this.given = { time: 0, frame: 0 };
  }

  /** Find the tracks of the next frame; where a video jumps back, the time before it stands still. */
  associate(time, faces) {
    this.newest = Math.max(time, this.newest);
    return { time: this.newest, ...this.tracker.update(faces.map((face) => face.box), this.newest) };
  }

  /** Take the smiles of the next frame. */
  add(number, { time, tracks, ended }, faces, samples) {
    for (const track of ended) this.settle(track, true);
    tracks.forEach((track, at) => {
      if (!this.tracks.has(track)) {
        this.tracks.set(track, { path: new SmilePath(this.threshold, this.decision), settled: [], smiling: false, peak: 0, lastSeen: 0 });
      }
      this.tracks.get(track).path.add(samples[at].smile, time);
    });
    this.waiting.push({ number, time, tracks, faces, samples, ended });
  }

  /** The scene has changed: whoever is seen from here on is somebody else. */
  cut() {
    this.tracker.forget();
  }

  /** The results of the frames that are settled by now. */
  settled() {
    for (const track of this.tracks.keys()) this.settle(track);
    const results = [];
    while (this.waiting.length && this.waiting[0].tracks.every((track) => this.tracks.get(track).settled.length)) {
      results.push(this.result(this.waiting.shift()));
    }
    return results;
  }

  /** Settle and give everything, since no further frame comes; the last frame ends the smiles that are open. */
  finish() {
    for (const track of this.tracks.keys()) this.settle(track, true);
    const results = this.waiting.splice(0).map((frame) => this.result(frame));
    const open = [...this.tracks.keys()].sort((a, b) => a - b).flatMap((track) => this.endTrack(track));
    results.at(-1)?.events.push(...open);
    return results;
  }

  settle(track, ended = false) {
    const one = this.tracks.get(track);
    if (one) one.settled.push(...one.path.settle(ended));
  }

  result({ number, time, tracks, faces, samples, ended }) {
    this.given = { time, frame: number };
    const events = ended.flatMap((track) => this.endTrack(track));
    for (const track of ended) this.tracks.delete(track);
    const results = faces.map((face, at) => {
      const track = this.tracks.get(tracks[at]);
      const state = track.settled.shift();
      track.lastSeen = time;
      events.push(...this.change(tracks[at], track, state));
      return faceResult(face, samples[at], tracks[at], state);
    });
    return { frame: number, time: digits(time, 4), faces: results, events };
  }

  change(number, track, state) {
    const before = track.smiling;
    track.smiling = state.smiling;
    if (state.smiling) track.peak = Math.max(state.smoothed, before ? track.peak : 0);
    return before === state.smiling ? [] : [this.event(state.smiling, number, this.given.time, track.peak)];
  }

  /** A smile that is still open when its track ends, ended when the face was last seen. */
  endTrack(number) {
    const track = this.tracks.get(number);
    if (!track?.smiling) return [];
    track.smiling = false;
    return [this.event(false, number, track.lastSeen, track.peak)];
  }

  event(smiling, track, since, peak) {
    return smileEvent(smiling, this.source, this.given.time, this.given.frame, track, since, peak);
  }
}
