// The network at run time: normalised faces in, probabilities of a smile out. The counterpart of classifier.py and batch.py.

import { logistic } from "../numbers.js";
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

  /** The probability of a smile, 0 to 1, for each of what `inputs` gives. */
  async classify(inputs) {
    const smiles = [];
    for (let at = 0; at < inputs.length; at += MAX_BATCH) smiles.push(...(await this.run(inputs.slice(at, at + MAX_BATCH))));
    return smiles;
  }

  async run(inputs) {
    const { size } = this.info.input;
    const batch = new Float32Array(inputs.length * size * size);
    inputs.forEach((input, row) => batch.set(input, row * size * size));
    const [{ data, dims }] = await this.network(batch, [inputs.length, 1, size, size]);
    const { weights, offset } = this.policy;
    return inputs.map((_, row) => {
      const value = weights.reduce((sum, weight, at) => sum + weight * data[row * dims[1] + at], offset);
      if (!Number.isFinite(value)) throw new Error("The network gives no finite number for a face.");
      return Math.fround(logistic(value));
    });
  }
}
