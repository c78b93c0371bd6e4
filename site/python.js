// Runs a script of this folder with the Python that has smilecam: that of the checkout's .venv, or what PYTHON names.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const OWN = [path("../.venv/bin/python"), path("../.venv/Scripts/python.exe")];

/** What the script prints. */
export function python(script, ...values) {
  const program = process.env.PYTHON || OWN.find(existsSync) || (process.platform === "win32" ? "python" : "python3");
  return execFileSync(program, [path(script), ...values], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}
