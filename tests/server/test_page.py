"""The page in a real browser, against a real server, in front of a camera that plays real portraits."""

from __future__ import annotations

import csv
import io
import json
import re
import time

import live_page
import pytest
from browsing import (
    ANNOUNCED,
    RESULT_AFTER,
    SCREENSHOTS,
    SET_THRESHOLD,
    STATIC,
    check_axe,
    downloaded,
    drop,
    open_advanced,
    saved_photo,
    smile_events,
    start_camera,
    static_files,
    until,
)

from smilecam.classification.classifier import SmileClassifier
from smilecam.opencv import cv2
from smilecam.presets import OperatingPoint
from smilecam.sinks.webvtt import HEADER, cue

MOST_BYTES = 280_000
WIDTHS = (360, 900, 1600)


WATCH_MARK = """() => {
  window.seen = {starts: [], events: []};
  const video = document.getElementById("video"), small = document.createElement("canvas");
  [small.width, small.height] = [1, 1];
  const context = small.getContext("2d", {willReadFrequently: true});
  let before = true;
  const check = () => {
    context.drawImage(video, video.videoWidth - 16, 8, 8, 8, 0, 0, 1, 1);
    const white = context.getImageData(0, 0, 1, 1).data[0] > 128;
    if (white && !before) seen.starts.push(performance.now());
    before = white;
    video.requestVideoFrameCallback(check);
  };
  video.requestVideoFrameCallback(check);
  new MutationObserver((changes) => changes.forEach(({addedNodes}) => addedNodes.forEach((node) => {
    if (node.dataset?.event === "smile_start") seen.events.push(performance.now());
  }))).observe(document.getElementById("event-list"), {childList: true});
}"""


def test_the_private_file_that_opens_the_page_leads_to_it(open_page, page_server, tmp_path):
    """From a file, a browser would follow a redirect without the cookie."""
    from smilecam.server.browser import _redirecting_file

    page = open_page(_redirecting_file(page_server.address, tmp_path).as_uri())
    page.wait_for_url(re.compile(r"^http://127\.0\.0\.1:\d+/$"))
    page.wait_for_selector("#use-camera")
    assert page.evaluate("fetch('/v1/models').then((answer) => answer.status)") == 200


def test_smile_is_shown_within_a_second_of_its_start(open_page):
    page = open_page()
    start_camera(page)
    page.evaluate(WATCH_MARK)
    until(page, "seen.starts.length >= 2 && seen.events.some((at) => at > seen.starts[1])", timeout=20_000)
    seen = page.evaluate("seen")
    for start in seen["starts"][:2]:
        delays = [event - start for event in seen["events"] if event >= start]
        assert delays
        assert min(delays) <= 1000
    until(page, "document.querySelector('#people .person.smiling .pill')?.textContent === 'Smiling'", timeout=5000)
    until(page, "/smiles/.test(document.getElementById('live').textContent)", timeout=5000)


OVERLAY_COLOURS = """() => {
  const canvas = document.getElementById("overlay");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let [left, right, orange, blue] = [canvas.width, 0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 250) continue;
    const [r, g, b] = data.slice(at, at + 3), x = (at / 4) % canvas.width;
    const isOrange = r > 220 && g > 140 && g < 180 && b < 30, isBlue = r < 20 && g > 100 && g < 130 && b > 160;
    if (isOrange) orange += 1; else if (isBlue) blue += 1; else continue;
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  }
  return {left: left / canvas.width, right: right / canvas.width, orange, blue};
}"""


