// The settings: what the server offers, what is wanted, and what is in force.

import { $, el, percent, setText } from "./dom.js";
import { forget, isText, remember, remembered } from "./memory.js";
import { Sensitivity } from "./sensitivity.js";

const TEXTS = {
  broad: "Any visible smile (broad)", strict: "Clear smiles only (strict)", haar: "Haar cascade", yunet: "YuNet (small and turned faces)",
};

const isShare = (value) => typeof value === "number" && value >= 0 && value <= 1;
const POINTS = ["balanced", "accuracy", "precision"];

/** What may be remembered of the settings, each by its name. Names that the server does not offer are dropped later. */
const VALID = {
  model: isText, policy: isText, detector: isText, operating_point: (value) => POINTS.includes(value),
  threshold: (value) => value === null || isShare(value), smoothing: isShare,
};

function rememberedSettings() {
  const stored = remembered("settings", (value) => typeof value === "object" && value !== null, {});
  return Object.fromEntries(Object.entries(VALID).filter(([name, isValid]) => isValid(stored[name])).map(([name]) => [name, stored[name]]));
}

export class Settings {
  /** @param {(wanted: object, changes: object) => void} changed called with all that is wanted, and what is new of it */
  constructor(changed) {
    this.changed = changed;
    this.wanted = rememberedSettings();
    this.models = [];
    this.sensitivity = new Sensitivity((settings) => this.set(settings));
    $("settings-form").addEventListener("submit", (event) => event.preventDefault());
    const choose = (id, take) => $(id).addEventListener("change", () => take($(id).value));
    choose("s-model", (model) => this.set({ model, policy: this.fittingPolicy(model) }));
    choose("s-policy", (policy) => this.set({ policy }));
    choose("s-detector", (detector) => this.set({ detector }));
    choose("s-point", (point) => {
      if (point === "own") this.set({ threshold: Number($("s-threshold").value) / 100 });
      else this.set({ operating_point: point, threshold: null });
    });
    this.slider("s-threshold", (value) => this.set({ threshold: value / 100 }), (value) => percent(value / 100));
    this.slider("s-smoothing", (smoothing) => this.set({ smoothing }), (value) => `${Number(value).toFixed(2)} s`);
  }

  slider(id, take, textOf) {
    let waiting = 0;
    const input = $(id);
    this[id] = textOf;
    input.addEventListener("input", () => {
      setText($(`${id}-out`), textOf(input.value));
      clearTimeout(waiting);
      waiting = setTimeout(() => take(Number(input.value)), 60);
    });
  }

  fittingPolicy(model) {
    const names = this.policies(model);
    const now = $("s-policy").value;
    return names.includes(now) ? now : names[0];
  }

  policies(model) {
    return (this.models.find((one) => one.name === model)?.policies ?? []).map((policy) => policy.name);
  }

  /** What the server offers. */
  offer(offered) {
    this.models = offered.models;
    this.defaults = offered.default;
    this.drop("model", offered.models.map((model) => model.name));
    this.drop("policy", this.policies(this.wanted.model ?? offered.default.model));
    this.drop("detector", offered.detectors);
    options($("s-model"), offered.models.map((model) => [model.name, `${model.name} ${model.version ?? ""}`.trim()]));
    options($("s-detector"), offered.detectors.map((name) => [name, TEXTS[name] ?? name]));
    this.show({ ...offered.default, threshold_in_force: undefined, ...this.wanted }); // it is that of the defaults alone
  }

  drop(name, offered) {
    if (!offered.includes(this.wanted[name])) delete this.wanted[name];
  }

  /** Go back to the server's defaults, and forget all that was set on this page. */
  reset() {
    const defaults = Object.fromEntries(Object.keys(VALID).map((name) => [name, this.defaults?.[name]]));
    this.set(defaults);
    this.wanted = {};
    forget();
  }

  /** Thresholds of the operating points of the chosen model and policy. */
  thresholds() {
    const model = this.models.find((one) => one.name === $("s-model").value);
    return model?.policies.find((one) => one.name === $("s-policy").value)?.thresholds;
  }

  /** The threshold that what is chosen comes to, by the models' list. */
  thresholdNow() {
    if ($("s-point").value === "own") return Number($("s-threshold").value) / 100;
    return this.thresholds()?.[$("s-point").value];
  }

  set(changes) {
    Object.assign(this.wanted, changes);
    for (const name of Object.keys(this.wanted)) if (this.wanted[name] === undefined) delete this.wanted[name];
    remember("settings", this.wanted);
    this.show(this.wanted);
    this.changed(this.wanted, changes);
  }

  /** Show the values that are in force. */
  show(values) {
    const select = (id, value) => { if (value != null) $(id).value = value; };
    select("s-model", values.model);
    options($("s-policy"), this.policies($("s-model").value).map((name) => [name, TEXTS[name] ?? name]));
    select("s-policy", values.policy);
    select("s-detector", values.detector);
    if ("threshold" in values || values.operating_point) {
      const own = values.threshold != null;
      select("s-point", own ? "own" : values.operating_point);
    }
    this.put("s-threshold", values.threshold_in_force ?? values.threshold, 100);
    this.put("s-smoothing", values.smoothing, 1);
    this.sensitivity.show(this.thresholds(), values.threshold_in_force ?? values.threshold ?? this.thresholdNow());
  }

  put(id, value, scale) {
    if (value == null) return;
    const input = $(id);
    if (document.activeElement !== input || !input.matches(":active")) input.value = String(value * scale);
    setText($(`${id}-out`), this[id](value * scale));
  }
}

function options(select, wanted) {
  const now = [...select.options].map((option) => option.value);
  if (now.join("\n") === wanted.map(([value]) => value).join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map(([value, text]) => el("option", { value }, text)));
  if (wanted.some(([value]) => value === chosen)) select.value = chosen;
}
