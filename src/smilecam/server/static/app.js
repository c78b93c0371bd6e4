// The page: one source at a time, its picture with the overlay, and everything that follows from its results.

import { detect, models, readVideo } from "./api.js";
import { Booth } from "./booth.js";
import { Camera, cameraProblem, onPictures } from "./camera.js";
import { $, announce, clock, download, el, icon, plural, say, stamp } from "./dom.js";
import { LiveFigures } from "./figures.js";
import { Motion, Overlay, photograph } from "./overlay.js";
import { People } from "./people.js";
import { Session } from "./session.js";
import { Settings } from "./settings.js";
import { Timeline } from "./timeline.js";
import { Watch } from "./watch.js";

const MOST_EVENTS = 100;
const BLIND_AFTER = 1500;

const video = $("video");
const picture = $("picture");
const stage = $("stage");
const overlay = new Overlay($("overlay"));
const motion = new Motion();
const people = new People($("people"), $("people-empty"), $("people-count"));
const timeline = new Timeline($("timeline"), (time) => seek(time));
const session = new Session();
const figures = new LiveFigures();
const settings = new Settings(settingsChanged);
const booth = new Booth(takePhoto, (text) => note(text, { calm: true }));

const now = {
  mode: "idle", // idle, camera, watch, picture, video
  source: "",
  camera: null,
  watch: null,
  faces: [],
  space: null,
  file: null,
  film: null,
  base: { track: 0, frame: 0 },
  highest: { track: 0, frame: -1 },
  open: new Map(),
  lastResult: 0,
  losses: 0,
  job: null,
  offered: null,
};

// ---- words on the page

function status(state, text) {
  $("status").dataset.state = state;
  say($("status-text"), text);
}

function note(text, { action, label, calm = false } = {}) {
  $("note").hidden = !text;
  $("note").classList.toggle("calm", calm);
  say($("note-text"), text ?? "");
  $("note-action").hidden = !action;
  if (action) {
    say($("note-action"), label);
    $("note-action").onclick = action;
  }
}

/** Something that the server said; it stands for a while. */
function complain(text) {
  now.told = text;
  note(text);
  clearTimeout(now.telling);
  now.telling = setTimeout(() => {
    now.told = null;
    if ($("note-text").textContent === text) note(null);
  }, 6000);
}

/** What stands where the picture would be. */
function blank(title, text, { bad = false, actions = true, progress = false } = {}) {
  $("blank").hidden = false;
  say($("blank-title"), title);
  say($("blank-text"), text);
  $("blank-icon").hidden = progress;
  $("blank-icon").classList.toggle("bad", bad);
  $("blank-icon").querySelector("use").setAttribute("href", bad ? "#i-warn" : "#i-smile");
  $("blank-actions").hidden = !actions;
  $("progress").hidden = !progress;
}

function welcome() {
  blank("See a smile as it happens", "Start the camera, or drop a picture or a video here.");
}

// ---- one source at a time

function leave() {
  now.camera?.close();
  now.watch?.close();
  now.job?.abort();
  now.film?.stop();
  booth.stop();
  endSmiles();
  Object.assign(now, { camera: null, watch: null, job: null, film: null, faces: [], file: null, losses: 0 });
  motion.clear();
  video.pause();
  video.removeAttribute("src");
  video.load();
  if (now.url) URL.revokeObjectURL(now.url);
  now.url = null;
  overlay.clear();
  note(null);
}

function begin(mode, source) {
  leave();
  now.base = { track: 0, frame: 0 };
  now.highest = { track: 0, frame: -1 };
  session.reset();
  people.reset();
  timeline.reset();
  figures.reset();
  $("event-list").replaceChildren();
  Object.assign(now, { mode, source, space: null, lastResult: 0 });
  show();
}

