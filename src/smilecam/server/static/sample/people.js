// Drawn people in front of a wall, side by side: for the example pictures and the sample clip.

import { BOX_SIDE, drawBust, EDGES, PEOPLE } from "./face-drawing.js";

const STEPS = 10;
const WALL = [146, 163, 174];
const DARKEST = 0.75;
const HEIGHT = 0.47; // of the faces' middles, in the image

export class DrawnPeople {
  /**
   * @param {HTMLCanvasElement} canvas of the size that is wanted
   * @param {Array<number>} people indices of PEOPLE, from left to right
   */
  constructor(canvas, people) {
    Object.assign(this, { canvas, people });
    this.context = canvas.getContext("2d", { alpha: false });
    this.scale = Math.min(0.42 * canvas.height, (0.7 * canvas.width) / people.length) / BOX_SIDE;
    this.busts = new Map();
  }

  /** Draw neutral faces and smiles, and then what is between them, leaving the page time after each. */
  prepare() {
    const between = Array.from({ length: STEPS - 1 }, (_, at) => at + 1);
    for (const step of [0, STEPS]) for (const person of this.people) this.drawOnce(person, step);
    const later = between.flatMap((step) => this.people.map((person) => [person, step]));
    const next = () => {
      if (!later.length) return;
      this.drawOnce(...later.shift());
      setTimeout(next, 20);
    };
    setTimeout(next, 20);
  }

  drawOnce(person, step) {
    const steps = this.busts.get(person) ?? new Map();
    this.busts.set(person, steps);
    if (steps.has(step)) return;
    const image = drawBust(this.scale, step / STEPS, PEOPLE[person]);
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    canvas.getContext("2d").putImageData(image, 0, 0);
    steps.set(step, canvas);
  }

  /** A person, with the nearest smile that has been drawn. */
  bust(person, step) {
    if (!this.busts.get(person)?.size) this.drawOnce(person, step);
    const steps = this.busts.get(person);
    const nearest = [...steps.keys()].reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best));
    return steps.get(nearest);
  }

  /**
   * Draw all of them.
   * @param {Array<number>} smiles of each, from 0 to 1
   * @param {number} time in seconds: they drift a little
   */
  draw(smiles, time = 0) {
    const { canvas: { width, height }, context, people, scale } = this;
    const wall = context.createLinearGradient(0, 0, 0, height);
    for (const [at, light] of [[0, 1], [1, DARKEST]]) wall.addColorStop(at, `rgb(${WALL.map((part) => part * light).join(" ")})`);
    context.fillStyle = wall;
    context.fillRect(0, 0, width, height);
    people.forEach((person, at) => {
      const across = 0.06 * Math.sin(2 * Math.PI * (time / 5 + at / 3));
      const down = 0.025 * Math.sin(2 * Math.PI * (time / 3 + at / 4));
      const x = (width * (at + 0.5)) / people.length + (across * BOX_SIDE + EDGES.left) * scale;
      const y = height * HEIGHT + (down * BOX_SIDE + EDGES.top) * scale;
      const bust = this.bust(person, Math.round(smiles[at] * STEPS));
      context.drawImage(bust, x, y);
      context.drawImage(bust, 0, bust.height - 1, bust.width, 1, x, y + bust.height - 1, bust.width, height - y - bust.height + 1); // the shirt goes on
    });
  }
}
