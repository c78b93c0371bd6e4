// Example pictures, drawn when they are asked for: a smile, none, and three people of whom two smile.

import { DrawnPeople } from "./people.js";

const SIZE = { width: 800, height: 600 };

export const EXAMPLES = [
  { name: "A smile", people: [2], smiles: [1] },
  { name: "No smile", people: [1], smiles: [0] },
  { name: "Three people", people: [0, 1, 2], smiles: [1, 0, 1] },
];

/** Draw an example into a canvas of any size. */
export function drawExample({ people, smiles }, canvas) {
  new DrawnPeople(canvas, people).draw(smiles);
  return canvas;
}

/** An example as an image file. */
export async function exampleFile(example) {
  const canvas = drawExample(example, Object.assign(document.createElement("canvas"), SIZE));
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  return new File([blob], `example ${example.name.toLowerCase()}.png`, { type: "image/png" });
}