/** Show what belongs to the mode. */
function show() {
  const { mode } = now;
  $("use-camera").setAttribute("aria-pressed", String(mode === "camera"));
  $("use-source").setAttribute("aria-pressed", String(mode === "watch"));
  $("use-file").setAttribute("aria-pressed", String(mode === "picture" || mode === "video"));
  video.hidden = mode !== "camera" && mode !== "video";
  picture.hidden = mode !== "watch" && mode !== "picture";
  const [mark, words] = { camera: ["stop", "Stop"], video: ["play", "Play"] }[mode] ?? [];
  $("main").hidden = !words;
  if (words) mainButton(mark, words);
  $("player").hidden = mode !== "video";
  $("mirror").hidden = mode !== "camera" && mode !== "idle";
  $("figures").hidden = mode !== "camera" && mode !== "watch";
  $("s-again").hidden = true;
  $("photo").disabled = mode === "idle";
  overlay.mirror = mode === "camera" && pressed("mirror");
  stage.classList.toggle("mirrored", overlay.mirror);
  if (mode === "idle") status("idle", "Ready");
  $("timeline-card").hidden = mode === "picture";
  tick();
}

function mainButton(mark, words) {
  $("main-icon").setAttribute("href", `#i-${mark}`);
  say($("main-text"), words);
}

function shape(width, height) {
  if (!width || !height) return;
  stage.style.aspectRatio = `${width} / ${height}`;
}

// ---- the browser's camera

async function startCamera(device) {
  begin("camera", "camera");
  blank("Starting the camera", "The browser may ask whether this page may use it.", { actions: false });
  status("wait", "Starting");
  const camera = new Camera(video, {
    result: (result, times) => liveResult(result, times, (time) => camera.seconds(time - performance.timeOrigin)),
    picture: (time) => draw(motion.at(time)),
    state: connection,
    settings: settingsInForce,
    problem: (problem) => complain(problem.message),
    ended: () => stopCamera("The camera went away", "It was unplugged, or another program took it. Start it again when it is back."),
  });
  now.camera = camera;
  try {
    await camera.open(settings.wanted, device);
  } catch (error) {
    if (now.camera !== camera) return;
    const { title, text } = cameraProblem(error);
    stopCamera(title, text);
    return;
  }
  if (now.camera !== camera) return;
  shape(video.videoWidth, video.videoHeight);
  $("blank").hidden = true;
  status("wait", "Connecting");
  announce("The camera is on");
  listCameras();
}

function stopCamera(title, text) {
  leave();
  now.mode = "idle";
  show();
  if (title) {
    blank(title, text, { bad: true });
    status("bad", "No camera");
    announce(`${title}. ${text}`);
  } else {
    welcome();
    announce("The camera is off");
  }
}

async function listCameras() {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  $("camera-field").hidden = found.length < 2;
  $("s-camera").replaceChildren(...found.map((device, at) => el("option", { value: device.deviceId }, device.label || `Camera ${at + 1}`)));
  if (now.camera?.device) $("s-camera").value = now.camera.device;
}

// ---- the server's own source

function startWatch() {
  begin("watch", now.offered?.source?.name ?? "source");
  blank("Waiting for the source", now.source, { actions: false });
  status("wait", "Connecting");
  now.watch = new Watch(picture, {
    result: (result, times) => {
      if (session.last && result.time < session.last - 1) startOver();
      if (!now.space) shape(picture.width, picture.height);
      $("blank").hidden = true;
      liveResult(result, times);
    },
    state: connection,
    settings: settingsInForce,
    problem: (problem) => complain(problem.message),
    source: sourceTold,
    event: sourceEvent,
  });
  now.watch.open();
}

function sourceTold({ name, ended }) {
  now.source = name;
  if (!ended) return;
  endSmiles();
  status("idle", "Ended");
  if (now.lastResult) note("The source has ended.", { calm: true });
  else blank("The source has ended", name, { actions: false });
}

/** The source has begun again: its clock and its people are new ones. */
function startOver() {
  endSmiles();
  timeline.reset();
  people.reset();
}

function sourceEvent(event) {
  session.event(event);
  if (event.event === "source_lost") {
    note("The source does not answer. The server opens it again and again.");
    status("wait", "Source lost");
  } else if (event.event === "source_restored") {
    note(null);
    status("live", "Live");
  }
  addEvent(event);
}

// ---- the connection

function connection(state, about) {
  if (state === "open") {
    if (now.losses) {
      note(null);
      announce("The server is back");
    }
    now.losses = 0;
    now.base = { track: now.highest.track, frame: now.highest.frame + 1 };
    status("live", "Live");
    return;
  }
  now.losses += 1;
  motion.clear();
  now.faces = [];
  endSmiles();
  people.reset();
  draw([]);
  status("bad", "No server");
  const retry = { action: () => (now.camera ?? now.watch)?.retry(), label: "Try now" };
  const refused = about.code !== 1006 && now.told; // the server said why before it closed the connection
  if (now.losses === 1) announce("The server does not answer");
  note(`${refused || "The server does not answer."} This page tries again by itself.`, retry);
  if (now.losses > 1) askWhy(retry);
}

