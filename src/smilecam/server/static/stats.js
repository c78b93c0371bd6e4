// Stats of a stream: round trip, rate, the server's share, and frames that were skipped.

import { $, quantile, setText } from "./dom.js";

const KEPT = 150;
const WINDOW = 3000;

export class LiveStats {
  constructor() {
    this.reset();
  }

  reset() {
    this.trips = [];
    this.servers = [];
    this.moments = [];
    this.frames = [];
    this.dropped = 0;
    this.source = null;
    setText($("stats-short"), "");
    for (const name of ["trip", "rate", "server", "drops"]) {
      setText($(`f-${name}`), "–");
      setText($(`f-${name}-sub`), "");
    }
  }

  /** Take a result that has been drawn, and its round trip in milliseconds where it is known. */
  add(result, trip) {
    const now = performance.now();
    if (trip !== undefined) push(this.trips, trip);
    if (result.server_ms !== undefined) push(this.servers, result.server_ms);
    this.moments.push(now);
    while (now - this.moments[0] > WINDOW) this.moments.shift();
    if (result.dropped !== undefined) this.dropped = result.dropped;
    if (result.figures) this.source = result.figures;
  }

  /** @param {{shown: number, taken: number}} [camera] frames that the camera showed, and that were sent */
  show(camera) {
    if (this.source) this.showSource(this.source);
    else if (this.trips.length) this.showCamera(camera);
    if (this.servers.length) {
      setText($("f-server"), `${quantile(this.servers, 0.5).toFixed(0)} ms`);
      setText($("f-server-sub"), `95 %: ${quantile(this.servers, 0.95).toFixed(0)} ms`);
    }
    if (!this.moments.length) return;
    const rate = `${this.rate().toFixed(0)} /s`;
    setText($("f-rate"), rate);
    setText($("stats-short"), rate);
  }

  rate() {
    const now = performance.now();
    while (this.moments.length && now - this.moments[0] > WINDOW) this.moments.shift();
    const length = this.moments.length > 1 ? Math.max(500, now - this.moments[0]) : WINDOW;
    return (1000 * this.moments.length) / length;
  }

  showCamera(camera) {
    setText($("f-trip"), `${quantile(this.trips, 0.5).toFixed(0)} ms`);
    setText($("f-trip-sub"), `95 %: ${quantile(this.trips, 0.95).toFixed(0)} ms`);
    if (!camera) return;
    const now = performance.now();
    this.frames.push([now, camera.shown]);
    while (now - this.frames[0][0] > WINDOW) this.frames.shift();
    const [then, shown] = this.frames[0];
    if (now - then > 500) setText($("f-rate-sub"), `camera ${((1000 * (camera.shown - shown)) / (now - then)).toFixed(0)} /s`);
    setText($("f-drops"), Math.max(0, camera.shown - camera.taken).toLocaleString("en"));
    setText($("f-drops-sub"), `of ${camera.shown.toLocaleString("en")}`);
  }

  showSource(stats) {
    const latency = stats.latency_ms;
    setText($("f-trip"), latency ? `${latency.p50.toFixed(0)} ms` : "–");
    setText($("f-trip-sub"), latency ? `95 %: ${latency.p95.toFixed(0)} ms` : "");
    if (stats.input_rate !== undefined) setText($("f-rate-sub"), `source ${stats.input_rate.toFixed(0)} /s`);
    setText($("f-drops"), (stats.dropped ?? 0).toLocaleString("en"));
    setText($("f-drops-sub"), stats.received === undefined ? "" : `of ${stats.received.toLocaleString("en")}`);
  }
}

function push(values, value) {
  values.push(value);
  if (values.length > KEPT) values.shift();
}
