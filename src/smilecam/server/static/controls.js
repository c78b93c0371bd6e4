// Which buttons and cards belong to a mode.

import { $, setText } from "./dom.js";

export function setMain(icon, text) {
  $("main-icon").setAttribute("href", `#i-${icon}`);
  setText($("main-text"), text);
}

/** Show the controls of a mode that is about to be entered; those of a video come when it has been read. */
export function showControls(mode) {
  const { name } = mode;
  const press = (id, on) => $(id).setAttribute("aria-pressed", String(on));
  press("use-camera", name === "camera");
  press("use-source", name === "server");
  press("use-file", name === "image" || name === "video");
  const opened = name === "camera" || name === "sample";
  $("main").hidden = !opened;
  if (opened) setMain("stop", "Stop");
  $("flip").hidden = true; // until the cameras are known
  if (name === "video") setMain("play", "Play");
  $("player").hidden = $("seek-bar").hidden = true;
  $("mirror").hidden = name !== "camera" && name !== "idle";
  $("stats").hidden = !mode.live;
  $("warmth").hidden = !mode.live;
  $("booth-switch").hidden = $("chime").hidden = !mode.live && name !== "idle";
  $("photo").hidden = name === "image"; // it is one already
  $("timeline-card").hidden = name === "image";
  $("read-again").hidden = true;
  $("save-image").hidden = name === "idle" || name === "camera";
  $("photo").disabled = name === "idle";
}