def test_boxes_sit_on_the_face_and_settings_act(open_page):
    page = open_page()
    start_camera(page)
    script = f"(() => {{ const drawn = ({OVERLAY_COLOURS})(); return drawn.orange > 500 && drawn; }})()"
    drawn = until(page, script)
    # The face is in the middle; the label stands on the box's left.
    assert drawn["left"] == pytest.approx(0.36, abs=0.06)
    assert drawn["right"] == pytest.approx(0.64, abs=0.06)
    page.click("#boxes")
    assert page.evaluate(OVERLAY_COLOURS)["orange"] == 0
    assert page.get_attribute("#boxes", "aria-pressed") == "false"
    page.click("#boxes")
    # With a threshold of 1 % the portrait that does not smile (.02 to .03) is called smiling too.
    page.evaluate(SET_THRESHOLD, 1)
    until(page, "document.getElementById('s-point').value === 'own'")
    assert page.evaluate(FAINT_SMILE) < 0.3
    open_advanced(page)
    page.select_option("#s-policy", "strict")
    page.select_option("#s-point", "precision")
    wanted = SmileClassifier("smilenet").info.policy("strict").threshold(None, OperatingPoint.PRECISION)
    until(page, "text => document.getElementById('s-threshold-out').textContent === text", arg=f"{100 * wanted:.0f} %")
    page.select_option("#s-model", "lenet")
    until(page, RESULT_AFTER, timeout=5000)


# The first face that is called smiling at a low probability.
FAINT_SMILE = """() => new Promise((resolve) => {
  document.addEventListener("smilecam:drawn", ({detail}) => {
    for (const face of detail.result.faces) if (face.smiling && face.smile < .3) resolve(face.smile);
  });
  setTimeout(() => resolve(1), 20000);
})"""

BLURRED = """() => {
  const canvas = document.getElementById("overlay");
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(width / 2 - 20, height * .44, 40, 40);
  return data.every((value, at) => at % 4 < 3 || value === 255);
}"""


def test_blur_mirror_and_a_photo(open_page):
    page = open_page()
    start_camera(page)
    assert "mirrored" in page.get_attribute("#stage", "class")
    page.keyboard.press("m")
    assert "mirrored" not in (page.get_attribute("#stage", "class") or "")
    assert not page.evaluate(BLURRED)
    page.keyboard.press("b")
    until(page, BLURRED, timeout=3000)
    page.keyboard.press("p")
    page.wait_for_selector("#gallery img")
    photo = saved_photo(page)
    assert photo.shape == (480, 640, 3)
    # The face in it is unrecognisable: nearly no detail is left where the clip shows the brightest eyes and mouth.
    assert cv2.Laplacian(photo[190:250, 290:350], cv2.CV_64F).var() < 20


def test_downloads_hold_what_was_shown(open_page):
    page = open_page()
    page.evaluate("""() => {
      window.shown = [];
      document.addEventListener("smilecam:drawn", ({detail}) => shown.push(detail.result));
    }""")
    start_camera(page)
    smile_events(page, "smile_end").first.wait_for(timeout=10_000)
    page.click("#main")
    shown = page.evaluate("shown")
    listed = page.locator("#event-list li").evaluate_all(
        "all => all.map((one) => [one.dataset.event, one.querySelector('time').textContent])"
    )
    text, name = downloaded(page, "#save-jsonl")
    assert re.fullmatch(r"smilecam_camera_[\d_-]+\.jsonl", name)
    lines = [json.loads(line) for line in text.splitlines()]
    frames = [line for line in lines if line["type"] == "frame"]
    assert [(frame["frame"], frame["time"], frame["faces"]) for frame in frames] == [
        (result["frame"], result["time"], result["faces"]) for result in shown
    ]
    events = [line for line in lines if line["type"] == "event"]
    assert [(event["event"], page_clock(event.get("since", event["time"]))) for event in reversed(events)] == [
        tuple(one) for one in listed
    ]
    table = list(csv.DictReader(io.StringIO(downloaded(page, "#save-csv")[0])))
    faces = [(frame, face) for frame in frames for face in frame["faces"]]
    assert len(table) == len(faces)
    for row, (frame, face) in zip(table, faces, strict=True):
        assert (int(row["frame"]), float(row["time"]), int(row["track"])) == (
            frame["frame"],
            frame["time"],
            face["track"],
        )
        assert [int(row[side]) for side in ("x1", "y1", "x2", "y2")] == face["box"]
        assert (float(row["smile"]), row["smiling"] == "true") == (face["smile"], face["smiling"])
    assert downloaded(page, "#save-vtt")[0] == cues(events)


