// The engine: what reads images, videos and the camera's frames for the page. Here it is the smilecam server. The page
// without a server (site/) puts its own engine.js in place of this file. So api.js, link.js, server-source.js and
// camera-worker.js belong to this engine: nothing else imports them, and nothing else speaks of a server.

import { detect, enterToken, models, onLocked, readVideo } from "./api.js";
import { address } from "./link.js";
import { ServerSource } from "./server-source.js";

const local = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);

export const engine = {
  /** What the engine is called in messages, and in the status while it does not answer. */
  name: "server",
  lostStatus: "No server",

  /** Above the time that it takes for a frame, among the live stats. */
  statsLabel: "Server",

  /** Where images go, for the foot of the page. */
  privacy: `Images go to ${local ? "this smilecam server" : `the smilecam server ${location.hostname}`} and nowhere else. Nothing is stored.`,

  /** What opens the camera where the address of the page is not secure. */
  secureHint: "Start the server with --ssl-certfile and --ssl-keyfile, or open the page on the server's own computer.",

  /** The models and detectors to choose from, the settings in force, the limits, and the engine's own source or null. */
  offered: models,

  /** Have a function called when the server needs another token; an engine without tokens has neither. */
  onLocked,

  /** Show the server a token. */
  enterToken,

  /** Read one image; see api.js. */
  detect,

  /** Read a video; see api.js. */
  readVideo,

  /**
   * Begin a stream of frames of the page's camera.
   * @param {object} settings
   * @returns {Worker} takes and sends the messages of camera-worker.js
   */
  openStream(settings) {
    const worker = new Worker(new URL("./camera-worker.js", import.meta.url), { type: "module" });
    worker.postMessage({ do: "open", url: address("v1/stream", document.baseURI), settings });
    return worker;
  },

  /** Begin to show the engine's own source, which `offered` has named; the arguments are those of `ServerSource`. */
  openSource: (canvas, on) => new ServerSource(canvas, on),
};
