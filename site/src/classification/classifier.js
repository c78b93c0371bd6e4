// The network at run time: normalised faces in, probabilities of a smile out. The counterpart of classifier.py and batch.py.

import { logistic } from "../numbers.js";
import { DOUBTFUL, translated } from "./augmented.js";
import { networkInputs } from "./crop.js";

/** Faces in one call of the network: more are not faster, and take memory. */
const MAX_BATCH = 64;

export class FaceClassifier {
  /**
   * @param {(inputs: Float32Array, shape: number[]) => Promise<Array<{data: Float32Array, dims: number[]}>>} network
   * @param {{input: {size: number, normalization: string}}} info of the model
   * @param {{weights: number[], offset: number}} policy
   * @param {object} geometry of the crop, for the detector that finds the faces
   */
  constructor(network, info, policy, geometry) {
    Object.assign(this, { network, info, policy, geometry });
  }

  inputs(image, faces) {
    return networkInputs(image, faces, this.geometry, this.info.input);
  }

  /** The probability of a smile, 0 to 1, for each of what `inputs` gives; doubtful faces are read again and averaged. */
  async classify(inputs) {
    const smiles = [];
    for (let at = 0; at < inputs.length; at += MAX_BATCH) smiles.push(...(await this.run(inputs.slice(at, at + MAX_BATCH))));
    return smiles;
  }

  async run(inputs) {
    const readings = await this.outputs(inputs);
    const doubtful = inputs.flatMap((_, row) => (Math.abs(this.logOdds(readings[row])) < DOUBTFUL ? [row] : []));
    if (doubtful.length) {
      const again = await this.outputs(translated(doubtful.map((row) => inputs[row]), this.info.input.size));
      doubtful.forEach((row, at) => {
        readings[row] = readings[row].map((value, output) => (value + again[at][output] + again[doubtful.length + at][output]) / 3);
      });
    }
    return readings.map((outputs) => Math.fround(logistic(this.logOdds(outputs))));
  }

  /** The network's outputs for each input, before calibration. */
  async outputs(inputs) {
    const { size } = this.info.input;
    const batch = new Float32Array(inputs.length * size * size);
    inputs.forEach((input, row) => batch.set(input, row * size * size));
    const [{ data, dims }] = await this.network(batch, [inputs.length, 1, size, size]);
    return inputs.map((_, row) => data.subarray(row * dims[1], (row + 1) * dims[1]));
  }

  logOdds(outputs) {
    const { weights, offset } = this.policy;
    const value = weights.reduce((sum, weight, at) => sum + weight * outputs[at], offset);
    if (!Number.isFinite(value)) throw new Error("The network gives no finite number for a face.");
    return value;
  }
}
