"""Several images on the page: all are read, one is open; saving with boxes and labels."""

from __future__ import annotations

import json
from pathlib import Path

import browsing
import numpy as np
import pytest
from browsing import drop, until

from smilecam.opencv import cv2


@pytest.fixture(scope="module")
def album(portraits, tmp_path_factory):
    """A portrait with a smile, one without, both side by side, no image, and an empty wall."""
    folder = tmp_path_factory.mktemp("album")
    astronaut, hopper = (cv2.resize(portrait, (360, 360)) for portrait in portraits)
    images = {
        "astronaut.jpg": astronaut,
        "hopper.png": hopper,
        "both.jpg": np.hstack([astronaut, hopper]),
        "wall.png": np.full((200, 300, 3), 200, np.uint8),
    }
    for name, image in images.items():
        cv2.imwrite(str(folder / name), image)
    (folder / "notes.jpg").write_text("no image")
    return [folder / name for name in ("astronaut.jpg", "hopper.png", "notes.jpg", "both.jpg", "wall.png")]


def labels(page):
    return page.locator("#strip-list button").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")


def open_album(open_window, album, **options):
    page = open_window(**options)
    drop(page, *album)
    until(page, "document.getElementById('status-text').textContent === '5 images'", timeout=20_000)
    return page


def test_all_of_several_images_are_read_and_one_is_open(open_window, album):
    page = open_album(open_window, album, bypass_csp=True)
    assert [label.partition(": ")[2] for label in labels(page)] == [
        "1 face, 1 with a smile",
        "1 face, 0 with a smile",
        "The image is not a JPEG, PNG or WebP.",
        "2 faces, 1 with a smile",
        "0 faces, 0 with a smile",
    ]
    assert page.text_content("#strip-summary") == "4 of 5 images read · 4 faces, 2 with a smile · 1 could not be read"
    assert page.locator("#strip-list [aria-current]").get_attribute("aria-label").startswith("astronaut.jpg")
    assert page.locator("#people .person").count() == 1
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('#people .state')?.textContent === 'Not smiling'")
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('blank-title').textContent === 'This image was not read'")
    assert "notes.jpg" in page.text_content("#blank-text")
    assert page.locator("#people .person").count() == 0
    page.locator("#strip-list button").nth(3).click()
    until(page, "document.querySelectorAll('#people .person').length === 2")
    assert page.is_hidden("#blank")
    browsing.fits_in_both_themes(page, "images")
    with page.expect_download() as waiting:
        page.click("#save-jsonl")
    lines = [json.loads(line) for line in Path(waiting.value.path()).read_text("utf-8").splitlines()]
    assert [(line["source"], len(line["faces"])) for line in lines] == [
        ("astronaut.jpg", 1),
        ("hopper.png", 1),
        ("both.jpg", 2),
        ("wall.png", 0),
    ]


def saved(page):
    with page.expect_download() as waiting:
        page.click("#save-image")
    return cv2.imread(str(waiting.value.path())), waiting.value.suggested_filename


def orange(image):
    """Pixels of the colour of a smile, which JPEG changes a little."""
    return int((np.abs(image.astype(int) - (0, 159, 230)).max(axis=2) < 40).sum())


def test_the_annotated_image_is_saved_in_full_size(open_window, album):
    page = open_window()
    page.set_input_files("#file", album[3])
    until(page, "document.querySelectorAll('#people .person').length === 2")
    image, name = saved(page)
    assert image.shape == (360, 720, 3)
    assert name.startswith("smilecam_both_")
    assert orange(image) > 800
    page.keyboard.press("v")
    without, _ = saved(page)
    assert orange(without) < 0.3 * orange(image)
    assert np.abs(without.astype(int) - cv2.imread(str(album[3])).astype(int)).mean() < 4
    page.keyboard.press("b")
    blurred, _ = saved(page)
    x1, y1, x2, y2 = 130, 70, 200, 140
    sharpness = [cv2.Laplacian(one[y1:y2, x1:x2], cv2.CV_64F).var() for one in (without, blurred)]
    assert sharpness[1] < 0.3 * sharpness[0]


SLOW = """() => {
  const real = window.fetch;
  window.asked = 0;
  window.fetch = async (...all) => {
    if (String(all[0]).includes("/v1/detect")) {
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    return real(...all);
  };
}"""


def test_reading_can_be_stopped_and_continued_and_left(open_window, album):
    page = open_window()
    page.evaluate(SLOW)
    drop(page, *album)
    until(page, "document.querySelectorAll('#strip-list button:enabled').length >= 1")
    assert page.text_content("#main-text") == "Stop"
    page.click("#main")
    asked = page.evaluate("asked")
    page.wait_for_timeout(900)
    assert page.evaluate("asked") == asked
    assert asked < 5
    assert page.text_content("#main-text") == "Read the rest"
    page.click("#main")
    until(page, "document.getElementById('status-text').textContent === '5 images'", timeout=20_000)
    # Other settings: everything is read again.
    page.evaluate("document.getElementById('s-point').value = 'precision'")
    page.evaluate("document.getElementById('s-point').dispatchEvent(new Event('change'))")
    until(page, "/^Reading/.test(document.getElementById('status-text').textContent)")
    page.set_input_files("#file", album[1])
    until(page, "document.getElementById('status-text').textContent === '1 face'", timeout=20_000)
    assert page.is_hidden("#strip")


CHOSEN = """async () => {
  const {chosen, MOST_IMAGES} = await import("./static/choose-files.js");
  const file = (name, type = "") => new File(["x"], name, {type});
  const told = (files) => {
    const {images, video, text} = chosen(files);
    return [images.length, video?.name ?? null, text];
  };
  return [
    told([file("a.ts", "text/vnd.trolltech.linguist")]),
    told([file("a.avi", "video/x-msvideo"), file("b.mp4", "video/mp4")]),
    told([file("a.png", "image/png"), file("b.mp4", "video/mp4"), file("c.txt", "text/plain")]),
    told(Array.from({length: MOST_IMAGES + 2}, (_, at) => file(`${at}.jpg`, "image/jpeg"))),
    told([file("c.txt", "text/plain")]),
  ];
}"""


def test_what_is_opened_of_files_of_several_kinds(open_window):
    assert open_window().evaluate(CHOSEN) == [
        [0, "a.ts", ""],
        [0, "a.avi", "Of several videos the first is opened."],
        [1, None, "Videos are opened one at a time, without images. c.txt is neither an image nor a video."],
        [200, None, "The first 200 of 202 images are read."],
        [0, None, "c.txt is neither an image nor a video."],
    ]
