// Small helpers for the page: elements, texts for numbers and times, announcements for screen readers.

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (names with a dash, role, class) and children. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class" || name === "role" || name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** An icon of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Set a text only where it differs: setting makes the browser lay out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Seconds as 1:05, or with tenths as 1:05.3. */
export function clock(seconds, tenths = false) {
  const unit = tenths ? 10 : 1;
  const whole = tenths ? Math.round(Math.max(0, seconds) * 10) : Math.floor(Math.max(0, seconds));
  const rest = whole % (60 * unit);
  const text = tenths ? (rest / 10).toFixed(1) : String(rest);
  return `${Math.floor(whole / (60 * unit))}:${text.padStart(tenths ? 4 : 2, "0")}`;
}

/** A duration as text: 0.4 s, 12 s, 3 min. */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export const percent = (share) => `${Math.round(100 * share)} %`;

/** The value below which a share of the values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

let waiting = [];
let timer = 0;

/** Announce something to screen readers, politely; what comes within a moment is announced together. */
export function announce(text) {
  waiting.push(text);
  if (timer) return;
  timer = setTimeout(() => {
    $("live").textContent = waiting.slice(-4).join(". ");
    waiting = [];
    timer = 0;
  }, 250);
}

/** Have the browser save a file. */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Local date and time for a file's name: 2026-05-04_12-30-05. */
export function stamp(date = new Date()) {
  const two = (number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day}_${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join("-")}`;
}