def page_clock(seconds):
    tenths = int(seconds * 10 + 0.5)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def cues(events):
    """What the command line would write of these events."""
    begun, text = {}, HEADER
    for event in events:
        if event["event"] == "smile_start":
            begun[event["track"]] = event
        else:
            start = begun.pop(event["track"])["since"]
            end = event["since"] if event["since"] > start else event["time"]
            text += cue(start, end, f"smile, person {event['track']}, peak {100 * event['peak']:.0f} %")
    return text


def test_image(open_page, astronaut, tmp_path):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    page = open_page()
    page.set_input_files("#file", path)
    page.wait_for_selector("#people .person.smiling")
    assert page.text_content("#status-text") == "1 face"
    assert "1 with a smile" in page.get_attribute("#image", "aria-label")
    assert page.evaluate(OVERLAY_COLOURS)["orange"] > 200
    (line,) = [json.loads(line) for line in downloaded(page, "#save-jsonl")[0].splitlines()]
    assert (line["source"], line["time"], len(line["faces"])) == ("astronaut.png", None, 1)
    page.evaluate(SET_THRESHOLD, 99)
    open_advanced(page)
    page.select_option("#s-policy", "strict")
    until(page, "document.getElementById('status').dataset.state === 'live'")
    notes = tmp_path / "notes.jpg"
    notes.write_text("no image")
    page.set_input_files("#file", notes)
    page.wait_for_selector("#blank .bad")
    assert page.text_content("#blank-title") == "This image was not read"


def test_video_with_its_timeline(open_page, portraits, tmp_path):
    astronaut, hopper = portraits
    video = video_of([live_page.Shot(hopper, 1, False), live_page.Shot(astronaut, 1.5, True)], tmp_path / "video.webm")
    page = open_page()
    drop(page, video)
    page.wait_for_selector("#timeline[role=slider]", timeout=30_000)
    assert page.text_content("#status-text") == "1 smile"
    assert page.is_hidden("#blank")
    page.locator("#timeline").focus()
    page.keyboard.press("Home")
    until(page, "document.querySelector('#people .person .pill')?.textContent === 'Not smiling'")
    page.locator("#event-list .go").first.click()
    until(page, "Math.abs(document.getElementById('video').currentTime - 1) < .3")
    box = page.locator("#timeline").bounding_box()
    page.mouse.click(box["x"] + 34 + 0.8 * (box["width"] - 34), box["y"] + 20)
    page.wait_for_selector("#people .person.smiling")
    until(page, f"({OVERLAY_COLOURS})().orange > 200")
    assert float(page.get_attribute("#timeline", "aria-valuenow")) == pytest.approx(2.0, abs=0.15)
    vtt = downloaded(page, "#save-vtt")[0]
    assert re.fullmatch(r"WEBVTT\n\n00:00:0[01]\.\d{3} --> 00:00:02\.\d{3}\nsmile, person 2, peak \d+ %\n\n", vtt)


def video_of(shots, path, codec="VP80"):
    frames = [frame for shot in shots for frame in live_page.views(shot, (480, 360), 150, False, 20)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 20, (480, 360))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


WELCOME = "See a smile as it happens"

VIDEO_LINES = [
    {
        "type": "frame",
        "source": "video.webm",
        "frame": number,
        "time": number / 10,
        "faces": [
            {
                "track": 77,
                "box": [100, 100, 200, 200],
                "confidence": 0.9,
                "smile": 0.2,
                "smiling": False,
                "intensity": None,
            }
        ],
    }
    for number in range(3)
]


@pytest.fixture
def unread(tmp_path):
    """A file that nobody has to be able to read: the answers of the server are made up."""
    path = tmp_path / "video.webm"
    path.write_bytes(b"no video")
    return path


def answer_videos(page, status):
    """Answer the requests for a video in place of the server; the methods and paths that were asked for."""
    asked = []

    def answer(route):
        path = route.request.url.partition("/v1/")[2].partition("?")[0]
        asked.append((route.request.method, path))
        if path.endswith(".jsonl"):
            route.fulfill(body="".join(f"{json.dumps(line)}\n" for line in VIDEO_LINES))
        else:
            route.fulfill(json={"id": "one", "status": status(), "progress": 0.5, "frames": 20})

    page.route(re.compile("/v1/videos"), answer)
    return asked


