// Faces and probabilities of each frame in, tracks with their smiles and events out, in the form of JSON lines: the
// counterpart of tracking/faces.py.

import { digits } from "../numbers.js";
import { SmileState } from "./smile-state.js";
import { Tracker } from "./tracker.js";

/** A face as results have it. */
export function faceResult(face, sample, track, state) {
  return {
    box: face.box,
    confidence: digits(face.confidence, 4),
    smile: digits(sample.smile, 4),
    smiling: state.smiling,
    track,
    intensity: digits(state.intensity, 3),
    smoothed: digits(state.smoothed, 4),
    ...(sample.interpolated ? { interpolated: true } : {}),
  };
}

/** An event as results have it. */
export function smileEvent(smiling, source, time, frame, track, since, peak) {
  return {
    type: "event", event: smiling ? "smile_start" : "smile_end", source, time: digits(time, 4), frame, track,
    since: digits(since, 4), peak: digits(peak, 4),
  };
}

export class FaceTracks {
  constructor(source, threshold, decision) {
    Object.assign(this, { source, threshold, decision });
    this.tracker = new Tracker();
    this.states = new Map();
    this.lastSeen = new Map();
    this.time = 0;
    this.frame = 0;
  }

  /** Find the tracks of the next frame; where a stream jumps back, the time before it stands still. */
  associate(time, faces) {
    const later = Math.max(time, this.time);
    return { time: later, ...this.tracker.update(faces.map((face) => face.box), later) };
  }

  /** Take the smiles of the next frame: {faces, events}. */
  update(number, { time, tracks, ended }, faces, samples) {
    this.time = time;
    this.frame = number;
    const events = ended.flatMap((track) => this.endTrack(track));
    const results = faces.map((face, at) => {
      const track = tracks[at];
      if (!this.states.has(track)) this.states.set(track, new SmileState(this.threshold, this.decision));
      const state = this.states.get(track);
      const change = state.update(samples[at].smile, time);
      this.lastSeen.set(track, time);
      if (change) events.push(this.event(change, track));
      return faceResult(face, samples[at], track, state);
    });
    return { frame: number, time: digits(time, 4), faces: results, events };
  }

  /** The scene has changed: whoever is seen from here on is somebody else. */
  cut() {
    this.tracker.forget();
  }

  /** Use other settings from the next frame on; tracks and their states stay. */
  updateSettings(threshold, decision) {
    Object.assign(this, { threshold, decision });
    for (const state of this.states.values()) state.updateSettings(threshold, decision);
  }

  /** Forget a track; its smile, if any, ended when it was last seen. */
  endTrack(track) {
    const [state, since] = [this.states.get(track), this.lastSeen.get(track)];
    this.states.delete(track);
    this.lastSeen.delete(track);
    return state?.smiling ? [this.event({ smiling: false, since, peak: state.peak }, track)] : [];
  }

  event({ smiling, since, peak }, track) {
    return smileEvent(smiling, this.source, this.time, this.frame, track, since, peak);
  }
}
