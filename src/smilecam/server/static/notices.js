// Texts about the state of the page: the status, the note above the image, and the screen in place of an image.

import { $, setText } from "./dom.js";

const WARNING_STANDS = 6000;

let warning = null;
let timer = 0;

/** @param {"idle" | "wait" | "live" | "bad"} state */
export function setStatus(state, text) {
  $("status").dataset.state = state;
  setText($("status-text"), text);
}

/** Show a note, with a button where there is an action; no text hides it. */
export function note(text, { action, label, info = false } = {}) {
  $("note").hidden = !text;
  $("note").classList.toggle("info", info);
  setText($("note-text"), text ?? "");
  $("note-action").hidden = !action;
  if (action) {
    setText($("note-action"), label);
    $("note-action").onclick = action;
  }
}

/** Show an error that the server sent, for a while. */
export function warn(text) {
  warning = text;
  note(text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    warning = null;
    if ($("note-text").textContent === text) note(null);
  }, WARNING_STANDS);
}

/** The warning that stands or stood a moment ago, or null. */
export const recentWarning = () => warning;

export function clearNotes() {
  clearTimeout(timer);
  warning = null;
  note(null);
}

/** Show a text in place of the image. */
export function showBlank(title, text, { bad = false, actions = true, progress = false } = {}) {
  $("blank").hidden = false;
  setText($("blank-title"), title);
  setText($("blank-text"), text);
  $("blank-icon").hidden = progress;
  $("blank-icon").classList.toggle("bad", bad);
  $("blank-icon").querySelector("use").setAttribute("href", bad ? "#i-warn" : "#i-smile");
  for (const id of ["blank-actions", "blank-try", "blank-privacy"]) $(id).hidden = !actions;
  $("progress").hidden = !progress;
}

export function hideBlank() {
  $("blank").hidden = true;
}

export function showWelcome() {
  showBlank("See a smile as it happens", "Start the camera, or drop images or a video here.");
}

/** Show how much of a video has been read, on the blank screen. */
export function showProgress(share, text) {
  const whole = Math.floor(100 * share);
  $("progress-bar").setAttribute("aria-valuenow", String(whole));
  $("progress-fill").style.width = `${whole}%`;
  setText($("progress-text"), text);
}
