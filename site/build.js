// Build the page without a server into dist/, or into the folder that is named: npm run build -- FOLDER
//
// The page itself is that of the live server, file by file; only its engine is another one.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

import { python } from "./python.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const page = join(here, "../src/smilecam/server/static");
const packages = join(here, "node_modules");
const dist = resolve(process.argv[2] ?? join(here, "dist"));

/** What only a server has: modules of its engine, and pages that show its source. */
const SERVER_ONLY = ["engine.js", "obs", "api.js", "link.js", "server-source.js", "camera-worker.js"];

/** Nothing is loaded from elsewhere or sent anywhere, whatever a mistake would ask for. */
const POLICY = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src 'self' blob: data:",
  "media-src 'self' blob:", "connect-src 'self' blob:", "worker-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'",
].join("; ");

function copyPage() {
  cpSync(page, join(dist, "static"), { recursive: true, filter: (path) => !SERVER_ONLY.includes(relative(page, path)) });
  const html = readFileSync(join(page, "index.html"), "utf8");
  const head = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n<link rel="manifest" href="manifest.webmanifest">\n`;
  if (!html.includes('<meta charset="utf-8">\n')) throw new Error("index.html has no charset to put the policy behind");
  writeFileSync(join(dist, "index.html"), html.replace('<meta charset="utf-8">\n', (charset) => charset + head));
  rmSync(join(dist, "static/index.html"));
  const manifest = {
    name: "Smilecam", short_name: "Smilecam", start_url: "./", display: "standalone",
    icons: [{ src: "static/icon.svg", sizes: "any", type: "image/svg+xml" }],
  };
  writeFileSync(join(dist, "manifest.webmanifest"), `${JSON.stringify(manifest, null, 1)}\n`);
}

async function bundle() {
  const common = { bundle: true, format: "esm", minify: true, target: "es2023", legalComments: "eof", logLevel: "warning" };
  await build({ ...common, entryPoints: [join(here, "src/engine.js")], outfile: join(dist, "static/engine.js") });
  await build({
    ...common, entryPoints: [join(here, "src/worker.js"), join(here, "src/detection-worker.js")], outdir: join(dist, "engine"),
    conditions: ["onnxruntime-web-use-extern-wasm"],
  });
}

/** Models, the cascade and YuNet from the Python package; the runtime of networks. */
function addModels() {
  const engine = join(dist, "engine");
  python("prepare.py", engine, ...(process.env.SMILECAM_YUNET ? ["--yunet", process.env.SMILECAM_YUNET] : []));
  for (const name of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs"]) {
    cpSync(join(packages, "onnxruntime-web/dist", name), join(engine, name));
  }
  writeFileSync(join(dist, "LICENCES.txt"), licences(existsSync(join(engine, "yunet.onnx"))));
}

function licences(withYunet) {
  const version = (name) => JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8")).version;
  const lines = [
    "What this folder holds of others:", "",
    `engine/ort-wasm-simd-threaded.* and a part of engine/*worker.js: ONNX Runtime Web ${version("onnxruntime-web")}, MIT, Microsoft Corporation,`,
    "https://github.com/microsoft/onnxruntime",
    `a part of engine/worker.js: Mediabunny ${version("mediabunny")}, MPL-2.0, unchanged, https://github.com/Vanilagy/mediabunny`,
    "engine/haar.bin: a cascade of OpenCV, converted; its licence is in engine/haar-licence.txt",
  ];
  if (withYunet) lines.push("engine/yunet.onnx: YuNet, Apache-2.0, Shiqi Yu and others, https://github.com/ShiqiYu/libfacedetection.train");
  return `${lines.join("\n")}\n`;
}

function* filesIn(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

/** The service worker keeps every file; its version is the content of them all. */
function addServiceWorker() {
  const hash = createHash("sha256");
  const files = ["./"];
  for (const path of filesIn(dist)) {
    const name = relative(dist, path).split(sep).join("/");
    hash.update(`${name}\0`).update(readFileSync(path));
    if (name !== "index.html") files.push(name);
  }
  const text = readFileSync(join(here, "src/service-worker.js"), "utf8");
  const version = hash.digest("hex").slice(0, 16);
  const filled = text.replace('"__VERSION__"', JSON.stringify(version)).replace('["__FILES__"]', JSON.stringify(files));
  writeFileSync(join(dist, "service-worker.js"), filled);
  return version;
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "engine"), { recursive: true });
copyPage();
await bundle();
addModels();
const version = addServiceWorker();
const bytes = [...filesIn(dist)].reduce((sum, path) => sum + statSync(path).size, 0);
const faces = existsSync(join(dist, "engine/yunet.onnx")) ? "YuNet" : "the Haar cascade (smilecam models fetch yunet brings YuNet)";
console.log(`${dist}: version ${version}, ${(bytes / 1e6).toFixed(1)} MB, faces by ${faces}`);
