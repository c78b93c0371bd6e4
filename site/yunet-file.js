// Which file YuNet's is, and where the build looks for it.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { python } from "./python.js";

export const YUNET = fileURLToPath(new URL("cache/yunet.onnx", import.meta.url));

/** Its name, hash, size and addresses, from the Python package. */
export const describe = () => JSON.parse(python("prepare.py", "--yunet"));

/** The content, if it is the right one. */
export function verified(content, name) {
  const hash = createHash("sha256").update(content).digest("hex");
  if (hash !== describe().sha256) throw new Error(`${name} is not the YuNet file that smilecam was made for (its SHA-256 differs)`);
  return content;
}

/** The verified content, or null without a file: SMILECAM_YUNET names one, else it is where fetch-yunet.js puts it. */
export function yunet() {
  const path = process.env.SMILECAM_YUNET || (existsSync(YUNET) ? YUNET : null);
  return path && verified(readFileSync(path), path);
}
