// What is loaded, once: networks, the cascade, and what settings make of them.

import * as ort from "onnxruntime-web/wasm";

import { FaceClassifier } from "../classification/classifier.js";
import { Cascade } from "../detection/cascade.js";
import { HaarDetector } from "../detection/haar.js";
import { withOpenInput, YuNetDetector } from "../detection/yunet.js";
import { loadNetwork } from "../network.js";
import { Problem } from "../problem.js";

/** Threads of a network, where the browser lets a page have them: more gain nothing on inputs this small. */
const MOST_THREADS = 2;

export class Parts {
  /** @param {string} base address of the folder with the files */
  constructor(base) {
    this.base = base;
    this.loaded = new Map();
    ort.env.wasm.wasmPaths = { mjs: new URL("ort-wasm-simd-threaded.mjs", base).href, wasm: new URL("ort-wasm-simd-threaded.wasm", base).href };
    ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency ?? 1) : 1;
  }

  /** What `make` makes, the same for the same key. */
  once(key, make) {
    if (!this.loaded.has(key)) {
      const made = make();
      made.catch(() => this.loaded.delete(key));
      this.loaded.set(key, made);
    }
    return this.loaded.get(key);
  }

  async file(name) {
    const response = await fetch(new URL(name, this.base)).catch(() => null);
    if (!response?.ok) throw new Problem("no_file", `The file ${name} of this page did not load.`);
    return new Uint8Array(await response.arrayBuffer());
  }

  network(name, change = (content) => content) {
    return this.once(`network ${name}`, async () => loadNetwork(ort, change(await this.file(name))));
  }

  description() {
    return this.once("description", async () => JSON.parse(new TextDecoder().decode(await this.file("models.json"))));
  }

  /** @param {"image" | "stream" | "thorough"} use */
  detector(name, use) {
    return this.once(`detector ${name} ${use}`, async () => {
      const { detectors, haar } = await this.description();
      const settings = detectors[name][use];
      if (name === "haar") return new HaarDetector(await this.cascade(), await this.network("face-filter.onnx"), settings, haar);
      return new YuNetDetector(await this.network("yunet.onnx", withOpenInput), settings);
    });
  }

  cascade() {
    return this.once("cascade", async () => new Cascade((await this.file("haar.bin")).buffer));
  }

  classifier({ model, policy, detector }) {
    return this.once(`classifier ${model} ${policy} ${detector}`, async () => {
      const info = (await this.description()).models.find((one) => one.name === model);
      const network = await this.network(`${model}.onnx`);
      return new FaceClassifier(network, info, info.policies.find((one) => one.name === policy), info.crops[detector]);
    });
  }
}
