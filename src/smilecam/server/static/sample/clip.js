// The sample clip: two drawn people who smile one after the other and then together, played as a camera would.

import { DrawnPeople } from "./people.js";

const SIZE = { width: 640, height: 480 };
const FPS = 30;
const PERIOD = 9;
const RAMP = 0.3;

/** When each of them smiles, in seconds of the period. */
const SMILES = [[1, 6], [3, 7.5]];

/** How broad a smile is at a time: it appears and vanishes within a moment. */
function smileAt([from, to], time) {
  const share = Math.min(1, Math.max(0, Math.min(time - from, to - time) / RAMP + 0.5));
  return share * share * (3 - 2 * share);
}

export class SampleClip {
  /** Draw it, and give its frames as a stream; it plays until its track is stopped. */
  async open() {
    const canvas = Object.assign(document.createElement("canvas"), SIZE);
    const people = new DrawnPeople(canvas, [0, 1]);
    people.prepare();
    const begun = performance.now();
    const draw = () => {
      const time = (performance.now() - begun) / 1000;
      people.draw(SMILES.map((smile) => smileAt(smile, time % PERIOD)), time);
    };
    draw();
    const stream = canvas.captureStream(FPS);
    const timer = setInterval(() => {
      if (stream.getVideoTracks()[0].readyState === "ended") clearInterval(timer);
      else draw();
    }, 1000 / FPS);
    return stream;
  }
}
