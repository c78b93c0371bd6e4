// One slider for how much of a smile is enough. Its steps are operating points of the model, and thresholds around them.

import { $, percent, setText } from "./dom.js";

/** From few false smiles to few missed ones; `threshold` is what a step comes to, given those of the operating points. */
const STEPS = [
  { name: "Clear smiles only", point: "precision", threshold: ({ precision }) => precision },
  { name: "Mostly clear smiles", threshold: ({ balanced, precision }) => (balanced + precision) / 2 },
  { name: "Balanced", point: "balanced", threshold: ({ balanced }) => balanced },
  { name: "Faint smiles too", threshold: ({ balanced }) => 0.6 * balanced },
  { name: "The faintest smiles", threshold: ({ balanced }) => 0.3 * balanced },
];
const SAME = 0.006;

export class Sensitivity {
  /** @param {(settings: {operating_point?: string, threshold: ?number}) => void} chosen called with what a step means */
  constructor(chosen) {
    this.input = $("s-sensitivity");
    this.output = $("s-sensitivity-out");
    this.thresholds = null;
    let waiting = 0;
    this.input.addEventListener("input", () => {
      if (!this.thresholds) return;
      const step = STEPS[this.input.value - 1];
      const threshold = Number(step.threshold(this.thresholds).toFixed(2));
      this.describe(step.name, step.point ? step.threshold(this.thresholds) : threshold);
      clearTimeout(waiting);
      waiting = setTimeout(() => chosen(step.point ? { operating_point: step.point, threshold: null } : { threshold }), 60);
    });
  }

  /**
   * Show what is in force.
   * @param {?Object<string, number>} thresholds of the operating points of the chosen model and policy
   * @param {?number} threshold in force
   */
  show(thresholds, threshold) {
    this.thresholds = thresholds;
    this.input.disabled = !thresholds;
    if (!thresholds || threshold == null || this.input.matches(":active")) return;
    const distances = STEPS.map((step) => Math.abs(step.threshold(thresholds) - threshold));
    const nearest = distances.indexOf(Math.min(...distances));
    this.input.value = String(nearest + 1);
    this.describe(distances[nearest] < SAME ? STEPS[nearest].name : "Custom", threshold);
  }

  describe(name, threshold) {
    const text = `${name}, from ${percent(threshold)}`;
    setText(this.output, text);
    this.input.setAttribute("aria-valuetext", text);
  }
}
