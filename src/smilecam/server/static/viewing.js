// How large the image is: beside the other cards, across the page (theatre), or on the full screen; with its controls in each.

import { $, announce } from "./dom.js";
import { isSwitch, remember, remembered } from "./memory.js";

const pressed = (id) => $(id).getAttribute("aria-pressed") === "true";

function setTheatre(on) {
  $("theatre").setAttribute("aria-pressed", String(on));
  document.querySelector(".layout").classList.toggle("theatre", on);
}

export function toggleTheatre() {
  if (!$("theatre").offsetParent) return; // a narrow page shows the image as wide as it goes
  setTheatre(!pressed("theatre"));
  remember("theatre", pressed("theatre"));
  announce(`Theatre ${pressed("theatre") ? "on" : "off"}`);
}

/** Where the browser gives only videos its full screen (phones of Apple), the card fills the window instead. */
export function toggleFullScreen() {
  const card = $("stage-card");
  if (document.fullscreenElement) document.exitFullscreen();
  else if (document.fullscreenEnabled) card.requestFullscreen().catch(() => fill(true));
  else fill(!card.classList.contains("filled"));
}

function fill(on) {
  $("stage-card").classList.toggle("filled", on);
  showState();
}

function showState() {
  const on = Boolean(document.fullscreenElement) || $("stage-card").classList.contains("filled");
  $("full").setAttribute("aria-pressed", String(on));
}

export function wireViewing() {
  setTheatre(remembered("theatre", isSwitch, false));
  $("theatre").addEventListener("click", toggleTheatre);
  $("full").addEventListener("click", toggleFullScreen);
  document.addEventListener("fullscreenchange", showState);
  document.addEventListener("keydown", (event) => event.key === "Escape" && fill(false));
}
