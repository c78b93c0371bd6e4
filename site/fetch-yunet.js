// Fetch the file of the face detector YuNet into cache/, where the build finds it, and verify it. Prepare.py says from where.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { describe, YUNET, verified } from "./yunet-file.js";

const { urls, size } = describe();
const PATIENCE = 120_000;

async function download(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const parts = [];
  let length = 0;
  for await (const part of response.body) {
    parts.push(part);
    length += part.length;
    if (length > size) throw new Error(`${url}: more than ${size} bytes`);
  }
  return verified(Buffer.concat(parts), url);
}

let content = null;
for (const url of urls) {
  try {
    content = await download(url);
    break;
  } catch (error) {
    console.error(error.message);
  }
}
if (!content) {
  console.error("YuNet was not fetched. Fetch it elsewhere, and build with SMILECAM_YUNET=FILE npm run build.");
  process.exit(1);
}
await mkdir(dirname(YUNET), { recursive: true });
await writeFile(YUNET, content);
console.log(YUNET);
