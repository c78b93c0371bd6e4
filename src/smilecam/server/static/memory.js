// What is remembered of this page's switches and settings after a reload: in this browser only, and never the token, which
// no script of the page can read. What is stored may be old, damaged or of another page: nothing of it is taken on trust.

const KEY = "smilecam.page";
const VERSION = 1;

export const isText = (value) => typeof value === "string" && value.length <= 200;
export const isSwitch = (value) => typeof value === "boolean";

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

let values = load();

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return isObject(stored) && stored.version === VERSION && isObject(stored.values) ? stored.values : {};
  } catch { // not allowed, or not JSON
    return {};
  }
}

/** A remembered value if it is there and valid, else another one. */
export function remembered(name, isValid, otherwise) {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  return isValid(value) ? value : otherwise;
}

export function remember(name, value) {
  values = { ...load(), [name]: value }; // another tab may have stored something in between
  try {
    localStorage.setItem(KEY, JSON.stringify({ version: VERSION, values }));
  } catch { /* not kept, then */ }
}

export function forget() {
  values = {};
  try {
    localStorage.removeItem(KEY);
  } catch { /* nothing was kept */ }
}

/** Give a checkbox, a choice or a fold its remembered state, and remember the next ones. */
export function keep(element) {
  const { id } = element;
  const [property, isValid, event] = {
    INPUT: ["checked", isSwitch, "change"], DETAILS: ["open", isSwitch, "toggle"],
    SELECT: ["value", (value) => [...element.options].some((option) => option.value === value), "change"],
  }[element.tagName];
  element[property] = remembered(id, isValid, element[property]);
  element.addEventListener(event, () => remember(id, element[property]));
}
