"""Photos of the page: of the best moment of a smile, never of a face that smiles no longer; the strip of them."""

from __future__ import annotations

import live_page
import pytest
from browsing import ANNOUNCED, check_axe, saved_photo, smile_events, start_camera, until

from smilecam import SmileDetector
from smilecam.opencv import cv2

MARKS = "document.querySelectorAll('#gallery li').length"


@pytest.fixture(scope="module")
def smiles():
    """Whether the one face of a photo smiles, as a detector of its own reads it."""
    with SmileDetector(detector="haar") as detector:

        def smiles(image):
            (face,) = detector(image).faces
            return face.smiling

        yield smiles


def arm(page, wait="0"):
    page.check("#booth", force=True)
    page.select_option("#booth-wait", wait)


def test_a_photo_on_smile_is_of_the_smile(open_page, smiles):
    page = open_page()
    page.evaluate(ANNOUNCED)
    arm(page)
    start_camera(page)
    page.wait_for_selector("#gallery li")
    assert page.text_content("#gallery .mark") == "smile"
    assert smiles(saved_photo(page))
    until(page, "announced.some((text) => text.includes('Photo taken: smile'))")
    until(page, f"{MARKS} === 2", timeout=30_000)  # a further smile, once the pause is over
    assert smiles(saved_photo(page))


# Each state of the badge: its text, that of the shutter, and whether it covers the face, which is in the middle.
WATCH_BADGE = """() => {
  window.badges = [];
  const badge = document.getElementById("countdown"), stage = document.getElementById("stage");
  const note = () => {
    if (badge.hidden) return;
    const [one, all] = [badge, stage].map((element) => element.getBoundingClientRect());
    const over = one.left < all.left + .64 * all.width && one.right > all.left + .36 * all.width
      && one.top < all.top + .7 * all.height && one.bottom > all.top + .2 * all.height;
    badges.push([badge.textContent, document.getElementById("shutter-count").textContent, over]);
  };
  new MutationObserver(note).observe(badge, {childList: true, attributes: true});
}"""


@pytest.fixture
def short_smiles(playwright, portraits, tmp_path):
    """A browser whose camera shows 5 seconds without a smile and 1.6 with one: 3 seconds later it is gone."""
    astronaut, hopper = portraits
    shots = [live_page.Shot(hopper, 5, False), live_page.Shot(astronaut, 1.6, True)]
    clip = live_page.camera_clip(tmp_path / "short.y4m", shots, (320, 240), 100)
    browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(clip))
    yield browser
    browser.close()


def test_at_the_end_of_the_countdown_the_smile_is_waited_for(short_smiles, page_server, smiles):
    page = short_smiles.new_page()
    page.goto(page_server.address)
    page.evaluate(ANNOUNCED)
    page.evaluate(WATCH_BADGE)
    arm(page, "3")
    start_camera(page)
    page.wait_for_selector("#gallery li")
    badges = page.evaluate("badges")
    texts = [text for text, _, _ in badges]
    order = list(dict.fromkeys(texts))
    assert order == [*sorted(order[:-1], reverse=True), "Waiting for the smile"]
    assert {"1", "2"} & set(order)
    assert {shutter for text, shutter, _ in badges if text == "2"} <= {"2"}
    assert not any(over for _, _, over in badges)
    assert page.is_hidden("#countdown")
    assert smiles(saved_photo(page))
    until(page, "/Waiting for the smile.*Photo taken/.test(announced.join())")


def test_a_photo_on_smile_of_the_source_of_the_server(open_page, smiles):
    with live_page.serving("--detector", "haar", "synthetic:face:640x480@20?seconds=60") as server:
        page = open_page(server.address, ignore=["WebSocket connection", "ERR_CONNECTION_REFUSED"])
        arm(page)
        page.wait_for_selector("#gallery li")
        assert smiles(saved_photo(page))


# A smile as the shutter sees it: whether each of the faces smiles, at milliseconds.
RUN_SHUTTER = """async (cases) => {
  const {SmileShutter} = await import("/static/shutter.js");
  return cases.map(([everyone, wait, course]) => {
    const done = [];
    const shutter = new SmileShutter({
      offer: (result) => done.push(`offer ${result.now}`), shoot: () => done.push("shoot"), reset: () => {},
    });
    for (const [now, ...smiling] of course) {
      const faces = smiling.map((one, at) => ({track: at + 1, smiling: Boolean(one)}));
      shutter.take({now, faces}, {everyone, wait}, now);
    }
    return done;
  });
}"""

# Whether everyone must smile, seconds of the countdown, the smiles, and what comes of them.
COURSES = [
    (False, 0, [(0, 0), (100, 1), (500, 1), (900, 1)], ["offer 100", "offer 500", "offer 900", "shoot"]),
    (False, 0, [(0, 1), (300, 0), (5000, 0)], ["offer 0", "shoot"]),  # a short smile
    (False, 0, [(0, 1), (800, 1), (9000, 1)], ["offer 0", "offer 800", "shoot"]),  # one photo a smile
    (False, 0, [(0, 1), (800, 0), (9000, 1), (9800, 1)], ["offer 0", "shoot", "offer 9000", "offer 9800", "shoot"]),
    (False, 1, [(0, 1), (900, 1), (1100, 1), (1900, 1)], ["offer 1100", "offer 1900", "shoot"]),
    (False, 1, [(0, 1), (900, 0), (1100, 0), (4000, 0)], []),  # gone at zero, and not back
    (False, 1, [(0, 1), (900, 0), (1100, 0), (4000, 1), (4800, 1)], ["offer 4000", "offer 4800", "shoot"]),
    (True, 0, [(0, 1, 0), (500, 0, 1), (900, 1, 0)], []),
    (True, 0, [(0, 1, 0), (500, 1, 1), (900, 1, 0)], ["offer 500", "shoot"]),
    (True, 0, [(0,), (500,)], []),  # nobody
]