def test_cancel_while_a_video_is_read(open_page, unread):
    page = open_page()
    page.evaluate(ANNOUNCED)
    asked = answer_videos(page, lambda: "running")
    drop(page, unread)
    until(page, "document.getElementById('progress-text').textContent === '50 %, 20 frames read'")
    page.click("#progress-cancel")
    until(page, "announced.some((text) => text.includes('Reading the video was cancelled'))")
    assert "camera" not in " ".join(page.evaluate("announced")).lower()
    assert page.text_content("#blank-title") == WELCOME
    assert page.is_visible("#blank-actions")
    assert page.is_hidden("#progress")
    assert page.text_content("#status-text") == "Ready"
    assert [page.get_attribute(f"#use-{name}", "aria-pressed") for name in ("camera", "file")] == ["false", "false"]
    assert asked[-1] == ("DELETE", "videos/one")
    page.wait_for_timeout(600)  # longer than between two questions how far it is
    assert asked[-1] == ("DELETE", "videos/one")
    assert page.text_content("#blank-title") == WELCOME


SLOW_FILES = """() => {
  const {get, set} = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
  window.loading = 0;
  Object.defineProperty(HTMLMediaElement.prototype, "src", {get, set(address) {
    if (address.startsWith("blob:")) loading += 1;
    else set.call(this, address);
  }});
}"""


def until_asked(page, asked, *request):
    """Wait until a request was answered: the page first waits a moment for the browser's word on the file."""
    end = time.monotonic() + 10
    while request not in asked:
        assert time.monotonic() < end, asked
        page.wait_for_timeout(50)
    page.wait_for_timeout(100)


@pytest.mark.parametrize("left_while", ["it is read", "the browser loads it"])
def test_results_of_a_video_that_was_left_do_not_reach_the_camera(open_page, unread, left_while):
    page = open_page()
    page.evaluate(SLOW_FILES)  # as of a slow disk: the browser goes on loading until something else is played
    done = left_while != "it is read"
    asked = answer_videos(page, lambda: "done" if done else "running")
    drop(page, unread)
    if done:
        until(page, "loading === 1")
        until_asked(page, asked, "GET", "videos/one/results.jsonl")
    else:
        until(page, "!document.getElementById('progress').hidden")
        until_asked(page, asked, "GET", "videos/one")
    start_camera(page)
    done = True
    smile_events(page).first.wait_for(timeout=10_000)
    assert ("DELETE", "videos/one") in asked
    assert page.text_content("#status-text") == "Live"
    assert page.text_content("#main-text") == "Stop"
    assert page.is_hidden("#player")
    assert page.get_attribute("#timeline", "role") is None
    assert page.evaluate("document.getElementById('video').muted")
    lines = [json.loads(line) for line in downloaded(page, "#save-jsonl")[0].splitlines()]
    assert {line["source"] for line in lines if line["type"] == "frame"} == {"camera"}
    assert 77 not in {face["track"] for line in lines if line["type"] == "frame" for face in line["faces"]}


ASK_FOR_CAMERA = """() => {
  const media = navigator.mediaDevices, real = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    await new Promise((resolve) => { window.allow = resolve; });
    return window.stream = await real(wanted);
  };
}"""


def test_camera_that_is_allowed_too_late_stays_off(open_page, astronaut, tmp_path):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    page = open_page()
    page.evaluate(ASK_FOR_CAMERA)
    page.click("#use-camera")
    until(page, "!!window.allow")
    page.set_input_files("#file", path)
    page.wait_for_selector("#people .person.smiling")
    page.evaluate("allow()")
    until(page, "window.stream?.getTracks().every((track) => track.readyState === 'ended')")
    page.wait_for_timeout(300)
    assert page.text_content("#status-text") == "1 face"
    assert page.is_hidden("#video")
    assert page.is_visible("#image")


