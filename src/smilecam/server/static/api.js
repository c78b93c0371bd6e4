// Requests to the server.

export class Problem extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    Object.assign(this, { status, code });
  }
}

let locked = () => {};

/** Have a function called whenever the server answers that it needs another token. */
export function onLocked(callback) {
  locked = callback;
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer.");
  }
  if (response.ok) return response;
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch { /* no body, or not the server's own */ }
  if (error.code === "no_token") locked();
  const texts = { 413: "The file is too large." };
  throw new Problem(error.message ?? texts[response.status] ?? `The server refused (${response.status}).`, response.status, error.code);
}

function query(settings) {
  const names = ["model", "policy", "operating_point", "threshold", "detector", "smoothing", "preview"];
  const wanted = names.filter((name) => settings[name] != null).map((name) => [name, settings[name]]);
  return wanted.length ? `?${new URLSearchParams(wanted)}` : "";
}

/** Show the server a token, for which it gives this browser a cookie. */
export async function enterToken(token) {
  await request("./", { method: "POST", body: new URLSearchParams({ token }), headers: { accept: "application/json" } });
}

export const models = async () => (await request("v1/models")).json();

/** Read one image. */
export async function detect(file, settings, signal) {
  const body = new FormData();
  body.append("image", file, file.name);
  const { results } = await (await request(`v1/detect${query(settings)}`, { method: "POST", body, signal })).json();
  const [result] = results;
  if (result.error) throw new Problem(result.error.message, 200, result.error.code);
  return result;
}

/**
 * Read a video: upload it, and poll the server until it is done.
 * @param {File} file
 * @param {object} settings
 * @param {(share: number, text: string) => void} progress
 * @param {AbortSignal} signal ends it with an AbortError; the server then drops the video
 * @param {?(copy: Blob, size: {width: number, height: number}) => void} [takeCopy] if given, the server also makes a copy that
 *   browsers play; called with it and the size of the video itself, where that could be done
 * @returns {Promise<Array<object>>} the lines of its results
 */
export async function readVideo(file, settings, progress, signal, takeCopy = null) {
  const body = new FormData();
  body.append("video", file, file.name);
  progress(0, "Uploading the video");
  let job = await (await request(`v1/videos${query({ ...settings, preview: takeCopy ? true : null })}`, { method: "POST", body, signal })).json();
  const path = `v1/videos/${encodeURIComponent(job.id)}`;
  try {
    while (job.status === "running" || job.status === "queued") {
      await pause(250, signal);
      job = await (await request(path, { signal })).json();
      const share = Math.min(1, job.progress ?? 0);
      progress(share, job.frames ? `${Math.floor(100 * share)} %, ${job.frames.toLocaleString("en")} frames read` : "Waiting for its turn");
    }
    if (job.status !== "done") throw new Problem(job.error?.message ?? "The video could not be read.", 200, job.error?.code);
    const text = await (await request(`${path}/results.jsonl`, { signal })).text();
    if (job.preview) takeCopy?.(await (await request(`${path}/preview.mp4`, { signal })).blob(), job);
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  } finally {
    request(path, { method: "DELETE" }).catch(() => {});
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const cancel = () => {
      clearTimeout(timer);
      reject(new DOMException("", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", cancel);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", cancel, { once: true });
  });
}
