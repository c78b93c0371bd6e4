// Each part against what Python made of the same images and numbers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { normalize } from "../src/classification/crop.js";
import { detectInRegions, MotionGate } from "../src/detection/motion.js";
import { FacePatch } from "../src/detection/patch.js";
import { cut, resizeSquare } from "../src/grey.js";
import { OnlineRun } from "../src/pipeline/online-run.js";
import { SmilePath } from "../src/tracking/smile-path.js";
import { SmileState } from "../src/tracking/smile-state.js";
import { cases, classifier, description, frames, image, makeDetector, missing } from "./cases.js";

const close = (got, wanted, by, what) => assert.ok(Math.abs(got - wanted) <= by, `${what}: ${got}, not ${wanted}`);
const boxesClose = (got, wanted, by, what) => wanted.forEach((value, at) => close(got[at], value, by, what));

function facesClose(got, wanted, by, what) {
  assert.equal(got.length, wanted.length, `${what}: ${got.length} faces, not ${wanted.length}`);
  wanted.forEach((face, at) => {
    if (!face) return assert.equal(got[at], null, what);
    boxesClose(got[at].box, face.box, by, what);
    close(got[at].confidence, face.confidence, 0.02, what);
    if (face.landmarks) boxesClose(got[at].landmarks, face.landmarks, 2 * by, what);
    return undefined;
  });
}

const sameFace = (a, b) => (
  a.track === b.track && a.smiling === b.smiling && a.box.every((value, edge) => Math.abs(value - b.box[edge]) <= 8)
);

test("images are resized as by OpenCV", { skip: missing }, () => {
  for (const { image: name, size, result } of cases.resize) {
    const { data } = resizeSquare(image(name), size);
    data.forEach((value, at) => close(value, result[at], 1, `pixel ${at} of ${name.width}x${name.height}`));
  }
});

test("networks see the same and say the same", { skip: missing }, async () => {
  const { image: name, squares, inputs, smiles } = cases.inputs;
  const { input } = description.models[0];
  const mine = squares.map((square) => normalize(resizeSquare(cut(image(name), square), input.size).data, input.normalization));
  mine.forEach((values, row) => values.forEach((value, at) => close(value, inputs[row][at], 0.03, `input ${row}, ${at}`)));
  const read = await (await classifier("haar")).classify(mine);
  read.forEach((smile, row) => close(smile, smiles[row], 0.01, `smile ${row}`));
});

test("faces are followed by their pixels", { skip: missing }, () => {
  const first = cases.patch[0];
  const patch = FacePatch.cut(image(cases.inputs.image), first.face);
  for (const { image: name, face, found } of cases.patch) {
    const mine = patch.find(image(name), face);
    assert.equal(mine === null, found === null);
    if (found) boxesClose(mine.box, found.box, 1, "patch");
  }
});

test("motion is seen where it is", { skip: missing }, () => {
  const { before, after, faces, regions } = cases.motion;
  assert.deepEqual(new MotionGate(image(before), faces).movingRegions(image(after), faces).sort(), regions.sort());
});

test("smile states are those of Python", { skip: missing }, () => {
  for (const { decision, smiles, times, online, offline } of cases.states) {
    const state = new SmileState(0.48, decision);
    smiles.forEach((smile, at) => {
      const change = state.update(smile, times[at]);
      const [smiling, smoothed, intensity, declared] = online[at];
      assert.equal(state.smiling, smiling, `frame ${at}`);
      close(state.smoothed, smoothed, 1e-6, "smoothed");
      close(state.intensity, intensity, 1e-6, "intensity");
      assert.equal(change === null, declared === null);
      if (declared) boxesClose([change.since, change.peak], declared, 1e-6, "change");
    });
    const path = new SmilePath(0.48, decision);
    const settled = smiles.flatMap((smile, at) => {
      path.add(smile, times[at]);
      return path.settle();
    });
    settled.push(...path.settle(true));
    assert.equal(settled.length, offline.length);
    settled.forEach((one, at) => {
      assert.equal(one.smiling, offline[at][0], `settled frame ${at}`);
      boxesClose([one.smoothed, one.intensity], offline[at].slice(1), 1e-6, "settled");
    });
  }
});

test("detectors find the same faces", { skip: missing }, async () => {
  for (const one of cases.detect) {
    const detector = await makeDetector(one.detector, one.use);
    const grey = image(one.image);
    const what = `${one.detector}, ${one.use}, ${grey.width}x${grey.height}`;
    facesClose(await detector.detect(grey), one.faces, 2, what);
    facesClose(await detectInRegions(detector, grey, [one.region]), one.in_region, 2, `${what}, region`);
    facesClose(await detector.redetect(grey, one.known), one.again, 2, `${what}, again`);
  }
});

test("streams have the same states", { skip: missing }, async () => {
  for (const { title, detector: name, frames: written, times, results } of cases.streams) {
    const [detector, thorough] = await Promise.all(["stream", "thorough"].map((use) => makeDetector(name, use)));
    let now = 0;
    const waiting = [];
    const background = {
      submit(grey, regions, nobodyKnown) {
        const order = { done: false, faces: null };
        const by = nobodyKnown ? thorough : detector;
        waiting.push((regions ? detectInRegions(by, grey, regions) : by.detect(grey)).then((faces) => Object.assign(order, { faces, done: true })));
        return order;
      },
    };
    const [model] = description.models;
    const setup = {
      detectorName: name, detector, background, classifier: await classifier(name),
      threshold: model.policies[0].thresholds[description.operating_point], decision: description.decision, maxFaces: description.max_faces,
    };
    const run = new OnlineRun("clip", setup, () => now);
    let [same, faces, at] = [0, 0, 0];
    for (const grey of frames(written)) {
      now = times[at];
      const mine = await run.process(at, now, grey);
      await Promise.all(waiting.splice(0));
      const theirs = results[at];
      faces += theirs.faces.length;
      for (const face of theirs.faces) {
        same += mine.faces.some((one) => sameFace(one, face));
      }
      at += 1;
    }
    assert.ok(faces > 0, `${title}: Python finds faces`);
    const share = same / faces;
    console.log(`${title}, ${name}: ${same} of ${faces} faces have the same track and state`);
    assert.ok(share >= 0.99, `${title}, ${name}: ${share}`);
  }
});