def test_camera_refused_missing_or_lost(playwright, page_server, camera_clip, open_page):
    strict = playwright.chromium.launch(
        executable_path=live_page.chromium(),
        args=[*live_page.browser_flags(camera_clip, allow=False), "--deny-permission-prompts"],
    )
    page = strict.new_page()
    page.goto(page_server.address)
    page.click("#blank-camera")
    page.wait_for_selector("#blank .bad")
    assert page.text_content("#blank-title") == "The camera was refused"
    assert page.text_content("#status-text") == "No camera"
    strict.close()
    bare = playwright.chromium.launch(
        executable_path=live_page.chromium(), args=["--use-fake-ui-for-media-stream", "--disable-gpu"]
    )
    page = bare.new_page()
    page.goto(page_server.address)
    page.click("#use-camera")
    page.wait_for_selector("#blank .bad")
    assert page.text_content("#blank-title") == "No camera found"
    bare.close()
    page = open_page()
    for name, title in (("NotReadableError", "The camera is in use"), ("AbortError", "The camera did not start")):
        # The browser's own name for it; there is no camera here that another program holds.
        page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name); }; }", name
        )
        page.click("#use-camera")
        until(page, "text => document.getElementById('blank-title').textContent === text", arg=title)
    page.reload()
    start_camera(page)
    page.evaluate("document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    until(page, "document.getElementById('blank-title').textContent === 'The camera went away'")
    assert page.is_enabled("#save-jsonl")


def test_insecure_page_has_an_explanation(open_page):
    page = open_page()
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    page.reload()
    page.wait_for_selector("#blank .bad")
    assert "https" in page.text_content("#blank-text")


def test_server_killed_and_back(open_page):
    first = live_page.Server()
    try:
        page = open_page(first.address, ignore=["WebSocket connection", "ERR_CONNECTION_REFUSED"])
        start_camera(page)
        smile_events(page).first.wait_for(timeout=8000)
        first.kill()
        page.wait_for_selector("#note:not([hidden])", timeout=5000)
        assert page.get_attribute("#status", "data-state") == "bad"
        assert page.evaluate(OVERLAY_COLOURS)["orange"] == 0
        with live_page.serving(port=first.port):
            page.wait_for_selector("#status[data-state=live]", timeout=15_000)
            page.wait_for_selector("#note[hidden]", state="attached")
            start = smile_events(page).count()
            until(
                page,
                f"document.querySelectorAll('#event-list [data-event=smile_start]').length > {start}",
                timeout=8000,
            )
            # No track goes on that the first server knew.
            lines = [json.loads(line) for line in downloaded(page, "#save-jsonl")[0].splitlines()]
            numbers = [line["frame"] for line in lines if line["type"] == "frame"]
            assert numbers == sorted(set(numbers))
            assert {face["track"] for line in lines if line["type"] == "frame" for face in line["faces"]} >= {1, 2}
    finally:
        first.stop()


def test_restarted_with_another_token_shows_what_to_do(open_page):
    first = live_page.Server()
    try:
        page = open_page(first.address, ignore=["WebSocket connection", "ERR_CONNECTION_REFUSED", "status of 401"])
        start_camera(page)
        first.kill()
        page.wait_for_selector("#note:not([hidden])", timeout=5000)
        with live_page.serving(port=first.port, token="another-token-for-tests"):
            until(page, "/another token/.test(document.getElementById('note-text').textContent)", timeout=10_000)
    finally:
        first.stop()


COUNTED = "[count, performance.now()]"

BUSY = """() => {
  document.addEventListener("smilecam:drawn", () => {
    const end = performance.now() + 250;
    while (performance.now() < end);
  });
}"""

COUNT = """() => { window.count = 0; document.addEventListener("smilecam:drawn", () => { count += 1; }); }"""


def test_slow_tab_does_not_slow_the_other(open_page, portraits, tmp_path):
    astronaut, hopper = portraits
    shots = [live_page.Shot(hopper, 2, False), live_page.Shot(astronaut, 12, True)]
    source = video_of(shots, tmp_path / "source.avi", "MJPG")
    with live_page.serving(str(source)) as server:
        quiet = {
            "viewport": {"width": 700, "height": 500},
            "ignore": ["WebSocket connection", "ERR_CONNECTION_REFUSED"],
        }
        slow, quick = (open_page(server.address, **quiet) for _ in range(2))
        for page in (slow, quick):
            page.wait_for_selector("#status[data-state=live]", timeout=15_000)
            page.evaluate(COUNT)
        assert quick.is_visible("#use-source")
        quick.wait_for_selector("#people .person.smiling", timeout=5000)
        open_advanced(quick)
        quick.select_option("#s-policy", "strict")  # there is one source, so it changes for all viewers
        until(slow, "document.getElementById('s-policy').value === 'strict'")
        # Its own thread is kept busy, so that a frame takes it a quarter of a second.
        slow.evaluate(BUSY)
        before = [page.evaluate(COUNTED) for page in (slow, quick)]
        quick.wait_for_timeout(3000)
        after = [page.evaluate(COUNTED) for page in (slow, quick)]
        rates = [1000 * (b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(before, after, strict=True)]
        assert rates[1] >= 14, rates  # of 20
        assert 0 < rates[0] < 0.5 * rates[1], rates


def test_two_tabs_are_two_sessions(open_page):
    first, second = open_page(), open_page()
    start_camera(first)
    start_camera(second)
    second.evaluate(SET_THRESHOLD, 99)
    until(second, "document.getElementById('s-point').value === 'own'")
    smile_events(first).first.wait_for(timeout=8000)
    assert first.input_value("#s-point") == "balanced"
    for page in (first, second):
        page.evaluate(RESULT_AFTER)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_and_fits(open_page, scheme):
    page = open_page(color_scheme=scheme, bypass_csp=True)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    check_axe(page)
    start_camera(page)
    smile_events(page, "smile_end").first.wait_for(timeout=10_000)
    page.wait_for_selector("#people .person.smiling")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=SCREENSHOTS / f"live_{scheme}_{width}.png", full_page=True)
    check_axe(page)
    page.keyboard.press("?")
    page.wait_for_selector("#help-dialog[open]")
    check_axe(page, "#help-dialog")


def test_keys_help_and_focus(open_page):
    page = open_page()
    page.keyboard.press("t")
    assert page.evaluate("localStorage.getItem('theme')") == "light"
    page.keyboard.press("t")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.keyboard.press("?")
    page.uncheck("#keys-on", force=True)
    page.keyboard.press("Escape")
    page.wait_for_selector("#help-dialog:not([open])", state="attached")
    page.keyboard.press("b")
    assert page.get_attribute("#blur", "aria-pressed") == "false"
    page.locator("#theme").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "help"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.track'), '::before').transitionDuration") == "0s"


def test_light_and_nothing_from_elsewhere(open_page, page_server):
    page = open_page("about:blank")
    asked, weight = [], []
    page.on("response", lambda response: (asked.append(response.url), weight.append(response)))
    page.goto(page_server.address)
    start_camera(page)
    assert all(
        url.startswith(f"http://127.0.0.1:{page_server.port}/")
        for url in asked
        if not url.startswith(("blob:", "data:"))
    )
    assert sum(path.stat().st_size for path in static_files()) <= MOST_BYTES
    files = {
        path.relative_to(STATIC).as_posix() for path in static_files() if path.parent.name != "obs"
    }  # another page
    assert files - {"index.html"} == {url.split("/static/")[1] for url in asked if "/static/" in url}


def test_only_the_engine_knows_the_server():
    engine = {"engine.js", "api.js", "link.js", "server-source.js", "camera-worker.js"}
    for path in static_files():
        if path.suffix == ".js" and path.name not in engine:
            imported = set(re.findall(r'from "(?:\.{1,2}/)+([\w-]+\.js)"', path.read_text(encoding="utf-8")))
            assert not imported & (engine - {"engine.js"}), f"{path.name} is to use engine.js"


def test_words():
    text = "".join(path.read_text(encoding="utf-8") for path in static_files()).lower()
    assert not re.search(r"\b(happy|happiness|sad|emotions?|mood|joy)\b", text)
    assert "innerhtml" not in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
