// Encodes frames of the camera as JPEG and sends them to the server, away from the thread that draws.
// One frame is on its way at a time, so that no queue can grow anywhere.

import { Link } from "./link.js";

const QUALITY = 0.8;
const ANSWER_LIMIT = 4000;

let link = null;
let canvas = null;
let busy = 0;
let settings = {};
const sent = new Map();

const now = () => performance.timeOrigin + performance.now();

self.onmessage = ({ data }) => {
  if (data.do === "open") {
    settings = data.settings;
    link = new Link(data.url, { state, message });
  } else if (data.do === "frame") {
    send(data).catch(() => release());
  } else if (data.do === "settings") {
    settings = data.settings;
    sendSettings();
  } else if (data.do === "retry") {
    link?.retry();
  } else if (data.do === "close") {
    link?.close();
    self.close();
  }
};

function sendSettings() {
  link?.send(JSON.stringify({ type: "settings", ...settings }));
}

function state(name, about) {
  clearTimeout(busy);
  sent.clear();
  self.postMessage({ kind: "state", state: name, about });
  if (name === "open") {
    sendSettings();
    release();
  }
}

function release() {
  clearTimeout(busy);
  self.postMessage({ kind: "free" });
}

function message(text) {
  const received = now();
  const content = JSON.parse(text);
  if (content.seq !== undefined) {
    const start = sent.get(content.seq);
    sent.delete(content.seq);
    if (content.type === "result" || content.type === "error") clearTimeout(busy);
    self.postMessage({ kind: "message", content, sent: start, received });
  } else {
    self.postMessage({ kind: "message", content });
  }
}

async function send({ image, seq, time, width, height }) {
  if (!link?.open) {
    image.close();
    return;
  }
  if (canvas?.width !== width || canvas?.height !== height) canvas = new OffscreenCanvas(width, height);
  // The image is written once and read once: the graphics card's memory would only be a detour.
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  image.close();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  const head = new DataView(new ArrayBuffer(12));
  head.setUint32(0, seq);
  head.setFloat64(4, time);
  const whole = new Uint8Array(12 + blob.size);
  whole.set(new Uint8Array(head.buffer));
  whole.set(new Uint8Array(await blob.arrayBuffer()), 12);
  sent.set(seq, now());
  link?.send(whole);
  busy = setTimeout(release, ANSWER_LIMIT);
}
