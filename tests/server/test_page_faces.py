"""Boxes, labels and the list of faces on the page."""

from __future__ import annotations

import browsing
import numpy as np
import pytest
from browsing import until

from smilecam.label_layout import Rectangle, Size, place_labels
from smilecam.opencv import cv2
from smilecam.types import Box


@pytest.fixture(scope="module")
def crowd(portraits, tmp_path_factory):
    """16 faces in 4 rows: two portraits in turn."""
    tiles = []
    for portrait, (left, top, side) in zip(portraits, ((110, 0, 230), (60, 20, 420)), strict=True):
        tiles.append(cv2.resize(portrait[top : top + side, left : left + side], (200, 200)))
    rows = [np.hstack([tiles[(row + column) % 2] for column in range(4)]) for row in range(4)]
    path = tmp_path_factory.mktemp("crowd") / "crowd.png"
    cv2.imwrite(str(path), np.vstack(rows))
    return path


def open_crowd(open_window, crowd, **options):
    page = open_window(**options)
    page.set_input_files("#file", crowd)
    page.wait_for_selector("#people .person")
    until(page, "document.querySelectorAll('#people .person').length === 16")
    return page


# Of the overlay's pixels: how many inside the boxes are painted, how many orange or blue ones there are outside.
PAINTED = """async () => {
  const {faces} = window.result, canvas = document.getElementById("overlay");
  const {data, width, height} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const scale = Math.min(width / result.width, height / result.height);
  const [left, top] = [(width - result.width * scale) / 2, (height - result.height * scale) / 2];
  const inset = 4 * width / canvas.clientWidth;
  let inside = 0, outside = 0;
  const boxes = faces.map(({box}) => box.map((value, at) => (at % 2 ? top : left) + value * scale));
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] === 0) continue;
    const x = ((at - 3) / 4) % width, y = Math.floor((at - 3) / 4 / width);
    const within = (by) => boxes.some(([a, b, c, d]) => x > a + by && y > b + by && x < c - by && y < d - by);
    if (within(inset)) inside += 1;
    else if (!within(-inset)) outside += 1;
  }
  return {inside, outside};
}"""

KEEP_RESULT = """() => {
  const real = window.fetch;
  window.fetch = async (...all) => {
    const answer = await real(...all);
    if (String(all[0]).includes("/v1/detect")) window.result = (await answer.clone().json()).results[0];
    return answer;
  };
}"""


@pytest.mark.parametrize("numbers", [False, True])
def test_labels_of_16_faces_at_320_pixels_cover_none(open_window, crowd, numbers):
    page = open_window(viewport={"width": 320, "height": 700})
    page.evaluate(KEEP_RESULT)
    page.set_input_files("#file", crowd)
    until(page, "document.querySelectorAll('#people .person').length === 16")
    if numbers:
        page.click("#numbers")
    painted = page.evaluate(PAINTED)
    assert painted["inside"] == 0
    assert painted["outside"] > 8 * 200  # 8 of them smile, and their labels are there


PLACE = """async ([boxes, sizes, frame, gap]) => {
  const {placeLabels} = await import("./static/label-layout.js");
  return placeLabels(boxes, sizes, frame, gap).map((label) => label && [label.choice, ...label.rectangle]);
}"""


def test_the_page_places_labels_as_the_drawings_do(open_window):
    page = open_window()
    random = np.random.default_rng(3)
    for _ in range(40):
        corners = random.integers(0, 280, (12, 2))
        sides = random.integers(8, 80, 12)
        boxes = [Box(int(x), int(y), int(x + s), int(y + s)) for (x, y), s in zip(corners, sides, strict=True)]
        sizes = [[Size(60, 16), Size(44, 12)] if number % 4 else [] for number in range(12)]
        placed = place_labels(boxes, sizes, Size(320, 320), 3)
        asked = page.evaluate(PLACE, [[list(box) for box in boxes], sizes, [320, 320], 3])
        assert asked == [None if label is None else [label.choice, *label.rectangle] for label in placed]
        rectangles = [Rectangle(*label[1:]) for label in asked if label]
        assert not any(one.meets(Rectangle(*box)) for one in rectangles for box in boxes)