/** A browser does not say why a WebSocket was refused; an ordinary request does. */
async function askWhy(retry) {
  try {
    await models();
  } catch (problem) {
    if (now.losses && problem.status) note(problem.message, retry);
  }
}

// ---- results

/** Numbers of people and frames go on where the server begins them anew. */
function translated(result) {
  const { track, frame } = now.base;
  const shifted = (one) => (one.track == null ? one : { ...one, track: one.track + track });
  const moved = {
    ...result, frame: result.frame + frame, faces: result.faces.map(shifted),
    events: (result.events ?? []).map((event) => ({ ...shifted(event), ...(event.frame == null ? {} : { frame: event.frame + frame }) })),
  };
  now.highest.frame = Math.max(now.highest.frame, moved.frame);
  for (const face of moved.faces) now.highest.track = Math.max(now.highest.track, face.track ?? 0);
  return moved;
}

function liveResult(raw, times, clockOf) {
  const result = translated(raw);
  now.lastResult = performance.now();
  now.space = { width: result.width, height: result.height };
  motion.update(result);
  draw(clockOf ? motion.at(clockOf(times.received)) : result.faces);
  const drawn = performance.timeOrigin + performance.now();
  document.dispatchEvent(new CustomEvent("smilecam:drawn", { detail: { ...times, drawn, result } }));
  figures.result(result, times.sent === undefined ? undefined : drawn - times.sent);
  observe(result);
  people.show();
  timeline.draw();
}

function observe(result) {
  session.add(result, now.source);
  people.update(result);
  timeline.add(result);
  for (const event of result.events) takeEvent(event);
}

function takeEvent(event) {
  if (event.event === "smile_start") now.open.set(event.track, event);
  if (event.event === "smile_end") now.open.delete(event.track);
  addEvent(event);
  announce(eventWords(event));
  if (event.event === "smile_start") booth.smile();
}

/** Smiles that nobody will see end, since their stream has: they ended when they were last seen. */
function endSmiles() {
  if (!now.open.size) return;
  const events = [...now.open.values()].map((event) => ({ ...event, event: "smile_end", time: session.last, since: session.last }));
  now.open.clear();
  for (const event of events) {
    session.event(event);
    addEvent(event);
  }
  events.forEach((event) => timeline.mark(event));
  people.update({ time: session.last, faces: [], events });
  people.show(true);
}

function draw(faces) {
  now.faces = faces;
  overlay.draw(faces, now.space, picture.hidden ? video : picture);
}

overlay.redraw = () => draw(now.faces);

function eventWords(event) {
  const who = event.track == null ? "Somebody" : `Person ${event.track}`;
  return {
    smile_start: `${who} smiles`, smile_end: `${who} stops smiling`,
    source_lost: "The source is lost", source_restored: "The source is back",
  }[event.event] ?? event.event;
}

function addEvent(event) {
  const list = $("event-list");
  const time = event.since ?? event.time;
  const words = eventWords(event);
  const label = now.mode === "video"
    ? el("button", { type: "button", class: "go", onclick: () => seek(time) }, words)
    : el("span", {}, words);
  const smile = event.event === "smile_start";
  const item = el("li", { class: smile ? "is-smile" : "is-plain", "data-event": event.event, "data-track": String(event.track ?? "") },
    el("time", {}, clock(time, true)), icon(smile ? "smile" : event.track == null ? "warn" : "plain"), label);
  if (now.mode === "video") list.append(item);
  else list.prepend(item);
  if (now.mode !== "video") while (list.children.length > MOST_EVENTS) list.lastChild.remove();
}

// ---- files

async function openFile(file) {
  if (!file) return;
  const kind = file.type.split("/")[0] || (/\.(mkv|mp4|mov|avi|webm|m4v|ts|mpg|mpeg)$/i.test(file.name) ? "video" : "image");
  if (file.type === "image/gif" || kind === "video") await openVideo(file);
  else if (kind === "image") await openPicture(file);
  else note(`${file.name} is neither a picture nor a video.`);
}

