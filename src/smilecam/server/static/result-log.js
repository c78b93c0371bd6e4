// The log of the results that were shown, kept in this page only; for download as the command line's --jsonl, --csv and
// --webvtt write them.

const MOST_LINES = 200000;
const COLUMNS = ["source", "frame", "time", "track", "x1", "y1", "x2", "y2", "confidence", "smile", "smiling", "intensity"];

export class ResultLog {
  constructor() {
    this.reset();
  }

  reset() {
    this.lines = [];
    this.smiles = 0;
    this.frames = 0;
    this.left = 0;
    this.last = 0;
    this.first = null;
  }

  /** Keep a result as it was shown. */
  add(result, source) {
    const { frame, time, faces, events = [] } = result;
    this.keep({ type: "frame", source, frame, time, faces });
    for (const event of events) this.event({ ...event, source });
    this.frames += 1;
    this.first ??= time ?? 0;
    this.last = time ?? 0;
  }

  event(event) {
    this.keep({ ...event, type: "event" });
    if (event.event === "smile_start") this.smiles += 1;
  }

  keep(line) {
    if (this.lines.length < MOST_LINES) this.lines.push(line);
    else this.left += 1;
  }

  get seconds() {
    return this.last - (this.first ?? 0);
  }

  jsonl() {
    return new Blob(this.lines.map((line) => `${JSON.stringify(line)}\n`), { type: "application/jsonl" });
  }

  csv() {
    const rows = [COLUMNS, ...this.lines.filter((line) => line.type === "frame").flatMap(rowsOf)];
    return new Blob(rows.map((row) => `${row.map(cell).join(",")}\n`), { type: "text/csv" });
  }

  webvtt() {
    return new Blob(["WEBVTT\n\n", ...smilesOf(this.lines, this.last).map(cue)], { type: "text/vtt" });
  }
}

function rowsOf({ source, frame, time, faces }) {
  return faces.map((face) => [source, frame, time, face.track, ...face.box, face.confidence, face.smile, face.smiling, face.intensity]);
}

function cell(value) {
  const text = value == null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The smiles of lines of events, from their first moment to their last, in the order of their beginnings. */
export function smilesOf(lines, end) {
  const open = new Map();
  const smiles = [];
  for (const event of lines) {
    if (event.event === "smile_start") open.set(event.track, event);
    if (event.event !== "smile_end") continue;
    const start = onset(open.get(event.track) ?? event);
    open.delete(event.track);
    const sure = event.since != null && event.since > start;
    smiles.push({ track: event.track, start, end: sure ? event.since : event.time, peak: event.peak });
  }
  for (const event of open.values()) {
    smiles.push({ track: event.track, start: onset(event), end: Math.max(end, onset(event)), peak: event.peak });
  }
  return smiles.sort((a, b) => a.start - b.start);
}

const onset = (event) => event.since ?? event.time;

/** To whole numbers as the command line does: of two that are as near, the even one. */
function round(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

function cue({ track, start, end, peak }) {
  const first = round(Math.max(0, start) * 1000);
  const last = Math.max(first + 1, round(end * 1000));
  const height = peak == null ? "" : `, peak ${round(100 * peak)} %`;
  return `${moment(first)} --> ${moment(last)}\nsmile, ${track == null ? "someone" : `person ${track}`}${height}\n\n`;
}

function moment(milliseconds) {
  const two = (number, digits = 2) => String(number).padStart(digits, "0");
  const seconds = Math.floor(milliseconds / 1000);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${two(milliseconds % 1000, 3)}`;
}
