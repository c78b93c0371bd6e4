// What can be said of the modules without Python: arithmetic, images, tracks, settings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { similarity } from "../src/boxes.js";
import { squareOfFace } from "../src/classification/crop.js";
import { CutDetector, detectInRegions, MotionBackoff } from "../src/detection/motion.js";
import { cut, greyImage, resizeArea, resizeLinear, sampled } from "../src/grey.js";
import { digits, logOdds, round } from "../src/numbers.js";
import { VideoRun } from "../src/pipeline/video-run.js";
import { changed, defaults, thresholdOf } from "../src/settings.js";
import { SmileState } from "../src/tracking/smile-state.js";
import { Tracker } from "../src/tracking/tracker.js";

const DECISION = { smoothing: 0.12, hysteresis: 0.5, min_smile: 0, min_pause: 0, relative: false };

function image(width, height, value) {
  const values = Uint8Array.from({ length: width * height }, (_, at) => value(at % width, Math.floor(at / width)));
  return greyImage(width, height, values);
}

test("halves are rounded to even, as Python does", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999].map(round), [0, 2, 2, 0, -2, 2]);
  assert.equal(digits(0.123456, 4), 0.1235);
  assert.ok(Math.abs(logOdds(1) - 6) < 1e-9 && Math.abs(logOdds(0) + 6) < 1e-9);
});

test("images are averaged, interpolated, cut beyond their border and sampled", () => {
  const ramp = image(6, 4, (x, y) => 10 * x + y);
  assert.deepEqual([...resizeArea(ramp, 3, 2).data], [6, 26, 46, 8, 28, 48]);
  assert.deepEqual([...resizeArea(image(3, 1, (x) => 30 * x), 2, 1).data], [10, 50]);
  assert.deepEqual([...resizeLinear(image(2, 1, (x) => 100 * x), 4, 1).data], [0, 25, 75, 100]);
  assert.deepEqual([...cut(ramp, [-1, 3, 2, 5]).data], [3, 3, 13, 3, 3, 13]);
  assert.deepEqual([...sampled(ramp, 4).data], [0, 40]);
});

test("a box inside another one is similar to it", () => {
  assert.equal(similarity([0, 0, 10, 10], [0, 0, 10, 10]), 1);
  assert.equal(similarity([0, 0, 10, 10], [2, 2, 8, 8]), 0.6);
  assert.equal(similarity([0, 0, 10, 10], [20, 0, 30, 10]), 0);
});

test("crops follow boxes or landmarks", () => {
  const landmarks = [40, 50, 60, 50, 50, 60, 44, 70, 56, 70];
  assert.deepEqual(squareOfFace({ box: [0, 0, 100, 100], landmarks: null }, { side: 0.74, shift_x: 0, shift_y: 0.075 }), [13, 20, 87, 94]);
  assert.deepEqual(squareOfFace({ box: [], landmarks }, { side: 2, along: 0.5 }), [30, 40, 70, 80]);
});

test("a track keeps its number through a gap, and not through a cut", () => {
  const tracker = new Tracker();
  const box = [100, 100, 160, 160];
  assert.deepEqual(tracker.update([box], 0), { tracks: [1], ended: [] });
  assert.deepEqual(tracker.update([], 0.5), { tracks: [], ended: [] });
  assert.deepEqual(tracker.update([[110, 100, 170, 160]], 0.9), { tracks: [1], ended: [] });
  tracker.forget();
  assert.deepEqual(tracker.update([box], 1), { tracks: [2], ended: [1] });
});

test("a clear smile is declared after a few frames and dated back", () => {
  const state = new SmileState(0.5, DECISION);
  const smiles = [0.02, 0.02, 0.97, 0.97, 0.97, 0.97, 0.97, 0.97];
  const changes = smiles.map((smile, frame) => state.update(smile, frame / 25));
  const at = changes.findIndex(Boolean);
  assert.ok(at > 2 && at < 7, `declared in frame ${at}`);
  assert.equal(changes[at].since, 2 / 25);
  assert.equal(changes.filter(Boolean).length, 1);
});

test("a cut is a frame that shows another scene", () => {
  const cuts = new CutDetector();
  const stripes = (shift) => image(160, 120, (x) => ((x + shift) % 80 < 40 ? 20 : 220));
  assert.deepEqual([stripes(0), stripes(1), stripes(40), stripes(41)].map((frame) => cuts.next(frame)), [false, false, true, false]);
});

test("what moved in vain is left out for a while", () => {
  const backoff = new MotionBackoff();
  const moving = { data: new Uint8Array(9).fill(1), width: 3, height: 3 };
  assert.equal(backoff.due(moving, 0).data[4], 1);
  backoff.inVain(0);
  assert.equal(backoff.due(moving, 0.5).data[4], 0);
  assert.equal(backoff.due(moving, 0.8).data[4], 1);
});

test("a face that the edge of a region cuts off is left out", async () => {
  const face = (box) => ({ box, confidence: 1, landmarks: null });
  const detector = { detect: async () => [face([50, 20, 90, 60]), face([20, 20, 40, 40]), face([0, 5, 10, 15])] };
  const found = await detectInRegions(detector, { width: 100, height: 100 }, [[0, 0, 90, 90]]);
  assert.deepEqual(found.map(({ box }) => box[0]), [0, 20]);
});

test("a video without a face has a line for each frame", async () => {
  const nobody = { detect: async () => [], redetect: async () => [] };
  const classifier = { inputs: () => [], classify: async () => [] };
  const setup = { detector: nobody, thorough: nobody, classifier, threshold: 0.5, decision: DECISION };
  const run = new VideoRun("empty.mp4", setup);
  for (let frame = 0; frame < 40; frame += 1) await run.add(image(64, 48, (x, y) => x + y), frame / 25);
  const lines = await run.finish();
  assert.deepEqual(lines.map(({ frame }) => frame), Array.from({ length: 40 }, (_, frame) => frame));
  assert.ok(lines.every(({ type, source, faces }) => type === "frame" && source === "empty.mp4" && !faces.length));
});

test("settings are checked, and a threshold takes the place of the operating point's", () => {
  const policies = [
    { name: "broad", thresholds: { balanced: 0.48, precision: 0.84 } },
    { name: "strict", thresholds: { balanced: 0.25, precision: 0.93 } },
  ];
  const description = {
    models: [{ name: "net", policies }], available: ["haar"], operating_point: "balanced", decision: DECISION, largest: { smoothing: 60 },
  };
  const settings = defaults(description);
  assert.equal(thresholdOf(description, settings), 0.48);
  assert.equal(thresholdOf(description, changed(description, settings, { policy: "strict", operating_point: "precision" })), 0.93);
  assert.equal(thresholdOf(description, changed(description, settings, { threshold: 0.7 })), 0.7);
  for (const wrong of [{ detector: "yunet" }, { threshold: 1.1 }, { smoothing: "much" }, { policy: "any" }, { colour: 1 }]) {
    assert.throws(() => changed(description, settings, wrong), { code: "bad_settings" });
  }
});
