// The only import of ONNX Runtime: a network from the content of its file, as a function.

/**
 * @param {object} ort onnxruntime-web, for a browser or for Node
 * @param {Uint8Array} content of an ONNX file
 * @returns {Promise<(inputs: Float32Array, shape: number[]) => Promise<Array<{data: Float32Array, dims: number[]}>>>}
 *   gives all outputs in the order of the file
 */
export async function loadNetwork(ort, content) {
  const session = await ort.InferenceSession.create(content, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  const [name] = session.inputNames;
  return async (inputs, shape) => {
    const results = await session.run({ [name]: new ort.Tensor("float32", inputs, shape) });
    return session.outputNames.map((output) => results[output]);
  };
}