function refuse(title, problem) {
  if (problem.name === "AbortError") return;
  now.mode = "idle";
  show();
  blank(title, problem.message, { bad: true });
  status("bad", "Not read");
  announce(`${title}. ${problem.message}`);
}

async function openPicture(file) {
  begin("picture", file.name);
  now.file = file;
  await readPicture();
}

async function readPicture() {
  const { file } = now;
  now.job?.abort();
  const job = new AbortController();
  now.job = job;
  status("wait", "Reading");
  try {
    const [result, image] = await Promise.all([detect(file, settings.wanted, job.signal), createImageBitmap(file).catch(() => null)]);
    if (job.signal.aborted) return;
    showPicture(file, result, image);
  } catch (problem) {
    if (!job.signal.aborted) refuse("This picture was not read", problem);
  }
}

function showPicture(file, result, image) {
  const { width, height, faces } = result;
  [picture.width, picture.height] = [width, height];
  const context = picture.getContext("2d");
  if (image) context.drawImage(image, 0, 0, width, height);
  else note("This browser cannot show this kind of picture; the boxes are right all the same.", { calm: true });
  shape(width, height);
  now.space = { width, height };
  now.lastResult = performance.now();
  $("blank").hidden = true;
  session.reset();
  session.add({ frame: 0, time: null, faces }, file.name);
  people.reset();
  people.update({ time: null, faces });
  people.show(true);
  draw(faces);
  status("live", plural(faces.length, "face"));
  const smiling = faces.filter((face) => face.smiling).length;
  picture.setAttribute("aria-label", `${file.name}: ${plural(faces.length, "face")}, ${smiling} with a smile`);
  announce(`${plural(faces.length, "face")}, ${smiling} with a smile`);
  tick();
}

async function openVideo(file) {
  begin("video", file.name);
  now.file = file;
  const job = new AbortController();
  now.job = job;
  $("main").hidden = true;
  $("player").hidden = true;
  blank("Reading the video", file.name, { actions: false, progress: true });
  status("wait", "Reading");
  announce("Reading the video");
  try {
    const { lines } = await readVideo(file, settings.wanted, progress, job.signal);
    if (!job.signal.aborted) await showVideo(file, lines);
  } catch (problem) {
    if (!job.signal.aborted) refuse("This video was not read", problem);
  }
}

function progress(share, words) {
  const whole = Math.floor(100 * share);
  $("progress-bar").setAttribute("aria-valuenow", String(whole));
  $("progress-fill").style.width = `${whole}%`;
  say($("progress-text"), words);
}

/** Frames with their events, of the lines of a result. */
function framesOf(lines) {
  const frames = [];
  for (const line of lines) {
    if (line.type === "frame") frames.push({ ...line, events: [] });
    else if (line.type === "event" && frames.length) frames.at(-1).events.push(line);
  }
  return frames;
}

async function showVideo(file, lines) {
  const frames = framesOf(lines);
  now.url = URL.createObjectURL(file);
  video.muted = false;
  const playable = await loaded(now.url);
  const last = frames.at(-1)?.time ?? 0;
  const length = Math.max(playable ? video.duration || 0 : 0, last, 0.1);
  $("main").hidden = $("player").hidden = !playable;
  $("player").hidden = false;
  now.film = { frames, at: -1, length, playable, time: 0, stop: playable ? onPictures(video, (_, { mediaTime }) => showAt(mediaTime)) : () => {} };
  timeline.reset(length);
  for (const frame of frames) {
    session.add(frame, file.name);
    timeline.add(frame);
    frame.events.forEach(addEvent);
  }
  if (playable) {
    shape(video.videoWidth, video.videoHeight);
    now.space = { width: video.videoWidth, height: video.videoHeight };
    $("blank").hidden = true;
  } else {
    blank("The video is read", "This browser cannot play this kind of video, but its timeline is below.", { actions: false });
  }
  now.lastResult = performance.now();
  status("live", plural(session.smiles, "smile"));
  announce(`The video is read: ${plural(session.smiles, "smile")}`);
  showAt(0);
}

function loaded(url) {
  return new Promise((resolve) => {
    video.onloadeddata = () => resolve(video.videoWidth > 0);
    video.onerror = () => resolve(false);
    video.preload = "auto";
    video.src = url;
  });
}

