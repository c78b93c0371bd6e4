// What Python made of images and frames, as tests/site/record_cases.py wrote it: SMILECAM_SITE_CASES names its folder, and
// SMILECAM_SITE_ENGINE the folder that prepare.py wrote.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-web";

import { FaceClassifier } from "../src/classification/classifier.js";
import { Cascade } from "../src/detection/cascade.js";
import { HaarDetector } from "../src/detection/haar.js";
import { withOpenInput, YuNetDetector } from "../src/detection/yunet.js";
import { loadNetwork } from "../src/network.js";

const folder = process.env.SMILECAM_SITE_CASES;
const engine = process.env.SMILECAM_SITE_ENGINE;
const yunet = process.env.SMILECAM_YUNET;

ort.env.wasm.numThreads = 1;

export const missing = folder && engine ? false : "SMILECAM_SITE_CASES and SMILECAM_SITE_ENGINE name no folders: see docs/static-page.md";

const bytes = (path) => new Uint8Array(readFileSync(path));

export const cases = missing ? {} : JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
export const description = missing ? {} : JSON.parse(readFileSync(join(engine, "models.json"), "utf8"));

export const image = ({ file, width, height }) => ({ data: bytes(join(folder, file)), width, height });

export function* frames({ file, width, height, count }) {
  const data = bytes(join(folder, file));
  for (let at = 0; at < count; at += 1) yield { data: data.slice(at * width * height, (at + 1) * width * height), width, height };
}

export async function classifier(detector) {
  const [model] = description.models;
  const network = await loadNetwork(ort, bytes(join(engine, `${model.name}.onnx`)));
  return new FaceClassifier(network, model, model.policies[0], model.crops[detector]);
}

let filter;
let network;

export async function makeDetector(name, use) {
  const settings = description.detectors[name][use];
  if (name === "haar") {
    filter ??= loadNetwork(ort, bytes(join(engine, "face-filter.onnx")));
    return new HaarDetector(new Cascade(bytes(join(engine, "haar.bin")).buffer), await filter, settings, description.haar);
  }
  network ??= loadNetwork(ort, withOpenInput(bytes(yunet)));
  return new YuNetDetector(await network, settings);
}
