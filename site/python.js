// Runs a script of this folder with the Python that has smilecam: that of the checkout's .venv, or what PYTHON names.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const OWN = [path("../.venv/bin/python"), path("../.venv/Scripts/python.exe")];

/** Run it; the build ends where the script fails, which says why. */
export function python(script, ...values) {
  const program = process.env.PYTHON || OWN.find(existsSync) || (process.platform === "win32" ? "python" : "python3");
  const { status, error } = spawnSync(program, [path(script), ...values], { stdio: ["ignore", "inherit", "inherit"] });
  if (status === 0) return;
  const why = error ? `: ${error.message}` : "";
  console.error(`${script} failed${why}. It was run by ${program}, which must have smilecam; PYTHON names another one.`);
  process.exit(1);
}
