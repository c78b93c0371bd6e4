// No source: the welcome, or why the source before could not be used. Its results stay for download.

import { announce } from "../dom.js";
import { setStatus, showBlank, showWelcome } from "../notices.js";
import { Mode } from "./mode.js";

export class IdleMode extends Mode {
  name = "idle";

  /**
   * @param {object} page
   * @param {{announcement?: string, problem?: {title: string, text: string, status: string}}} why
   */
  constructor(page, { announcement, problem } = {}) {
    super(page);
    Object.assign(this, { announcement, problem });
  }

  async enter() {
    const { announcement, problem } = this;
    this.page.stage.show(null, false);
    if (problem) {
      showBlank(problem.title, problem.text, { bad: true });
      setStatus("bad", problem.status);
      announce(`${problem.title}. ${problem.text}`);
    } else {
      showWelcome();
      setStatus("idle", "Ready");
      if (announcement) announce(announcement);
    }
  }
}
