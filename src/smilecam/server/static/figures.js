// How it goes: round trip, rate, the server's share, and camera pictures that were not read.

import { $, quantile, say } from "./dom.js";

const KEPT = 150;
const WINDOW = 3000;

export class LiveFigures {
  constructor() {
    this.reset();
  }

  reset() {
    this.trips = [];
    this.servers = [];
    this.moments = [];
    this.pictures = [];
    this.dropped = 0;
    this.told = null;
    for (const name of ["trip", "rate", "server", "drops"]) {
      say($(`f-${name}`), "–");
      say($(`f-${name}-sub`), "");
    }
  }

  /** A result has been drawn. */
  result(result, trip) {
    const now = performance.now();
    if (trip !== undefined) push(this.trips, trip);
    if (result.server_ms !== undefined) push(this.servers, result.server_ms);
    this.moments.push(now);
    while (now - this.moments[0] > WINDOW) this.moments.shift();
    if (result.dropped !== undefined) this.dropped = result.dropped;
    if (result.figures) this.told = result.figures;
  }

  show(camera) {
    if (this.told) this.showSource(this.told);
    else if (this.trips.length) this.showCamera(camera);
    if (this.servers.length) {
      say($("f-server"), `${quantile(this.servers, 0.5).toFixed(0)} ms`);
      say($("f-server-sub"), `95 %: ${quantile(this.servers, 0.95).toFixed(0)} ms`);
    }
    if (this.moments.length) say($("f-rate"), `${this.rate().toFixed(0)} /s`);
  }

  rate() {
    const now = performance.now();
    while (this.moments.length && now - this.moments[0] > WINDOW) this.moments.shift();
    const length = this.moments.length > 1 ? Math.max(500, now - this.moments[0]) : WINDOW;
    return (1000 * this.moments.length) / length;
  }

  showCamera(camera) {
    say($("f-trip"), `${quantile(this.trips, 0.5).toFixed(0)} ms`);
    say($("f-trip-sub"), `95 %: ${quantile(this.trips, 0.95).toFixed(0)} ms`);
    if (!camera) return;
    const now = performance.now();
    this.pictures.push([now, camera.shown]);
    while (now - this.pictures[0][0] > WINDOW) this.pictures.shift();
    const [then, shown] = this.pictures[0];
    if (now - then > 500) say($("f-rate-sub"), `camera ${((1000 * (camera.shown - shown)) / (now - then)).toFixed(0)} /s`);
    say($("f-drops"), Math.max(0, camera.shown - camera.taken).toLocaleString("en"));
    say($("f-drops-sub"), `of ${camera.shown.toLocaleString("en")}`);
  }

  showSource(told) {
    const late = told.latency_ms;
    say($("f-trip"), late ? `${late.p50.toFixed(0)} ms` : "–");
    say($("f-trip-sub"), late ? `95 %: ${late.p95.toFixed(0)} ms` : "");
    if (told.input_rate !== undefined) say($("f-rate-sub"), `source ${told.input_rate.toFixed(0)} /s`);
    say($("f-drops"), (told.dropped ?? 0).toLocaleString("en"));
    say($("f-drops-sub"), told.received === undefined ? "" : `of ${told.received.toLocaleString("en")}`);
  }
}

function push(values, value) {
  values.push(value);
  if (values.length > KEPT) values.shift();
}