/** Show a film's results at a time in seconds. */
function showAt(time) {
  const { film } = now;
  if (!film) return;
  film.time = time;
  const at = frameAt(film.frames, time + 0.005);
  if (at < film.at) {
    people.reset();
    film.at = -1;
  }
  while (film.at < at) people.update(film.frames[(film.at += 1)]);
  people.show();
  timeline.at(time);
  say($("clock"), `${clock(time, true)} / ${clock(film.length, true)}`);
  draw(film.frames[at]?.faces ?? []);
}

/** Index of the last frame that is not after a time; -1 before the first. */
function frameAt(frames, time) {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function seek(time) {
  const { film } = now;
  if (!film) return;
  const wanted = Math.min(film.length, Math.max(0, time));
  if (film.playable) video.currentTime = wanted;
  showAt(wanted);
}

function toNextSmile(step) {
  const { film } = now;
  if (!film) return;
  const begins = session.lines.filter((line) => line.event === "smile_start").map((line) => line.since ?? line.time).sort((a, b) => a - b);
  const next = step > 0 ? begins.find((time) => time > film.time + 0.05) : begins.findLast((time) => time < film.time - 0.3);
  if (next === undefined) announce(step > 0 ? "No further smile" : "No smile before");
  else seek(next);
}

function playOrPause() {
  if (!now.film?.playable) return;
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

// ---- photos

async function takePhoto() {
  if (!now.space || !$("blank").hidden) return null;
  return photograph(picture.hidden ? video : picture, now.faces, now.space, overlay.blur);
}

// ---- settings

function settingsChanged(wanted, changes) {
  now.camera?.set(wanted);
  now.watch?.set(changes);
  if (now.mode === "picture") readPicture();
  if (now.mode === "video") $("s-again").hidden = false;
  if (now.mode !== "camera" && now.mode !== "watch") showThreshold();
}

function settingsInForce(values) {
  settings.force(values);
  timeline.setThreshold(values.threshold_in_force ?? values.threshold);
}

/** Before a stream says which threshold is in force, the models' list does. */
function showThreshold() {
  const value = settings.thresholdNow();
  if (value != null) settingsInForce({ threshold_in_force: value });
}

const pressed = (id) => $(id).getAttribute("aria-pressed") === "true";

function toggle(id, words) {
  const on = !pressed(id);
  $(id).setAttribute("aria-pressed", String(on));
  overlay.boxes = pressed("boxes");
  overlay.blur = pressed("blur");
  overlay.mirror = now.mode === "camera" && pressed("mirror");
  stage.classList.toggle("mirrored", overlay.mirror);
  veil();
  draw(now.faces);
  announce(`${words} ${on ? "on" : "off"}`);
}

/** With the blur on, nothing is shown sharp while nobody says where the faces are. */
function veil() {
  const live = now.mode === "camera" || now.mode === "watch";
  stage.classList.toggle("veiled", overlay.blur && live && performance.now() - now.lastResult > BLIND_AFTER);
}

// ---- the rest

function save(kind, make) {
  const name = (now.source || "session").replace(/^.*[/\\]/, "").replace(/\.\w+$/, "").replace(/[^\w.-]+/g, "_") || "session";
  download(`smilecam_${name}_${stamp()}.${kind}`, make());
}

function forget() {
  session.reset();
  if (now.mode !== "video") $("event-list").replaceChildren();
  if (now.mode === "camera" || now.mode === "watch") timeline.reset();
  tick();
  announce("The session is forgotten");
}

function tick() {
  const empty = session.frames === 0;
  for (const id of ["save-jsonl", "save-csv", "save-vtt", "forget"]) $(id).disabled = empty;
  const full = session.left ? `, ${session.left.toLocaleString("en")} more not kept` : "";
  const length = session.seconds ? `, ${clock(session.seconds)}` : "";
  const content = now.mode === "picture" ? "1 picture" : `${plural(session.frames, "frame")}, ${plural(session.smiles, "smile")}${length}${full}`;
  say($("session-count"), empty ? "" : content);
  $("events").hidden = $("event-list").children.length === 0;
  $("timeline-empty").hidden = timeline.lanes.size > 0;
  if (now.mode === "camera" || now.mode === "watch") figures.show(now.camera);
  people.show();
  veil();
}

const openHelp = () => $("help-dialog").showModal();
const chooseFile = () => $("file").click();
const cameraKey = () => (now.mode === "camera" ? stopCamera() : startCamera());

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.requestFullscreen?.().catch(() => {});
}

function nextTheme() {
  const name = window.smilecamTheme.next();
  timeline.draw(true);
  announce(`Theme: ${name === "auto" ? "as the system" : name}`);
}

const KEYS = {
  c: cameraKey, o: chooseFile, p: () => $("photo").click(), s: () => $("booth").click(),
  m: () => now.mode === "camera" && toggle("mirror", "Mirror"), b: () => toggle("blur", "Blur"), v: () => toggle("boxes", "Boxes"),
  f: fullScreen, " ": playOrPause, k: playOrPause, n: () => toNextSmile(1), N: () => toNextSmile(-1),
  ArrowLeft: () => now.film && seek(now.film.time - 1), ArrowRight: () => now.film && seek(now.film.time + 1),
  d: () => $("save-jsonl").click(), t: nextTheme, "?": openHelp,
};

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !$("keys-on").checked || $("help-dialog").open) return;
  const { target } = event;
  if (target.closest("input, select, textarea")) return;
  if (event.key === " " && (!now.film || target.closest("button, summary, a"))) return;
  if (event.key.startsWith("Arrow") && target.closest("[role=slider], #events")) return;
  const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

