// The page: holds the current mode, and wires the controls to it.

import { Booth } from "./booth.js";
import { cameraProblem } from "./camera.js";
import { Chime } from "./chime.js";
import { chosen } from "./choose-files.js";
import { showControls } from "./controls.js";
import { $, announce, download, setText, stamp } from "./dom.js";
import { engine } from "./engine.js";
import { Glow } from "./glow.js";
import { wireDrop, wireKeys } from "./keys.js";
import { isSwitch, keep, remember, remembered } from "./memory.js";
import { Marking } from "./marking.js";
import { CameraMode } from "./modes/camera.js";
import { IdleMode } from "./modes/idle.js";
import { ImageMode } from "./modes/image.js";
import { SampleMode } from "./modes/sample.js";
import { ServerMode } from "./modes/server.js";
import { VideoMode } from "./modes/video.js";
import { clearNotes, note, setStatus, showBlank } from "./notices.js";
import { Results } from "./results.js";
import { showExamples } from "./sample/welcome.js";
import { SeekBar } from "./seek-bar.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { TokenDialog } from "./token-dialog.js";
import { toggleFullScreen, toggleTheatre, wireViewing } from "./viewing.js";

const REFRESH_EVERY = 250;
const RETRY_AFTER = 3000;

const stage = new Stage();
const chime = new Chime();
const booth = new Booth(stage, (tone) => chime.play(tone));
const glow = new Glow(() => chime.play("everyone"));
const results = new Results((time) => mode.seek(time), () => chime.play("smile"));
const settings = new Settings(settingsChanged);
const marking = new Marking(stage, results.tracks);
results.tracks.cut = (box, canvas) => stage.cut(box, canvas);

const seekBar = new SeekBar((time) => mode.seek(time));

/** What the modes share. `offered` is what the engine offers: models, detectors, and its source if it has one. */
const page = { stage, results, settings, booth, seekBar, offered: null, idle: (why) => go(new IdleMode(page, why)), showSettings, saw, refresh };

let mode = new IdleMode(page);

// ---- one mode at a time

function go(next) {
  mode.leave();
  booth.stop();
  glow.clear();
  results.endSmiles();
  stage.clear();
  marking.clear();
  clearNotes();
  mode = next;
  if (next.name !== "idle") results.begin(next.source, { recorded: next.name === "video" });
  showControls(next);
  refresh();
  next.enter();
}

const startCamera = (choice) => go(new CameraMode(page, choice));
const startServer = () => go(new ServerMode(page));

function openFiles(files) {
  const { images, video, text } = chosen([...files]);
  if (video) go(new VideoMode(page, video));
  else if (images.length) go(new ImageMode(page, images));
  if (text) note(text, { info: Boolean(video || images.length) });
}

/** A result of a stream, and the frame that it is of if it is at hand. */
function saw(result, image) {
  booth.see(result, image);
  glow.show(result.faces);
}

function refresh() {
  mode.refresh();
  results.showContent(mode.name === "image");
  stage.veil(mode.blind);
}

// ---- settings

function settingsChanged(wanted, changes) {
  mode.settingsChanged(wanted, changes);
  if (!mode.live) showThreshold();
}

function showSettings(values) {
  settings.show(values);
  results.timeline.setThreshold(values.threshold_in_force ?? values.threshold);
}

/** Before a stream reports which threshold is in force, the list of models has it. */
function showThreshold() {
  const value = settings.thresholdNow();
  if (value != null) showSettings({ threshold_in_force: value });
}

// ---- controls

function save(kind, blob) {
  const name = (results.source || "results").replace(/^.*[/\\]/, "").replace(/\.\w+$/, "").replace(/[^\w.-]+/g, "_") || "results";
  download(`smilecam_${name}_${stamp()}.${kind}`, blob);
}

async function saveImage() {
  const blob = await stage.annotated();
  const name = (mode.file?.name ?? results.source).replace(/^.*[/\\]/, "").replace(/\.\w+$/, "").replace(/[^\w.-]+/g, "_") || "image";
  if (blob) download(`smilecam_${name}_${stamp()}.jpg`, blob);
}

function clearResults() {
  results.clear({ events: mode.name !== "video", timeline: mode.live });
  refresh();
  announce("The results are cleared");
}

function toggle(id, name) {
  stage.toggle(id, name);
  remember(id, stage.isOn(id));
  stage.veil(mode.blind);
  if (id === "blur") results.tracks.forgetPortraits();
}

