// The server's own source: images and results come together, and each pair is acknowledged once it is on the screen.

import { address, Link } from "./link.js";

export class ServerSource {
  /**
   * @param {HTMLCanvasElement} canvas shows the images
   * @param {{result: Function, state: Function, settings: Function, error: Function, source: Function, event: Function}} on
   */
  constructor(canvas, on) {
    this.canvas = canvas;
    this.on = on;
  }

  open() {
    this.link = new Link(address("v1/watch", document.baseURI), {
      state: this.on.state,
      message: (data) => (typeof data === "string" ? this.takeText(JSON.parse(data)) : this.takeImage(data)),
    });
  }

  takeText(content) {
    if (["source", "event", "settings", "error"].includes(content.type)) this.on[content.type](content);
  }

  async takeImage(data) {
    const received = performance.timeOrigin + performance.now();
    const length = new DataView(data).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    try {
      const image = await createImageBitmap(new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }));
      if (this.closed) {
        image.close();
        return;
      }
      const { width, height } = image;
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      this.canvas.getContext("2d", { alpha: false }).drawImage(image, 0, 0);
      image.close();
      this.on.result(head, { received });
    } finally {
      this.link?.send(JSON.stringify({ type: "ack", seq: head.seq }));
    }
  }

  /** Change settings for all viewers of the source; the server sends those in force when the connection opens. */
  set(settings) {
    this.link?.send(JSON.stringify({ type: "settings", ...settings }));
  }

  /** Play, pause or seek, for all viewers of a recorded video. */
  control(type, time) {
    this.link?.send(JSON.stringify(time === undefined ? { type } : { type, time }));
  }

  retry() {
    this.link?.retry();
  }

  close() {
    this.closed = true;
    this.link?.close();
  }
}
