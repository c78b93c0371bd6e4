// Finding faces in recorded video: detection now and then; in between, known faces are followed by their pixels. The
// counterpart of tracking/offline.py.

import { area, compareFaces, iou, similarity } from "../boxes.js";
import { detectInRegions, MotionBackoff, MotionGate, surroundings } from "../detection/motion.js";
import { FacePatch } from "../detection/patch.js";
import { interpolate, match, MAX_FULL_GROWTH, MAX_UNCONFIRMED, meanFace, nonMaximumSuppression, SAME_FACE } from "./association.js";

const MAX_MOVING_SHARE = 0.6;
const LEAST_INTERVAL = 0.6;
const LOST_SECONDS = 2;

const DETECT_EVERY = 0.5;
const DETECT_FULL_EVERY = 3;
const WINDOW_FRAMES = 16;
const FOLLOW_EVERY = 0.1;
const REDETECT_EVERY = 0.3;
const MAX_REDETECT_EVERY = 1;
const REDETECTED_FACES = 3;

/** One face through a window. */
class Tracklet {
  detections = 1;
  unconfirmed = 0;

  /** @param {Map<number, object>} faces by index of the frame in the window; -1 is the last frame of the window before */
  constructor(faces, patch, detectedAt) {
    Object.assign(this, { faces, patch, detectedAt });
  }

  with(changes) {
    return Object.assign(new Tracklet(this.faces, this.patch, this.detectedAt), this, changes);
  }
}

export class OfflineFaceFinder {
  /**
   * @param {object} detector for detection and re-detection
   * @param {object} thorough for detection while nobody is known
   */
  constructor(detector, thorough) {
    Object.assign(this, { detector, thorough });
    this.fullAt = 0;
    this.reset();
  }

  /** Begin a new scene: no face of the one before is followed into it. */
  reset() {
    this.known = [];
    this.begun = false;
    this.motion = null;
    this.backoff = new MotionBackoff();
    this.fullEvery = DETECT_FULL_EVERY;
    this.lost = [];
    this.detectedAt = -Infinity;
  }

  /** Whether a window of so many frames over so many seconds is complete. */
  endsWindow(count, seconds) {
    return !this.begun || count >= WINDOW_FRAMES || seconds >= DETECT_EVERY;
  }

  /** Find the faces of the next window: for each frame its faces from left to right. */
  async next(images, times) {
    const last = images.length - 1;
    const now = times[last];
    const window = new Window(this.detector, images, times, this.known.length);
    const tracklets = [];
    for (const known of this.known) tracklets.push(await window.follow(known));
    const alive = tracklets.filter(({ faces }) => faces.has(last));
    const known = alive.map(({ faces }) => faces.get(last).box);
    const lost = tracklets.filter(({ faces }) => !faces.has(last)).map(({ faces }) => faces.get(Math.max(...faces.keys())).box);
    this.lost = this.lost.filter(({ since }) => now - since >= 0 && now - since < LOST_SECONDS);
    this.lost.push(...lost.map((box) => ({ box, since: now })));
    const due = this.isDue(now, known);
    const { found, full } = due ? await this.detect(images[last], now, known) : { found: [], full: false };
    const pairs = match(known, found.map(({ box }) => box), SAME_FACE);
    const confirmed = new Map(pairs);
    alive.forEach((tracklet, i) => {
      if (confirmed.has(i)) window.correct(tracklet, found[confirmed.get(i)]);
      else tracklet.unconfirmed += full ? 1 : 0; // a detection in the whole image also counts against those it missed
    });
    const old = new Set(pairs.map(([, j]) => j));
    if (due) this.plan(now, full, old.size === found.length && !(lost.length || (full && old.size < alive.length)));
    this.lost = this.lost.filter(({ box }) => found.every((face) => iou(box, face.box) === 0));
    const before = [...tracklets];
    for (const [j, face] of found.entries()) if (!old.has(j)) tracklets.push(await window.followBack(face, before));
    this.known = tracklets
      .filter(({ faces, unconfirmed }) => faces.has(last) && unconfirmed < MAX_UNCONFIRMED)
      .map((tracklet) => tracklet.with({ faces: new Map([[-1, tracklet.faces.get(last)]]) }));
    this.begun = true;
    return images.map((_, at) => mostConfident(tracklets.flatMap(({ faces }) => (faces.has(at) ? [faces.get(at)] : []))));
  }

  /** Whether faces are detected at the end of a window; through short ones the known are only followed. */
  isDue(time, known) {
    const passed = time - this.detectedAt;
    return !known.length || !(passed >= 0 && passed < LEAST_INTERVAL * DETECT_EVERY);
  }