def test_when_the_shutter_shoots(open_page):
    done = open_page().evaluate(RUN_SHUTTER, [case[:3] for case in COURSES])
    for case, found in zip(COURSES, done, strict=True):
        assert found == case[3], case


BEST = """async () => {
  const {BestFrame} = await import("/static/best-frame.js");
  const frames = new BestFrame(), kept = [];
  const offer = (name, smiling, intensity, sharp) => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 64});
    const context = canvas.getContext("2d");
    context.fillStyle = `rgb(0 ${sharp} 0)`;
    for (let x = 0; x < 64; x += 4) context.fillRect(x, 0, 2, 64);
    const faces = smiling.map((one) => ({smiling: one, intensity, box: [0, 0, 64, 64], name}));
    frames.offer(canvas, {faces, width: 64, height: 64});
    kept.push(frames.best.faces[0].name);
  };
  offer("first", [true], .5, 100);
  offer("weaker", [true], .3, 200);
  offer("stronger", [true], .9, 50);
  offer("sharper", [true], .9, 150);
  offer("two", [true, true], .4, 20);
  offer("one", [true, false], .9, 200);
  return kept;
}"""


def test_the_best_frame(open_page):
    assert open_page().evaluate(BEST) == ["first", "first", "stronger", "sharper", "two", "two"]


CORNER = """async (cases) => {
  const {freeCorner} = await import("/static/corner.js");
  const [stage, badge, space] = [[640, 480], [60, 50], [320, 240]].map(([width, height]) => ({width, height}));
  return cases.map(([box, mirror]) => freeCorner(stage, badge, box ? [{box}] : [], space, mirror));
}"""

# The box of a face, whether the image is mirrored, and the corner.
CORNERS = [
    (None, False, "top-left"),
    ([120, 60, 200, 140], False, "top-left"),
    ([5, 5, 80, 80], False, "top-right"),
    ([5, 5, 80, 80], True, "top-left"),
    ([0, 0, 320, 80], False, "bottom-left"),
    ([10, 10, 310, 230], False, None),
]


def test_the_corner_without_a_face(open_page):
    assert open_page().evaluate(CORNER, [case[:2] for case in CORNERS]) == [case[2] for case in CORNERS]


def test_the_shutter_is_under_the_picture(open_page):
    page = open_page()
    start_camera(page)
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 740})
        stage, shutter = (page.locator(place).bounding_box() for place in ("#stage", "#photo"))
        assert stage["y"] + stage["height"] <= shutter["y"]
        assert shutter["y"] + shutter["height"] <= 740
        assert min(shutter["width"], shutter["height"]) >= 44


def test_the_strip_opens_saves_and_deletes(open_page):
    page = open_page(bypass_csp=True)
    start_camera(page)
    for number in range(1, 6):
        page.keyboard.press("p")
        until(page, f"{MARKS} === {number}")
    assert "not mirrored" in page.text_content("#film")
    widths = page.locator("#gallery li").evaluate_all("all => all.map((one) => one.getBoundingClientRect().width)")
    assert min(widths) > 0.2 * page.locator("#film").bounding_box()["width"]  # four side by side
    page.locator("#gallery li:nth-child(2) button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#photo-dialog[open]")
    assert page.text_content("#photo-title") == "Photo 4 of 5"
    check_axe(page, "#photo-dialog")
    page.keyboard.press("ArrowRight")
    assert page.text_content("#photo-title") == "Photo 5 of 5"
    assert page.is_disabled("#photo-after")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    until(page, f"{MARKS} === 4")
    page.keyboard.press("Escape")
    until(page, "document.getElementById('gallery').contains(document.activeElement)")
    page.click("#note-action")
    until(page, f"{MARKS} === 5")
    names = []
    page.on("download", lambda download: names.append(download.suggested_filename))
    page.click("#save-photos")
    for _ in range(50):
        if len(names) == 5:
            break
        page.wait_for_timeout(100)
    assert len(set(names)) == 5
    with page.expect_download() as waiting:
        page.click("#save-strip")
    strip = cv2.imread(str(waiting.value.path()))
    assert strip.shape == (32 + 4 * 480 + 3 * 20 + 56, 640 + 2 * 32, 3)
    with SmileDetector(detector="haar") as detector:
        assert len(detector(strip).faces) == 4
    page.click("#drop-photos")
    assert page.is_hidden("#film")
    assert page.evaluate("document.activeElement.id") == "photo"


def test_photos_are_not_mirrored(open_page):
    """The clip has its mark, white while somebody smiles, in the upper right corner."""
    page = open_page()
    arm(page)
    start_camera(page)
    assert "mirrored" in page.get_attribute("#stage", "class")
    page.wait_for_selector("#gallery li")
    photo = saved_photo(page)
    assert photo[4:20, -20:-4].mean() > 200
    assert photo[4:20, 4:20].mean() < 200
    smile_events(page).first.wait_for()
