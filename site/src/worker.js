// The worker in which frames, images and videos are read.

import { Problem } from "./problem.js";
import { readImage, readVideo } from "./reading/files.js";
import { Parts } from "./reading/parts.js";
import { Stream } from "./reading/stream.js";

let parts = null;

/** The orders of the page; each comes with a port of its own for the answers. */
const ORDERS = {
  load({ base }) {
    parts = new Parts(base);
    self.postMessage("ready");
  },
  stream: ({ port, detection }) => new Stream(port, detection, parts),
  image: (order) => answer(order, () => readImage(parts, order.file, order.settings)),
  video: (order) => answer(order, (progress, signal) => readVideo(parts, order.file, order.settings, progress, signal)),
};

async function answer({ port }, read) {
  const controller = new AbortController();
  port.onmessage = () => controller.abort();
  try {
    const result = await read((share, frames) => port.postMessage({ share, frames }), controller.signal);
    port.postMessage({ result });
  } catch (problem) {
    const known = problem instanceof Problem;
    if (!known) console.error(problem);
    const { code, message } = known ? problem : new Problem("internal", "This browser cannot read this file.");
    port.postMessage({ problem: { code, message } });
  } finally {
    port.onmessage = null;
  }
}

self.onmessage = ({ data }) => ORDERS[data.do](data);
