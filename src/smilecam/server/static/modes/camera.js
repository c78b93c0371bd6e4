// The browser's own camera.

import { Camera, cameraProblem, openCamera } from "../camera.js";
import { $, announce, el } from "../dom.js";
import { isText, remember, remembered } from "../memory.js";
import { hideBlank, setStatus, showBlank } from "../notices.js";
import { LiveMode } from "./live.js";

const GONE = {
  title: "The camera went away", text: "It was unplugged, or another program took it. Start it again when it is back.", status: "No camera",
};

export class CameraMode extends LiveMode {
  name = "camera";

  /**
   * @param {object} page
   * @param {{device?: string, facing?: string}} [choice] of a camera; without it the last one, or the browser chooses
   * @param {string} [source] the name in the results
   */
  constructor(page, choice = {}, source = "camera") {
    super(page, source);
    this.choice = choice;
    this.cameras = [];
  }

  async openStream() {
    const { device, facing } = this.choice;
    if (device || facing) return openCamera(this.choice);
    try {
      return await openCamera({ device: remembered("camera", isText, "") });
    } catch (problem) {
      if (problem.name !== "OverconstrainedError") throw problem;
      return openCamera(); // the remembered one is not connected
    }
  }

  showOpening() {
    showBlank("Starting the camera", "The browser may ask whether this page may use it.", { actions: false });
  }

  async enter() {
    const { page, signal } = this;
    const { stage } = page;
    this.showOpening();
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
      await this.input.open(page.settings.wanted, () => this.openStream());
    } catch (error) {
      if (!this.left) page.idle({ problem: { ...cameraProblem(error), status: "No camera" } });
      return;
    }
    if (this.left) return;
    this.fit();
    hideBlank();
    setStatus("wait", "Connecting");
    await this.opened();
  }

  async opened() {
    announce("The camera is on");
    this.page.stage.setMirrorable(this.input.facing !== "environment"); // nobody looks at themselves by a camera that faces away
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
    this.cameras = cameras.map((camera) => camera.deviceId);
    $("camera-field").hidden = cameras.length < 2;
    $("flip").hidden = cameras.length < 2 && !(this.input.facing && matchMedia("(pointer: coarse)").matches);
    $("s-camera").replaceChildren(...cameras.map((camera, at) => el("option", { value: camera.deviceId }, camera.label || `Camera ${at + 1}`)));
    if (!this.input.device) return;
    $("s-camera").value = this.input.device;
    if (this.choice.device || this.choice.facing) remember("camera", this.input.device);
  }

  /** What the next camera is: of a phone the one that faces the other way, else the next in the list. */
  flipped() {
    const { facing, device } = this.input;
    if (facing) return { facing: facing === "user" ? "environment" : "user" };
    return { device: this.cameras[(this.cameras.indexOf(device) + 1) % this.cameras.length] };
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
