// The engine of the page without a server: takes the place of server/static/engine.js, and reads everything in workers of
// this browser.

import { Problem } from "./problem.js";
import { defaults, thresholdOf } from "./settings.js";

/** The folder with models and workers. */
const BASE = new URL("../engine/", import.meta.url).href;

/** A worker, and a promise of its first message, which says that it runs. */
function start(name) {
  const made = new Worker(new URL(name, BASE), { type: "module" });
  const ready = new Promise((resolve, reject) => {
    made.onmessage = resolve;
    made.onerror = () => reject(new Problem("no_worker", "A part of this page did not load. Load the page again."));
  });
  ready.catch(() => {}); // `offered` reports it
  made.postMessage({ do: "load", base: BASE });
  return [made, ready];
}

const [worker, workerReady] = start("worker.js");
const [detection, detectionReady] = start("detection-worker.js");

/** A port whose other end a worker gets with an order. */
function send(to, order, transfer = []) {
  const { port1, port2 } = new MessageChannel();
  to.postMessage({ ...order, port: port2 }, [port2, ...transfer]);
  return port1;
}

/** Have the worker read a file; an abort is an AbortError. */
function ask(order, signal, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const port = send(worker, order);
    const done = (settle, value) => {
      port.close();
      settle(value);
    };
    port.onmessage = ({ data }) => {
      if (data.result) done(resolve, data.result);
      else if (data.problem) done(reject, new Problem(data.problem.code, data.problem.message));
      else progress(data.share, `${Math.floor(100 * data.share)} %, ${data.frames.toLocaleString("en")} frames read`);
    };
    signal?.addEventListener("abort", () => {
      port.postMessage("stop");
      done(reject, new DOMException("", "AbortError"));
    }, { once: true });
  });
}

async function offered() {
  const response = await fetch(new URL("models.json", BASE)).catch(() => null);
  if (!response?.ok) throw new Problem("no_file", "The models of this page did not load.");
  const description = await response.json();
  await Promise.all([workerReady, detectionReady]);
  const settings = defaults(description);
  const models = description.models.map(({ name, version, input, policies }) => ({
    name, version, size: input.size,
    policies: policies.map((policy) => ({ name: policy.name, threshold: policy.thresholds.balanced, thresholds: policy.thresholds })),
  }));
  const inForce = { ...settings, threshold_in_force: thresholdOf(description, settings) };
  return { models, detectors: description.available, default: inForce, source: null, limits: { max_pixels: 25_000_000 } };
}

export const engine = {
  name: "engine",
  lostStatus: "Not ready",
  statsLabel: "This browser",
  privacy: "Everything happens in this browser: images go nowhere. Nothing is stored.",
  secureHint: "Open this page over https, or on this computer.",

  offered,

  detect: (file, settings, signal) => ask({ do: "image", file, settings }, signal),

  readVideo(file, settings, progress, signal) {
    progress(0, "Loading the video");
    return ask({ do: "video", file, settings }, signal, progress);
  },

  openStream(settings) {
    const { port1, port2 } = new MessageChannel();
    detection.postMessage({ do: "serve", port: port2 }, [port2]);
    const port = send(worker, { do: "stream", detection: port1 }, [port1]);
    port.postMessage({ do: "open", settings });
    return port;
  },
};

// Once everything is kept, the page opens without a network, too.
if ("serviceWorker" in navigator) navigator.serviceWorker.register(new URL("../service-worker.js", import.meta.url));