def test_only_smiles_have_a_word_and_everything_else_is_on_demand(open_window, crowd):
    page = open_crowd(open_window, crowd)
    labels = """async () => {
      const texts = [], real = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        texts.push(text);
        real.call(this, text, ...rest);
      };
      document.getElementById("boxes").click();
      document.getElementById("boxes").click();
      CanvasRenderingContext2D.prototype.fillText = real;
      return texts;
    }"""
    assert page.evaluate(labels) == ["Smiling"] * 8
    page.keyboard.press("l")
    texts = page.evaluate(labels)
    assert len(texts) == 16
    # What the label says is what the list says.
    listed = page.locator("#people .person").evaluate_all(
        """all => all.map((one) => `#${one.dataset.track} ${one.querySelector('.state').textContent} ${
          one.querySelector('.about').textContent.replace('probability ', '')}`)"""
    )
    assert sorted(texts) == sorted(listed)
    assert page.locator("#people .person.smiling").count() == 8


CUT = """() => [...document.querySelectorAll("#people canvas")].map((canvas) => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const values = data.filter((_, at) => at % 4 === 1), mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  let steps = 0;
  for (let at = 1; at < values.length; at += 1) steps += Math.abs(values[at] - values[at - 1]);
  return [mean, steps / values.length];
})"""


def test_faces_in_the_list_are_joined_with_their_boxes(open_window, crowd):
    page = open_crowd(open_window, crowd)
    until(page, f"({CUT})().every(([mean]) => mean > 20)")
    sharp = [steps for _, steps in page.evaluate(CUT)]
    line = page.locator("#people .person").nth(2)
    line.hover()
    assert "marked" in line.get_attribute("class")
    page.mouse.move(5, 5)
    assert page.locator(".marked").count() == 0
    page.locator("#people .portrait").nth(15).focus()
    assert page.locator(".marked").get_attribute("data-track") == "16"
    # From the image to the list: the first face of the second row is a line that has to be scrolled to.
    page.locator("#numbers").focus()
    stage = page.locator("#stage").bounding_box()
    side = min(stage["width"], stage["height"])
    page.mouse.move(stage["x"] + stage["width"] / 2 + side * 0.38, stage["y"] + side * 0.87)
    marked = page.locator("#people .marked")
    assert marked.count() == 1
    box, list_box = marked.bounding_box(), page.locator("#people").bounding_box()
    assert list_box["y"] <= box["y"] + 1
    assert box["y"] + box["height"] <= list_box["y"] + list_box["height"] + 1
    page.keyboard.press("b")
    until(page, f"({CUT})().every(([mean]) => mean > 20)")
    blurred = [steps for _, steps in page.evaluate(CUT)]
    assert all(after < before for before, after in zip(sharp, blurred, strict=True))


MANY = """async () => {
  const {Tracks} = await import("./static/tracks.js");
  const list = document.createElement("ul"), count = document.createElement("span");
  const tracks = new Tracks(list, document.createElement("p"), count);
  const faces = Array.from({length: 75}, (_, at) => ({box: [0, 0, 9, 9], smile: at / 100, smiling: at > 50}));
  tracks.update({time: null, faces});
  tracks.show(true);
  return [list.querySelectorAll(".person").length, list.lastChild.textContent, count.textContent];
}"""


def test_more_people_than_the_list_holds(open_window):
    assert open_window().evaluate(MANY) == [60, "and 15 more", "24 of 75 smile"]


def test_a_crowd_is_accessible_and_fits(open_window, crowd):
    page = open_crowd(open_window, crowd, bypass_csp=True)
    browsing.fits_in_both_themes(page, "crowd")
