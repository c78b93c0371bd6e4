// The settings of streams, images and videos: defaults, checks, and what they come to. The counterpart of
// server/stream_settings.py.

import { Problem } from "./problem.js";

export const POINTS = ["balanced", "accuracy", "precision"];
const NAMES = ["model", "policy", "operating_point", "detector"];

/** The settings while nobody has chosen any. */
export function defaults(description) {
  const [model] = description.models;
  return {
    model: model.name, policy: model.policies[0].name, operating_point: description.operating_point,
    detector: description.available[0], threshold: null, ...description.decision,
  };
}

/** Take some settings anew and keep the others. */
export function changed(description, settings, wanted) {
  const values = { ...settings };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined || name === "type") continue;
    if (NAMES.includes(name)) values[name] = value;
    else if (name === "threshold") values[name] = value === null ? null : number(name, value, 1);
    else if (name in description.largest) values[name] = number(name, value, description.largest[name]);
    else if (name === "relative") values[name] = Boolean(value);
    else throw new Problem("bad_settings", "There is no such setting.");
  }
  const model = choose("model", values.model, description.models.map((one) => one.name));
  const policies = description.models.find((one) => one.name === model).policies.map((one) => one.name);
  if (!("policy" in wanted) && !policies.includes(values.policy)) [values.policy] = policies;
  choose("policy", values.policy, policies);
  choose("operating point", values.operating_point, POINTS);
  choose("detector", values.detector, description.available);
  return values;
}

function number(name, value, most) {
  if (typeof value === "number" && value >= 0 && value <= most) return value;
  throw new Problem("bad_settings", `${name} is not a number from 0 to ${most}.`);
}

function choose(name, value, known) {
  if (known.includes(value)) return value;
  throw new Problem("bad_settings", `There is no such ${name}: choose ${known.join(", ")}.`);
}

/** The probability from which a face is called smiling. */
export function thresholdOf(description, { model, policy, operating_point: point, threshold }) {
  if (threshold != null) return threshold;
  const { policies } = description.models.find((one) => one.name === model);
  return policies.find((one) => one.name === policy).thresholds[point];
}

/** When smiles begin and end. */
export const decisionOf = ({ smoothing, hysteresis, min_smile, min_pause, relative }) => ({ smoothing, hysteresis, min_smile, min_pause, relative });
