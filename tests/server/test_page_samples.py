"""The page without a camera: the sample clip and the examples, drawn and really read; glow, meter and chime."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from browsing import ANNOUNCED, check_axe, fits, saved_photo, until

from smilecam import SmileDetector
from smilecam.classification.classifier import model_names
from smilecam.opencv import cv2
from smilecam.sources import face_drawing

EXAMPLES = {"A smile": [True], "No smile": [False], "Three people": [True, False, True]}

DRAW = """async ([scale, smile]) => {
  const {drawBust, PEOPLE} = await import("/static/sample/face-drawing.js");
  const {width, height, data} = drawBust(scale, smile, PEOPLE[0]);
  return [width, height, btoa(Array.from(data, (value) => String.fromCharCode(value)).join(""))];
}"""

EXAMPLE = """async (at) => {
  const {EXAMPLES, exampleFile} = await import("/static/sample/examples.js");
  const bytes = new Uint8Array(await (await exampleFile(EXAMPLES[at])).arrayBuffer());
  return [EXAMPLES[at].name, btoa(Array.from(bytes, (value) => String.fromCharCode(value)).join(""))];
}"""

NO_CAMERA = (
    """() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error("the camera was asked for"); }; }"""
)


def test_the_page_draws_the_face_of_the_synthetic_source(open_window):
    page = open_window()
    for smile in (0, 0.5, 1):
        width, height, data = page.evaluate(DRAW, [60, smile])
        drawn = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4).astype(np.float32)
        wanted = face_drawing.draw_bust(60, round(smile * face_drawing.STEPS)).astype(np.float32)
        assert wanted.shape == drawn.shape
        alpha = drawn[..., 3:]
        assert np.abs(alpha - wanted[..., 3:]).mean() < 0.2
        assert np.abs(drawn[..., 2::-1] * alpha / 255 - wanted[..., :3]).mean() < 0.5


def test_every_network_reads_the_examples_right(open_window):
    page = open_window()
    images = dict(page.evaluate(EXAMPLE, at) for at in range(len(EXAMPLES)))
    assert list(images) == list(EXAMPLES)
    for model in model_names():
        with SmileDetector(model, detector="haar") as detector:
            for name, content in images.items():
                image = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
                faces = sorted(detector(image).faces, key=lambda face: face.box.x1)
                assert [face.smiling for face in faces] == EXAMPLES[name]
                assert all(abs(face.smile - 0.5) > 0.4 for face in faces)


def test_an_example_from_the_welcome(open_window):
    page = open_window()
    page.click("#examples button:has-text('Three people')")
    page.wait_for_selector("#people .person:nth-child(3)")
    states = page.locator("#people .pill").all_text_contents()
    assert [text.strip() for text in states] == ["Smiling", "Not smiling", "Smiling"]


def test_sample_clip_plays_without_a_camera_and_everyone_gets_a_shot(open_window):
    page = open_window()
    page.evaluate(NO_CAMERA)
    page.evaluate(ANNOUNCED)
    page.check("#booth", force=True)
    page.select_option("#booth-who", "everyone")
    page.click("#examples button:has-text('Sample clip')")
    page.wait_for_selector("#people .person:nth-child(2)", timeout=60_000)
    until(page, "document.getElementById('together').textContent === '1 of 2 smiles'", timeout=60_000)
    assert page.locator("#gallery li").count() == 0
    half = int(page.get_attribute("#warmth-meter", "aria-valuenow"))
    assert 20 <= half <= 80
    until(page, "document.getElementById('together').textContent === 'Everyone smiles: 2 of 2'", timeout=60_000)
    until(page, "Number(document.getElementById('warmth-meter').getAttribute('aria-valuenow')) > 85")
    until(page, "Number(getComputedStyle(document.getElementById('glow')).opacity) > .8")
    until(page, "announced.some((text) => text.includes('Everyone smiles: 2 of 2'))")
    page.wait_for_selector("#gallery li")
    assert page.text_content("#gallery .mark") == "2 of 2 smile"
    photo = saved_photo(page)
    assert [face.smiling for face in SmileDetector(detector="haar")(photo).faces] == [True, True]
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.getElementById('glow')).transitionDuration") == "0s"
    page.click("#main")
    assert page.is_visible("#examples")
    assert page.evaluate("Number(getComputedStyle(document.getElementById('glow')).opacity)") < 0.01


COUNT_TONES = """() => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { tones += 1; return start.apply(this, when); };
}"""


def test_chime_is_off_until_it_is_switched_on(open_window):
    page = open_window()
    page.evaluate(COUNT_TONES)
    page.click("#examples button:has-text('Sample clip')")
    page.wait_for_selector("#event-list [data-event=smile_start]", timeout=60_000)
    assert page.evaluate("tones") == 0
    page.click("#chime")
    assert page.get_attribute("#chime", "aria-pressed") == "true"
    until(page, "tones > 0")
    heard = page.evaluate("tones")
    until(page, "before => tones > before", arg=heard, timeout=60_000)  # the next smile


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_welcome(open_window, scheme):
    page = open_window(color_scheme=scheme, bypass_csp=True)
    until(page, "document.querySelectorAll('#examples canvas').length === 4")
    page.wait_for_timeout(300)  # the drawings
    assert re.search("nowhere else", page.text_content("#blank-privacy"))
    check_axe(page)
    fits(page, f"welcome_{scheme}")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.getElementById('blank-privacy').getBoundingClientRect().bottom") <= 740
