// The sample clip: like a camera, but drawn, so that nothing has to be allowed.

import { announce } from "../dom.js";
import { showBlank } from "../notices.js";
import { SampleClip } from "../sample/clip.js";
import { CameraMode } from "./camera.js";

export class SampleMode extends CameraMode {
  name = "sample";

  constructor(page) {
    super(page, {}, "sample clip");
  }

  showOpening() {
    showBlank("Drawing the sample clip", "Two people of nobody's, who smile one after the other.", { actions: false });
  }

  openStream() {
    return new SampleClip().open();
  }

  async opened() {
    announce("The sample clip plays");
    this.page.stage.setMirrorable(false);
  }

  pressMain() {
    this.page.idle({ announcement: "The sample clip is off" });
  }
}
