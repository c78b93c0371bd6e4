// The worker that detects faces in whole frames of streams, beside the one that reads them.

import { serveDetection } from "./reading/background.js";
import { Parts } from "./reading/parts.js";

let parts = null;

self.onmessage = ({ data }) => {
  if (data.do === "load") {
    parts = new Parts(data.base);
    self.postMessage("ready");
  } else if (data.do === "serve") serveDetection(data.port, parts);
};
