// Finding faces in a live stream: followed by their pixels in every frame, and full detection beside it. The counterpart of
// OnlineFaceFinder in tracking/online.py.

import { area, compareFaces, iou } from "../boxes.js";
import { MotionBackoff, MotionGate, surroundings } from "../detection/motion.js";
import { FacePatch } from "../detection/patch.js";
import { MAX_FULL_GROWTH, MAX_UNCONFIRMED, match, meanFace, nonMaximumSuppression } from "./association.js";

const SAME_FACE_LATER = 0.3;
const MAX_MISSED = 3;
const DRIFT_IOU = 0.6;

const DETECT_EVERY = 0.25;
const DETECT_EVERY_UNSEEN = 0.1;
const DETECT_FULL_EVERY = 3;
const REDETECT_EVERY = 0.3;
const MAX_REDETECTIONS = 4;

/** A face that is followed. */
class Known {
  unconfirmed = 0;
  patch = null;
  detectedAt = -Infinity;
  detections = 0;
  missed = 0;

  constructor(face) {
    this.face = face;
  }
}

export class OnlineFaceFinder {
  /**
   * @param {{redetect: Function}} detector for known faces
   * @param {{submit: (grey: object, regions: ?number[][], nobodyKnown: boolean) => {done: boolean, faces: object[]}, interval?: Function}} background
   *   detects in whole images or in regions of them; `done` becomes true, and `faces` is there, some frames later
   * @param {() => number} clock seconds that only grow
   * @param {number} maxFaces that are followed at a time, the largest of those that are found together
   */
  constructor(detector, background, clock, maxFaces = Infinity) {
    Object.assign(this, { detector, background, clock, maxFaces });
    this.known = [];
    this.full = true;
    this.fullAt = -Infinity;
    this.reset();
  }

  /** Begin a new scene: faces are detected in all of it at once. Meanwhile one may be where another was. */
  reset() {
    this.pending = this.motion = null;
    this.lost = [];
    this.backoff = new MotionBackoff();
    this.fullEvery = DETECT_FULL_EVERY;
    this.submittedAt = -Infinity;
  }

  /** Find the faces of the next frame, from left to right; nobody changes its image afterwards. */
  async next(grey) {
    if (this.pending?.done) {
      const { faces } = this.pending;
      this.pending = null;
      this.merge(faces);
    }
    const followed = await this.follow(grey);
    // Where a face was lost, nothing need have changed much.
    this.lost.push(...this.known.filter((known) => known.missed >= MAX_MISSED).map((known) => surroundings(known.face.box, grey)));
    // In order of age: of two boxes that came to lie on one face, the one known for longer stays.
    this.known = nonMaximumSuppression(followed.map((known) => known.face.box)).map((at) => followed[at]);
    this.submitIfDue(grey);
    return this.known.map((known) => known.face).sort(compareFaces);
  }

  /** The known faces that are in the next frame. */
  async follow(grey) {
    const { known } = this;
    const now = this.clock();
    const places = known.map(({ patch, face }) => patch?.find(grey, face) ?? null);
    const rows = known.map((_, row) => row);
    // Large faces first of those that would be lost, then those that have waited longest, as new ones have.
    const lost = rows.filter((row) => !places[row]).sort((a, b) => area(known[b].face.box) - area(known[a].face.box));
    const due = rows.filter((row) => places[row] && now - known[row].detectedAt >= REDETECT_EVERY);
    due.sort((a, b) => (known[a].detectedAt === known[b].detectedAt ? 0 : known[a].detectedAt - known[b].detectedAt));
    const chosen = [...lost, ...due].slice(0, MAX_REDETECTIONS);
    const found = chosen.length ? await this.detector.redetect(grey, chosen.map((row) => places[row] ?? known[row].face)) : [];
    known.forEach((one, row) => {
      const at = chosen.indexOf(row);
      if (at >= 0) this.takeRedetection(one, places[row], found[at], grey, now);
      else if (places[row]) one.face = places[row];
    });
    return known.filter((one) => one.missed < MAX_MISSED);
  }

  /** Correct a face by what was found for it; one whose pixels are still there may be missed now and then. */
  takeRedetection(known, followed, found, grey, now) {
    if (!found) {
      known.missed = followed ? known.missed + 1 : MAX_MISSED;
      known.face = followed ?? known.face;
      return;
    }
    [known.face, known.detections] = meanFace(followed, found, known.detections);
    known.patch = FacePatch.cut(grey, known.face);
    known.detectedAt = now;
    known.missed = 0;
  }

  /** Add the faces of a detection that are new, correct the known ones, and count against those it missed. */
  merge(found) {
    const pairs = match(this.known.map((known) => known.face.box), found.map((face) => face.box), SAME_FACE_LATER);
    const confirmed = new Map(pairs);
    const old = new Set(pairs.map(([, j]) => j));
    this.known.forEach((known, i) => {
      const face = found[confirmed.get(i)];
      known.unconfirmed = face ? 0 : known.unconfirmed + (this.full ? 1 : 0);
      // Following had drifted to a part of it.
      if (face && iou(face.box, known.face.box) < DRIFT_IOU) Object.assign(known, { face, patch: null });
    });
    this.plan(old.size === found.length && !(this.full && old.size < this.known.length));
    this.known = this.known.filter((known) => known.unconfirmed < MAX_UNCONFIRMED);
    let fresh = found.filter((_, j) => !old.has(j));
    if (Number.isFinite(this.maxFaces)) {
      fresh = fresh.sort((a, b) => area(b.box) - area(a.box)).slice(0, Math.max(0, this.maxFaces - this.known.length));
    }
    this.known.push(...fresh.map((face) => new Known(face)));
  }

  /** Detect less often where detections give nothing new. */
  plan(agrees) {
    if (agrees) {
      this.backoff.inVain(this.submittedAt);
      if (this.full) this.fullEvery = Math.min(2 * this.fullEvery, MAX_FULL_GROWTH * DETECT_FULL_EVERY);
    } else {
      this.backoff = new MotionBackoff();
      this.fullEvery = DETECT_FULL_EVERY;
    }
  }

  /** When it is time, detect in the regions that have changed since the last detection. */
  submitIfDue(grey) {
    const now = this.clock();
    const interval = this.known.length ? DETECT_EVERY : DETECT_EVERY_UNSEEN;
    const elapsed = now - this.submittedAt;
    if (this.pending || elapsed < interval || elapsed < (this.background.interval?.(interval) ?? 0)) return;
    this.submittedAt = now;
    const boxes = this.known.map((known) => known.face.box);
    this.full = !this.motion || now - this.fullAt >= this.fullEvery;
    const regions = this.full ? null
      : [...this.lost, ...this.motion.movingRegions(grey, boxes, boxes.length ? this.backoff : null, now)];
    this.lost = [];
    if (this.full || regions.length) {
      this.pending = this.background.submit(grey, regions, !boxes.length);
      this.motion = new MotionGate(grey, boxes);
    }
    if (this.full) this.fullAt = now;
  }
}