const flip = () => $("flip").hidden || startCamera(mode.flipped());

function nextTheme() {
  const name = window.smilecamTheme.next();
  results.timeline.draw(true);
  announce(`Theme: ${name === "auto" ? "as the system" : name}`);
}

const chooseFile = () => $("file").click();
const openHelp = () => $("help-dialog").showModal();
const playOrPause = () => mode.seekable && mode.pressMain();

const CLICKS = {
  "use-camera": () => mode.name === "camera" || startCamera(), "blank-camera": () => startCamera(), "use-source": startServer,
  "use-file": chooseFile, "blank-file": chooseFile, main: () => mode.pressMain(), "progress-cancel": () => mode.cancel(),
  theme: nextTheme, help: openHelp, "help-close": () => $("help-dialog").close(),
  mirror: () => toggle("mirror", "Mirror"), blur: () => toggle("blur", "Blur"), boxes: () => toggle("boxes", "Boxes"), numbers: () => toggle("numbers", "Numbers"),
  photo: () => booth.shoot(), before: () => mode.toSmile(-1), after: () => mode.toSmile(1), "clear-results": clearResults,
  "save-jsonl": () => save("jsonl", results.log.jsonl()), "save-csv": () => save("csv", results.log.csv()),
  "save-vtt": () => save("vtt", results.log.webvtt()), "save-image": saveImage, "read-again": () => openFiles([mode.file]), reset: () => settings.reset(), flip,
};

const KEYS = {
  c: () => (mode.name === "camera" ? mode.pressMain() : startCamera()), o: chooseFile, p: () => $("photo").click(), s: () => $("booth").click(),
  m: () => mode.name === "camera" && toggle("mirror", "Mirror"), b: () => toggle("blur", "Blur"), v: () => toggle("boxes", "Boxes"), l: () => toggle("numbers", "Numbers"),
  f: toggleFullScreen, w: toggleTheatre, " ": playOrPause, k: playOrPause, n: () => mode.toSmile(1), N: () => mode.toSmile(-1),
  ArrowLeft: () => mode.step(-1), ArrowRight: () => mode.step(1), d: () => $("save-jsonl").click(), i: () => $("save-image").click(), t: nextTheme, "?": openHelp, x: flip,
};

function wire() {
  const tokenDialog = new TokenDialog(() => mode.reconnect() || askOffered());
  engine.onLocked?.(() => tokenDialog.offer());
  for (const [id, act] of Object.entries(CLICKS)) $(id).addEventListener("click", () => act());
  $("file").addEventListener("change", () => {
    openFiles($("file").files);
    $("file").value = "";
  });
  $("s-camera").addEventListener("change", () => startCamera({ device: $("s-camera").value }));
  new MutationObserver(() => results.timeline.draw(true)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  addEventListener("pagehide", () => page.idle());
  wireViewing();
  wireKeys(KEYS, () => mode.seekable);
  wireDrop(openFiles);
  setInterval(refresh, REFRESH_EVERY);
}

// ---- the start

let retry = 0;

/** Ask the engine what it offers, again and again until it answers. */
async function askOffered() {
  clearTimeout(retry);
  try {
    page.offered = await engine.offered();
  } catch (problem) {
    retry = setTimeout(askOffered, RETRY_AFTER);
    if (mode.name !== "idle" || problem.code === "no_token") return; // a mode that uses the engine reports the same by itself
    setStatus("bad", engine.lostStatus);
    note(problem.message, { action: () => { note(null); askOffered(); }, label: "Try now" });
    return;
  }
  settings.offer(page.offered);
  if (!mode.live) showThreshold();
  $("use-source").hidden = !page.offered.source;
  if (mode.name !== "idle") return;
  note(null);
  setStatus("idle", "Ready");
  if (page.offered.source) startServer();
}

function start() {
  for (const id of ["privacy", "blank-privacy"]) setText($(id), engine.privacy);
  setText($("f-server-name"), engine.statsLabel);
  for (const id of ["mirror", "blur", "boxes", "numbers"]) stage.set(id, remembered(id, isSwitch, stage.isOn(id)));
  for (const id of ["advanced", "stats", "keys-on"]) keep($(id));
  wire();
  showExamples($("examples"), { playClip: () => go(new SampleMode(page)), openFile: (file) => openFiles([file]) });
  page.idle();
  if (!window.isSecureContext) {
    const { title, text } = cameraProblem();
    showBlank(title, text, { bad: true });
  }
  askOffered();
}

start();
