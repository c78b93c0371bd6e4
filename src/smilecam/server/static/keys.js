// Keys, and files that are dropped on the page.

import { $ } from "./dom.js";

/**
 * @param {Object<string, () => void>} actions by key; a capital letter is one with Shift
 * @param {() => boolean} seekable whether the space bar plays and pauses
 */
export function wireKeys(actions, seekable) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !$("keys-on").checked || document.querySelector("dialog[open]")) return;
    const { key, target } = event;
    if (target.closest("input:not([type=checkbox], #seek), select, textarea")) return;
    if (key === " " && (!seekable() || target.closest("button, summary, a, input[type=checkbox]"))) return;
    if (key.startsWith("Arrow") && target.closest("[role=slider], #events, #seek")) return;
    const act = actions[key] ?? actions[key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {(files: FileList) => void} open called with files that were dropped */
export function wireDrop(open) {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    $("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").hidden = true; });
  addEventListener("drop", (event) => {
    $("drop").hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    open(event.dataTransfer.files);
  });
}
