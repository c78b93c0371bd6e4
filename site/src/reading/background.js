// Detection in whole images, beside the frames: in another worker for a stream, or at once for a video.

import { detectInRegions } from "../detection/motion.js";

/** Of the time, for detection: the rest is left to the frames. */
const MAX_SHARE = 0.5;

const detect = (detector, grey, regions) => (regions ? detectInRegions(detector, grey, regions) : detector.detect(grey));

let orders = 0;

/** Asks the detection worker, and goes on meanwhile. */
export class RemoteDetection {
  /** @param {MessagePort} port of the detection worker, for this stream alone */
  constructor(port, detector) {
    Object.assign(this, { port, detector });
    this.seconds = 0;
    port.onmessage = ({ data }) => this.take(data);
  }

  submit(grey, regions, nobodyKnown) {
    this.order = { done: false, faces: [] };
    this.number = orders += 1;
    this.port.postMessage({ number: this.number, detector: this.detector, use: nobodyKnown ? "thorough" : "stream", grey, regions });
    return this.order;
  }

  take({ number, faces, seconds }) {
    if (number !== this.number) return; // ordered before the detector was changed
    this.seconds = seconds;
    Object.assign(this.order, { faces, done: true });
  }

  interval(seconds) {
    return Math.max(seconds, this.seconds / MAX_SHARE);
  }
}

/** Detects at once; `settled` is awaited before the next frame. */
export class ImmediateDetection {
  constructor(detector, thorough) {
    Object.assign(this, { detector, thorough });
    this.settled = Promise.resolve();
  }

  submit(grey, regions, nobodyKnown) {
    const order = { done: false, faces: [] };
    this.settled = detect(nobodyKnown ? this.thorough : this.detector, grey, regions).then((faces) => {
      Object.assign(order, { faces, done: true });
    });
    return order;
  }
}

/** The other end of `RemoteDetection`, in the detection worker. */
export function serveDetection(port, parts) {
  port.onmessage = async ({ data: { number, detector, use, grey, regions } }) => {
    const began = performance.now();
    const faces = await detect(await parts.detector(detector, use), grey, regions).catch(() => []);
    port.postMessage({ number, faces, seconds: (performance.now() - began) / 1000 });
  };
}
