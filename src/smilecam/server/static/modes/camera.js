// The browser's own camera.

import { Camera, cameraProblem } from "../camera.js";
import { $, announce, el } from "../dom.js";
import { hideBlank, setStatus, showBlank } from "../notices.js";
import { LiveMode } from "./live.js";

const GONE = {
  title: "The camera went away", text: "It was unplugged, or another program took it. Start it again when it is back.", status: "No camera",
};

export class CameraMode extends LiveMode {
  name = "camera";

  /**
   * @param {object} page
   * @param {string} [device] its id; without it the browser chooses
   */
  constructor(page, device) {
    super(page, "camera");
    this.device = device;
  }

  async enter() {
    const { page, signal } = this;
    const { stage } = page;
    showBlank("Starting the camera", "The browser may ask whether this page may use it.", { actions: false });
    setStatus("wait", "Starting");
    stage.show(stage.video, true);
    stage.video.addEventListener("resize", () => this.fit(), { signal });
    this.input = new Camera(stage.video, {
      ...this.handlers(),
      result: this.whileHere((result, times) => this.take(result, times, this.input.seconds(times.received - performance.timeOrigin))),
      wantsImage: () => page.booth.armed,
      frame: this.whileHere((time) => stage.draw(this.motion.at(time))),
      ended: this.whileHere(() => page.idle({ problem: GONE })),
    });
    try {
      await this.input.open(page.settings.wanted, this.device);
    } catch (error) {
      if (!this.left) page.idle({ problem: { ...cameraProblem(error), status: "No camera" } });
      return;
    }
    if (this.left) return;
    this.fit();
    hideBlank();
    setStatus("wait", "Connecting");
    announce("The camera is on");
    await this.listCameras();
  }

  fit() {
    const { stage } = this.page;
    stage.fit(stage.video.videoWidth, stage.video.videoHeight);
  }

  /** Offer the cameras that there are, where there is a choice. */
  async listCameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (this.left) return;
    const cameras = devices.filter((device) => device.kind === "videoinput");
    $("camera-field").hidden = cameras.length < 2;
    $("s-camera").replaceChildren(...cameras.map((camera, at) => el("option", { value: camera.deviceId }, camera.label || `Camera ${at + 1}`)));
    if (this.input.device) $("s-camera").value = this.input.device;
  }

  settingsChanged(wanted) {
    this.input.set(wanted);
  }

  refresh() {
    this.page.results.stats.show(this.input);
  }

  pressMain() {
    this.page.idle({ announcement: "The camera is off" });
  }
}
