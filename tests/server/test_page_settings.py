"""Settings of the page behind one slider, what is remembered of them, how large the image is, and other cameras."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import live_page
import pytest
from browsing import RESULT_AFTER, SET_THRESHOLD, open_advanced, start_camera, until

from smilecam.classification.classifier import SmileClassifier
from smilecam.opencv import cv2
from smilecam.presets import OperatingPoint

SENSITIVITY = "document.getElementById('s-sensitivity-out').textContent"
STORED = "JSON.parse(localStorage.getItem('smilecam.page'))"


def percent_of(text):
    return int(re.search(r"(\d+) %", text)[1])


def test_sensitivity_is_an_operating_point_or_a_threshold(open_window, astronaut, tmp_path):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    page = open_window()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/detect" in request.url else None)
    page.set_input_files("#file", path)
    page.wait_for_selector("#people .person.smiling")
    policy = SmileClassifier("smilenet").info.policy()
    balanced, precision = (
        policy.threshold(None, point) for point in (OperatingPoint.BALANCED, OperatingPoint.PRECISION)
    )
    assert page.evaluate(SENSITIVITY) == f"Balanced, from {100 * balanced:.0f} %"
    assert page.is_hidden("#s-threshold")
    slider = page.locator("#s-sensitivity")
    slider.focus()
    wanted = {
        "ArrowRight": [("Faint smiles too", 0.6 * balanced), ("The faintest smiles", 0.3 * balanced)],
        "Home": [("Clear smiles only", precision)],
        "ArrowUp": [("Mostly clear smiles", (balanced + precision) / 2), ("Balanced", balanced)],
    }
    for key, steps in wanted.items():
        for name, threshold in steps:
            before = len(asked)
            slider.press(key)
            until(page, f"{SENSITIVITY}.startsWith('{name}')")
            assert percent_of(page.evaluate(SENSITIVITY)) == pytest.approx(100 * threshold, abs=1)
            assert slider.get_attribute("aria-valuetext") == page.evaluate(SENSITIVITY)
            until(page, "document.getElementById('status').dataset.state === 'live'")
            for _ in range(100):
                if len(asked) > before:
                    break
                page.wait_for_timeout(30)
            query = parse_qs(urlsplit(asked[-1]).query)
            if name in ("Balanced", "Clear smiles only"):
                point = {"Balanced": "balanced", "Clear smiles only": "precision"}[name]
                assert (query["operating_point"], "threshold" in query) == ([point], False)
            else:
                assert float(query["threshold"][0]) == pytest.approx(threshold, abs=0.006)
    page.evaluate(SET_THRESHOLD, 71)
    until(page, f"{SENSITIVITY} === 'Custom, from 71 %'")
    open_advanced(page)
    page.click("#reset")
    until(page, f"{SENSITIVITY} === 'Balanced, from {100 * balanced:.0f} %'")
    assert page.evaluate("localStorage.getItem('smilecam.page')") is None


def test_what_one_set_is_there_after_a_reload(open_window, page_server):
    page = open_window()
    page.evaluate(SET_THRESHOLD, 30)
    until(page, "document.getElementById('s-point').value === 'own'")
    for id_ in ("blur", "chime", "theatre"):
        page.click(f"#{id_}")
    page.check("#booth", force=True)
    page.select_option("#booth-who", "everyone")
    page.select_option("#booth-wait", "5")
    page.click("#advanced summary")
    page.select_option("#s-model", "lenet")
    page.reload()
    until(page, "document.getElementById('s-model').value === 'lenet'")
    assert [page.get_attribute(f"#{id_}", "aria-pressed") for id_ in ("blur", "chime", "theatre")] == ["true"] * 3
    assert [page.input_value(f"#booth-{name}") for name in ("who", "wait")] == ["everyone", "5"]
    assert page.is_checked("#booth")
    assert page.is_visible("#booth-options")
    assert page.is_visible("#s-model")
    until(page, f"{SENSITIVITY}.endsWith('from 30 %')")
    stored = page.evaluate("JSON.stringify({...localStorage})")
    assert "only-for-tests-of-the-page" not in stored
    assert page_server.address.split("token=")[1] not in stored


STORED_BADLY = [
    "not json",
    "null",
    "[1]",
    '"text"',
    json.dumps({"version": 99, "values": {"blur": True}}),
    json.dumps({"version": 1, "values": None}),
    json.dumps(
        {
            "version": 1,
            "values": {
                "blur": "yes",
                "booth": 7,
                "booth-who": "nobody",
                "booth-wait": "<b>",
                "theatre": {},
                "camera": 5,
                "settings": {
                    "model": "gone",
                    "detector": ["x"],
                    "threshold": 7,
                    "operating_point": "best",
                    "extra": 1,
                },
            },
        }
    ),
]


def test_what_is_stored_is_not_taken_on_trust(open_window):
    page = open_window()
    for stored in STORED_BADLY:
        page.evaluate("text => localStorage.setItem('smilecam.page', text)", stored)
        page.reload()
        until(page, f"{SENSITIVITY}.startsWith('Balanced')")
        assert page.get_attribute("#blur", "aria-pressed") == "false"
        assert not page.is_checked("#booth")
        assert page.input_value("#booth-who") == "anyone"
        page.click("#blur")
        assert page.evaluate(STORED) == {"version": 1, "values": {**kept(stored), "blur": True}}


def kept(stored):
    """What is left of stored values: all, where the form is right."""
    try:
        return (
            json.loads(stored)["values"] if json.loads(stored)["version"] == 1 and json.loads(stored)["values"] else {}
        )
    except (ValueError, TypeError, KeyError):
        return {}


def test_remembered_settings_act_from_the_first_frame(open_page):
    page = open_page()
    page.evaluate(
        "text => localStorage.setItem('smilecam.page', text)",
        json.dumps({"version": 1, "values": {"settings": {"operating_point": "precision", "model": "lenet"}}}),
    )
    page.reload()
    start_camera(page)
    wanted = SmileClassifier("lenet").info.policy().threshold(None, OperatingPoint.PRECISION)
    until(page, f"{SENSITIVITY} === 'Clear smiles only, from {100 * wanted:.0f} %'")
    page.evaluate(RESULT_AFTER)


def test_theatre_and_full_screen_have_their_controls(open_window):
    page = open_window(viewport={"width": 1440, "height": 900})
    page.click("#examples button:has-text('Sample clip')")
    page.wait_for_selector("#people .person", timeout=20_000)
    usual = page.locator("#stage").bounding_box()
    assert usual["width"] > 1000
    page.keyboard.press("w")
    wide = page.locator("#stage").bounding_box()
    assert wide["width"] > 1.25 * usual["width"]
    page.keyboard.press("f")
    until(page, "document.fullscreenElement?.id === 'stage-card'")
    until(page, "document.getElementById('stage').clientHeight > .75 * innerHeight")
    assert page.get_attribute("#full", "aria-pressed") == "true"
    in_sight(page)
    page.keyboard.press("f")
    until(page, "!document.fullscreenElement")
    page.evaluate("Object.defineProperty(document, 'fullscreenEnabled', {value: false})")  # as on phones of Apple
    page.click("#full")
    assert page.evaluate("document.getElementById('stage-card').getBoundingClientRect().height === innerHeight")
    in_sight(page)
    page.keyboard.press("Escape")
    assert page.get_attribute("#full", "aria-pressed") == "false"


def in_sight(page):
    for id_ in ("main", "photo", "blur", "full"):
        box = page.locator(f"#{id_}").bounding_box()
        assert box["y"] + box["height"] <= page.evaluate("innerHeight")


def test_flip_takes_the_next_camera(playwright, page_server):
    flags = ["--use-fake-device-for-media-stream=device-count=2", "--use-fake-ui-for-media-stream", "--disable-gpu"]
    chromium = playwright.chromium.launch(executable_path=live_page.chromium(), args=flags)
    page = chromium.new_page()
    page.goto(page_server.address)
    assert page.is_hidden("#flip")
    page.click("#use-camera")
    page.wait_for_selector("#flip:not([hidden])", timeout=15_000)
    device = "document.getElementById('video').srcObject.getVideoTracks()[0].getSettings().deviceId"
    first = page.evaluate(device)
    page.keyboard.press("x")
    until(page, f"document.getElementById('video').srcObject && {device} !== '{first}'")
    second = page.evaluate(device)
    until(page, f"document.getElementById('s-camera').value === '{second}'")
    page.reload()
    page.click("#use-camera")
    until(page, f"document.getElementById('video').srcObject && {device} === '{second}'")  # remembered
    chromium.close()


FACING = """() => {
  const real = MediaStreamTrack.prototype.getSettings;
  window.wanted = [];
  MediaStreamTrack.prototype.getSettings = function () {
    return {...real.call(this), facingMode: wanted.at(-1) ?? "user"};
  };
  const media = navigator.mediaDevices, open = media.getUserMedia.bind(media);
  media.getUserMedia = ({video}) => {
    wanted.push(video.facingMode?.ideal);
    return open({video: {...video, facingMode: undefined}});
  };
}"""


def test_flip_of_a_phone_takes_the_camera_that_faces_the_other_way(open_page):
    """The camera here faces nowhere, so where it faces is said for it."""
    page = open_page(has_touch=True, is_mobile=True)
    page.evaluate(FACING)
    start_camera(page)
    page.wait_for_selector("#flip:not([hidden])")
    assert "mirrored" in page.get_attribute("#stage", "class")
    page.click("#flip")
    until(page, "wanted.at(-1) === 'environment'")
    until(page, "!document.getElementById('stage').classList.contains('mirrored')")
    page.wait_for_selector("#flip:not([hidden])")
    page.click("#flip")
    until(page, "wanted.at(-1) === 'user'")
    until(page, "document.getElementById('stage').classList.contains('mirrored')")
