// The server's own source: pictures and results come together, and each is acknowledged once it is on the screen.

import { address, Link } from "./link.js";

export class Watch {
  /**
   * @param {HTMLCanvasElement} canvas shows the pictures
   * @param {{result: Function, state: Function, settings: Function, problem: Function, source: Function, event: Function}} to
   */
  constructor(canvas, to) {
    this.canvas = canvas;
    this.to = to;
  }

  open() {
    this.link = new Link(address("v1/watch", document.baseURI), {
      state: this.to.state,
      message: (data) => (typeof data === "string" ? this.text(JSON.parse(data)) : this.picture(data)),
    });
  }

  text(content) {
    const told = { source: "source", event: "event", settings: "settings", error: "problem" }[content.type];
    if (told) this.to[told](content);
  }

  async picture(data) {
    const received = performance.timeOrigin + performance.now();
    const length = new DataView(data).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    try {
      const picture = await createImageBitmap(new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }));
      if (this.closed) return;
      if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
        this.canvas.width = picture.width;
        this.canvas.height = picture.height;
      }
      this.canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0);
      picture.close();
      this.to.result(head, { received });
    } finally {
      this.link?.send(JSON.stringify({ type: "ack", seq: head.seq }));
    }
  }

  /** Change settings for everybody who watches the source; on opening the server tells what is in force. */
  set(settings) {
    this.link?.send(JSON.stringify({ type: "settings", ...settings }));
  }

  retry() {
    this.link?.retry();
  }

  close() {
    this.closed = true;
    this.link?.close();
  }
}
