// What to try without a camera: buttons for the sample clip and the examples, each with a small drawing.

import { el, icon } from "../dom.js";
import { drawExample, EXAMPLES, exampleFile } from "./examples.js";

const THUMB = { width: 128, height: 96 };
const CLIP = { people: [0, 1], smiles: [1, 0] };

/**
 * @param {HTMLElement} list for the buttons
 * @param {{playClip: () => void, openFile: (file: File) => void}} on called when one is chosen
 */
export function showExamples(list, { playClip, openFile }) {
  const [clip, clipThumb] = button("Sample clip");
  clip.append(icon("play"));
  clip.addEventListener("click", playClip);
  const thumbs = [[CLIP, clipThumb]];
  const examples = EXAMPLES.map((example) => {
    const [made, thumb] = button(example.name);
    made.addEventListener("click", async () => openFile(await exampleFile(example)));
    thumbs.push([example, thumb]);
    return made;
  });
  list.replaceChildren(...[clip, ...examples].map((one) => el("li", {}, one)));
  drawNext(thumbs);
}

function button(text) {
  const thumb = el("canvas", { ...THUMB, "aria-hidden": "true" });
  return [el("button", { type: "button" }, thumb, el("span", {}, text)), thumb];
}

/** Draw one after the other, so that the page stays quick. */
function drawNext([next, ...rest]) {
  if (!next) return;
  setTimeout(() => {
    drawExample(...next);
    drawNext(rest);
  });
}
