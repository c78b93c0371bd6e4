// The browser's own camera: opens it, sends its newest frame whenever the one before has been answered.

import { engine } from "./engine.js";

const LONGEST_SIDE = 640;

/** Why a camera did not open, as texts for the page. */
export function cameraProblem(error) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    return {
      title: "The browser keeps the camera closed here",
      text: "Browsers open the camera only for pages on this computer (127.0.0.1 or localhost) or over https. "
        + `${engine.secureHint} Images and videos from files work here too.`,
    };
  }
  const texts = {
    NotAllowedError: ["The camera was refused",
      "Allow the camera for this page in the browser's address bar or settings, then start again."],
    SecurityError: ["The camera was refused", "This browser, or whoever manages it, does not allow cameras on this page."],
    NotFoundError: ["No camera found", "Connect a camera and start again, or open an image or a video."],
    NotReadableError: ["The camera is in use", "Another program or page holds the camera. Close it there and start again."],
    AbortError: ["The camera did not start", "Something stopped it from starting. Start it again."],
    OverconstrainedError: ["This camera is gone", "The camera that was chosen is not connected any more. Start again to use another one."],
  };
  const [title, text] = texts[error?.name] ?? ["The camera did not start", "The browser gave no reason that this page knows."];
  return { title, text };
}

/** Call back for every new frame of a video element, until the function that is returned is called. */
export function onFrames(video, callback) {
  let on = true;
  let shown = -1;
  const step = (now, about) => {
    if (!on) return;
    if (about?.mediaTime !== undefined) callback(now, about);
    else if (video.currentTime !== shown) {
      shown = video.currentTime;
      callback(now, { mediaTime: shown });
    }
    ask();
  };
  const ask = () => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(step) : requestAnimationFrame(step));
  ask();
  return () => { on = false; };
}

/**
 * Open a camera.
 * @param {{device?: string, facing?: "user" | "environment"}} [choice] its id, or where it faces; else the browser chooses
 * @returns {Promise<MediaStream>}
 */
export async function openCamera({ device, facing } = {}) {
  const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  if (device) wanted.deviceId = { exact: device };
  if (facing) wanted.facingMode = { ideal: facing };
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "SecurityError");
  return navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
}

export class Camera {
  /**
   * @param {HTMLVideoElement} video shows the camera
   * @param {{result: Function, frame: Function, state: Function, settings: Function, error: Function, ended: Function, wantsImage: Function}} on
   *   called with results, with each new frame on the screen, with the state of the connection, with the settings in
   *   force, with errors that the server sent, and when the camera has ended; and asked whether the image of a result is wanted
   */
  constructor(video, on) {
    this.video = video;
    this.on = on;
    this.seq = 0;
    this.shown = 0;
    this.taken = 0;
    this.free = false;
    this.fresh = false;
    this.lastTime = 0;
  }

  /**
   * @param {object} settings
   * @param {() => Promise<MediaStream>} openStream opens what is shown: a camera, or something that plays like one
   */
  async open(settings, openStream) {
    this.stream = await openStream();
    if (this.closed) {
      this.stopTracks();
      return;
    }
    const [track] = this.stream.getVideoTracks();
    const { deviceId, facingMode } = track.getSettings();
    Object.assign(this, { device: deviceId, facing: facingMode });
    track.addEventListener("ended", () => this.closed || this.on.ended());
    this.video.srcObject = this.stream;
    await this.video.play();
    if (this.closed) return;
    this.begun = performance.now();
    this.worker = engine.openStream(settings);
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.stopFrames = onFrames(this.video, (now, about) => this.newFrame(now, about));
  }

  newFrame(now, about) {
    this.shown += 1;
    this.fresh = true;
    this.captured = about.captureTime ?? now;
    this.on.frame(this.seconds(this.captured));
    this.grab();
  }

  /** Seconds of the stream's clock, which begins with the camera. */
  seconds(moment) {
    return Math.max(0, (moment - this.begun) / 1000);
  }

  /** Send the newest frame, if there is one that was not sent and the engine is waiting for one. */
  grab() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!this.free || !this.fresh || this.closed || !width || document.hidden) return;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    const time = Math.max(this.seconds(this.captured), this.lastTime + 0.001);
    this.free = this.fresh = false;
    this.lastTime = time;
    this.taken += 1;
    const order = {
      do: "frame", seq: (this.seq += 1), time, width: Math.round(width * scale), height: Math.round(height * scale),
    };
    this.grabbed = performance.timeOrigin + performance.now();
    this.image().then(async (image) => {
      if (this.on.wantsImage()) await this.keep(order.seq, image);
      if (this.closed) image.close();
      else this.worker.postMessage({ ...order, image }, [image]);
    }).catch(() => { this.free = true; });
  }

  /** Keep a copy of the image that is about to be sent, until its result is here. */
  async keep(seq, image) {
    this.dropKept();
    this.kept = { seq, image: image.clone?.() ?? await createImageBitmap(image) };
  }

  keptImage(seq) {
    return this.kept?.seq === seq ? this.kept.image : undefined;
  }

  dropKept() {
    this.kept?.image.close();
    this.kept = null;
  }

  async image() {
    try {
      return new VideoFrame(this.video, { timestamp: 0 });
    } catch { // not every browser has it, or takes it from a camera
      return createImageBitmap(this.video);
    }
  }

  receive(data) {
    if (this.closed) return;
    if (data.kind === "free") {
      this.free = true;
      this.grab();
    } else if (data.kind === "state") {
      if (data.state !== "open") this.free = false;
      this.on.state(data.state, data.about);
    } else if (data.content.type === "result") {
      this.free = true;
      const image = this.keptImage(data.content.seq);
      this.on.result(data.content, { grabbed: this.grabbed, sent: data.sent, received: data.received, image });
      this.dropKept();
      this.grab();
    } else if (data.content.type === "error") {
      this.on.error(data.content);
      if (data.content.seq !== undefined) this.free = true;
    } else if (data.content.type === "settings") {
      this.on.settings(data.content);
    }
  }

  set(settings) {
    this.worker?.postMessage({ do: "settings", settings });
  }

  retry() {
    this.worker?.postMessage({ do: "retry" });
  }

  stopTracks() {
    this.stream?.getTracks().forEach((track) => track.stop());
  }

  close() {
    this.closed = true;
    this.stopFrames?.();
    this.stopTracks();
    this.dropKept();
    this.worker?.postMessage({ do: "close" });
    this.video.srcObject = null;
  }
}
