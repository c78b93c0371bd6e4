// Short tones made by the browser, off unless they are switched on: when somebody begins to smile, and when a photo is taken.

import { $, announce } from "./dom.js";
import { isSwitch, remember, remembered } from "./memory.js";

const TONES = { smile: [[660, 0], [880, 0.09]], everyone: [[660, 0], [880, 0.09], [1320, 0.18]], photo: [[1200, 0], [500, 0.04]], count: [[440, 0]] };
const LOUDNESS = 0.12;
const LENGTH = 0.28;

export class Chime {
  constructor() {
    this.button = $("chime");
    this.set(remembered("chime", isSwitch, false));
    this.button.addEventListener("click", () => {
      this.set(!this.on);
      remember("chime", this.on);
      announce(`Chime ${this.on ? "on" : "off"}`);
      this.play("smile");
    });
  }

  set(on) {
    this.on = on;
    this.button.setAttribute("aria-pressed", String(on));
    $("chime-icon").setAttribute("href", on ? "#i-audio" : "#i-mute");
  }

  /** @param {"smile" | "everyone" | "photo" | "count"} name */
  play(name) {
    if (!this.on) return;
    this.context ??= new AudioContext();
    this.context.resume(); // browsers let a page be heard only after a click or key
    for (const [pitch, delay] of TONES[name]) this.tone(pitch, this.context.currentTime + delay);
  }

  tone(pitch, from) {
    const { context } = this;
    const volume = new GainNode(context, { gain: 0 });
    const tone = new OscillatorNode(context, { type: "sine", frequency: pitch });
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(LOUDNESS, from + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.0005, from + LENGTH);
    tone.connect(volume).connect(context.destination);
    tone.start(from);
    tone.stop(from + LENGTH);
  }
}