function wireDrop() {
  const files = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    $("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").hidden = true; });
  addEventListener("drop", (event) => {
    $("drop").hidden = true;
    if (!files(event)) return;
    event.preventDefault();
    openFile(event.dataTransfer.files[0]);
  });
}

function wire() {
  const clicks = {
    "use-camera": () => now.mode === "camera" || startCamera(), "blank-camera": () => startCamera(), "use-source": startWatch,
    "use-file": chooseFile, "blank-file": chooseFile, main: () => (now.mode === "camera" ? stopCamera() : playOrPause()),
    theme: nextTheme, help: openHelp, "help-close": () => $("help-dialog").close(), full: fullScreen,
    mirror: () => toggle("mirror", "Mirror"), blur: () => toggle("blur", "Blur"), boxes: () => toggle("boxes", "Boxes"),
    photo: () => booth.shoot(), before: () => toNextSmile(-1), after: () => toNextSmile(1), forget,
    "save-jsonl": () => save("jsonl", () => session.jsonl()), "save-csv": () => save("csv", () => session.csv()),
    "save-vtt": () => save("vtt", () => session.webvtt()), "s-again": () => openVideo(now.file),
    "progress-cancel": () => { stopCamera(); welcome(); },
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", () => act());
  $("file").addEventListener("change", () => {
    openFile($("file").files[0]);
    $("file").value = "";
  });
  $("s-camera").addEventListener("change", () => startCamera($("s-camera").value));
  $("booth").addEventListener("change", () => {
    if (!booth.armed) booth.stop();
    announce(`Photo on smile ${booth.armed ? "on" : "off"}`);
  });
  video.addEventListener("play", () => now.mode === "video" && mainButton("pause", "Pause"));
  video.addEventListener("pause", () => now.mode === "video" && mainButton("play", "Play"));
  video.addEventListener("resize", () => {
    shape(video.videoWidth, video.videoHeight);
    if (now.mode === "video") now.space = { width: video.videoWidth, height: video.videoHeight };
  });
  new MutationObserver(() => timeline.draw(true)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.addEventListener("keydown", key);
  addEventListener("pagehide", leave);
  wireDrop();
  setInterval(tick, 250);
}

async function offer() {
  try {
    now.offered = await models();
  } catch (problem) {
    status("bad", "No server");
    note(problem.message, { action: () => { note(null); offer(); }, label: "Try now" });
    setTimeout(() => now.offered ?? offer(), 3000);
    return;
  }
  note(null);
  if (now.mode === "idle") status("idle", "Ready");
  settings.offer(now.offered);
  showThreshold();
  $("use-source").hidden = !now.offered.source;
  if (now.offered.source && now.mode === "idle") startWatch();
}

function start() {
  const here = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  if (!here) say($("privacy"), `Pictures go to the smilecam server ${location.hostname} and nowhere else. Nothing is stored.`);
  if (matchMedia("(max-width: 680px)").matches) $("settings").open = false;
  wire();
  show();
  if (!window.isSecureContext) {
    const { title, text } = cameraProblem();
    blank(title, text, { bad: true });
  }
  offer();
}

start();