  /** Detect in the regions that changed since the last detection; also whether that was the whole image. */
  async detect(image, time, known) {
    this.detectedAt = time;
    let regions = null;
    if (this.motion && time >= this.fullAt && time - this.fullAt < this.fullEvery) {
      regions = this.motion.movingRegions(image, known, known.length ? this.backoff : null, time);
      regions.push(...this.lost.map(({ box }) => surroundings(box, image)));
      if (!regions.length) return { found: [], full: false };
      if (regions.reduce((sum, region) => sum + area(region), 0) > MAX_MOVING_SHARE * image.width * image.height) regions = null;
    }
    const detector = known.length ? this.detector : this.thorough;
    const found = regions ? await detectInRegions(detector, image, regions) : await detector.detect(image);
    this.motion = new MotionGate(image, [...known, ...found.map(({ box }) => box)]);
    if (!regions) this.fullAt = time;
    return { found, full: !regions };
  }

  /** Detect less often where detections give nothing new. */
  plan(time, full, agrees) {
    if (agrees) this.backoff.inVain(time);
    else this.backoff = new MotionBackoff();
    if (!agrees) this.fullEvery = DETECT_FULL_EVERY;
    else if (full) this.fullEvery = Math.min(MAX_FULL_GROWTH * DETECT_FULL_EVERY, 2 * this.fullEvery);
  }
}

/** The frames of one window, and tracklets through them. */
class Window {
  constructor(detector, images, times, known) {
    Object.assign(this, { detector, images, times });
    // A crowd is re-detected more rarely, up to a limit.
    this.redetectEvery = Math.max(REDETECT_EVERY, Math.min(MAX_REDETECT_EVERY, (REDETECT_EVERY * known) / REDETECTED_FACES));
  }

  /** Follow a face of the window before forward, as far as it is found. */
  async follow(tracklet) {
    let at = -1;
    const keyframes = new Map([[at, tracklet.faces.get(at)]]);
    const followed = tracklet.with({});
    while (at < this.images.length - 1) {
      const step = await this.step(followed, keyframes.get(at), at);
      if (!step) break;
      ({ at } = step);
      keyframes.set(at, step.face);
    }
    followed.faces = filled(keyframes);
    return followed;
  }

  /** Follow a new face from the last frame back to where it came in, or to where it is known already. */
  async followBack(face, tracklets) {
    const last = this.images.length - 1;
    let at = last;
    const keyframes = new Map([[at, face]]);
    const added = new Tracklet(keyframes, FacePatch.cut(this.images[last], face), this.times[last]);
    const followed = added.with({});
    while (at > 0) {
      const step = await this.step(followed, keyframes.get(at), at, -1);
      const isKnown = ({ faces }) => faces.has(step.at) && similarity(faces.get(step.at).box, step.face.box) >= SAME_FACE;
      if (!step || tracklets.some(isKnown)) break;
      ({ at } = step);
      keyframes.set(at, step.face);
    }
    added.faces = filled(keyframes);
    return added;
  }

  /** Correct a known face by a detection in the last frame. */
  correct(tracklet, face) {
    const last = this.images.length - 1;
    tracklet.faces.set(last, face);
    const patch = FacePatch.cut(this.images[last], face);
    Object.assign(tracklet, { unconfirmed: 0, detections: 1, patch, detectedAt: this.times[last] });
  }

  /**
   * The face in the next frame to try; where it is not there, in the furthest nearer one that has it. It is where its
   * pixels are; where they are not found, or a re-detection is due, it is re-detected.
   */
  async step(tracklet, face, from, direction = 1) {
    const candidates = [...this.candidates(from, direction)];
    const due = Math.abs(this.times[candidates[0]] - tracklet.detectedAt) >= this.redetectEvery;
    for (const at of candidates) {
      const place = tracklet.patch?.find(this.images[at], face) ?? null;
      if (place && !due) return { at, face: place };
      const [redetected] = await this.detector.redetect(this.images[at], [face]);
      if (!redetected) continue;
      const [found, detections] = meanFace(place, redetected, tracklet.detections);
      Object.assign(tracklet, { detections, patch: FacePatch.cut(this.images[at], found), detectedAt: this.times[at] });
      return { at, face: found };
    }
    return null;
  }

  /** Frames to try: as far away as may be, then ever nearer. */
  *candidates(from, direction) {
    const limit = direction > 0 ? this.images.length - 1 : 0;
    let to = from + direction;
    const start = this.times[Math.max(0, from)];
    while (to !== limit && Math.abs(this.times[to + direction] - start) <= FOLLOW_EVERY) to += direction;
    while (to !== from) {
      yield to;
      to = direction > 0 ? Math.floor((to + from) / 2) : Math.ceil((to + from) / 2);
    }
  }
}

/** The re-detected faces, and interpolated ones in between. */
function filled(keyframes) {
  const faces = new Map(keyframes);
  const known = [...keyframes.keys()].sort((a, b) => a - b);
  known.slice(1).forEach((b, number) => {
    const a = known[number];
    for (let at = a + 1; at < b; at += 1) faces.set(at, interpolate(keyframes.get(a), keyframes.get(b), (at - a) / (b - a)));
  });
  return faces;
}

/** From left to right, each face once: of boxes on one face the most confident stays. */
function mostConfident(faces) {
  const ordered = faces.sort((a, b) => b.confidence - a.confidence);
  return nonMaximumSuppression(ordered.map(({ box }) => box)).map((at) => ordered[at]).sort(compareFaces);
}
