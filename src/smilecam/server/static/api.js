// Requests to the server.

export class Problem extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    Object.assign(this, { status, code });
  }
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer.");
  }
  if (response.ok) return response;
  let told = {};
  try {
    told = (await response.json()).error ?? {};
  } catch { /* no body, or not the server's own */ }
  const known = { 401: "The server was started anew: open the address that it printed.", 413: "The file is too large." };
  throw new Problem(told.message ?? known[response.status] ?? `The server refused (${response.status}).`, response.status, told.code);
}

function query(settings) {
  const names = ["model", "policy", "operating_point", "threshold", "detector", "smoothing"];
  const wanted = names.filter((name) => settings[name] != null).map((name) => [name, settings[name]]);
  return wanted.length ? `?${new URLSearchParams(wanted)}` : "";
}

export const models = async () => (await answer("v1/models")).json();

/** Read one picture. */
export async function detect(file, settings, signal) {
  const body = new FormData();
  body.append("image", file, file.name);
  const { results } = await (await answer(`v1/detect${query(settings)}`, { method: "POST", body, signal })).json();
  const [result] = results;
  if (result.error) throw new Problem(result.error.message, 200, result.error.code);
  return result;
}

/**
 * Read a video: hand it over, and ask how it goes until it is done.
 * @param {(share: number, words: string) => void} progress
 * @returns {Promise<Array>} the lines of its results
 */
export async function readVideo(file, settings, progress, signal) {
  const body = new FormData();
  body.append("video", file, file.name);
  progress(0, "Handing the video over");
  let job = await (await answer(`v1/videos${query(settings)}`, { method: "POST", body, signal })).json();
  const path = `v1/videos/${encodeURIComponent(job.id)}`;
  try {
    while (job.status === "running" || job.status === "queued") {
      await pause(250, signal);
      job = await (await answer(path, { signal })).json();
      const share = Math.min(1, job.progress ?? 0);
      progress(share, job.frames ? `${Math.floor(100 * share)} %, ${job.frames.toLocaleString("en")} frames read` : "Waiting for its turn");
    }
    if (job.status !== "done") throw new Problem(job.error?.message ?? "The video could not be read.", 200, job.error?.code);
    const text = await (await answer(`${path}/results.jsonl`, { signal })).text();
    return { job, lines: text.split("\n").filter(Boolean).map((line) => JSON.parse(line)) };
  } finally {
    answer(path, { method: "DELETE" }).catch(() => {});
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("", "AbortError"));
    }, { once: true });
  });
}
