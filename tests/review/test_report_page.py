"""The report, read in a real browser, offline: content, filters, links that seek, both themes, accessibility."""

import base64
import os
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

import smilecam
from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.detection.registry import Use, resolve_detector
from smilecam.opencv import cv2
from smilecam.review.report import plots
from smilecam.review.report.data import ReportData, ReportedImage, ReportedSmile, ReportedVideo
from smilecam.review.report.page import ReportOptions, write_report
from smilecam.review.report.plots import clock
from smilecam.review.report.thumbnails import face_thumbnail, frame_at
from smilecam.types import Box

SCREENSHOTS = Path(
    os.environ.get("SMILECAM_TEST_SCREENSHOTS", Path(__file__).resolve().parents[2] / "build" / "screenshots")
)

LOCAL = ("file:", "data:")


@pytest.fixture(scope="module")
def report(archive):
    """The report of the archive, beside its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(archive)
        assert call(["report", "results.jsonl", "--output", "report.html"]) == exit_codes.DONE
    return archive / "report.html"


@pytest.fixture
def open_report(browser):
    """Opens a report offline; at the end nothing may have been logged, or asked of a host."""
    contexts, trouble = [], []

    def open_report(path, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "offline": True} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else trouble.append(request.url),
        )
        page.goto(path.as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert trouble == []


class _Addresses(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.images, self.other = [], [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "href":
                self.links.append(value)
            elif name == "src":
                self.images.append(value)
            elif name in ("style", "action", "srcset", "poster") or name.startswith("on"):
                self.other.append((tag, name))


def addresses(path):
    found = _Addresses()
    found.feed(path.read_text("utf-8"))
    return found


def test_one_file_that_names_no_host(report):
    found = addresses(report)
    assert found.other == []
    assert all(image.startswith("data:image/jpeg;base64,") for image in found.images)
    assert len(found.images) == 4, "two smiles and two images"
    for link in found.links:
        parts = urlsplit(link)
        assert not parts.scheme
        assert not parts.netloc
        assert not parts.path or (report.parent / unquote(parts.path)).is_file()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', report.read_text("utf-8"))[1]
    assert policy.startswith("default-src &#x27;none&#x27;")
    assert "unsafe" not in policy


def test_content(report, open_report):
    page = open_report(report)
    assert page.title() == "Smiles: results"
    assert page.locator(".tiles dd").nth(0).inner_text() == "2"
    assert page.locator(".video h3").all_inner_texts() == ["a film.webm"]
    assert page.locator(".image h3").all_inner_texts() == ["astronaut & co.png", "hopper.jpg"]
    assert page.locator(".image p").all_inner_texts()[0].startswith("1 face, 1 smiling, highest ")
    assert "2 smiles in 0:02." in page.locator(".video > p").first.inner_text()
    assert page.locator(".timeline .smile").count() == 2
    read = "bars => bars.map(bar => ['x', 'width'].map(name => +bar.getAttribute(name)))"
    bars = page.locator(".timeline .smile").evaluate_all(read)
    assert np.allclose(bars, [[1000 / 5.9, 1450 / 5.9], [4000 / 5.9, 950 / 5.9]], atol=25)
    assert "smile" in page.locator(".plot").nth(0).get_attribute("aria-label")
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 100)")


def test_filters_and_order(report, open_report):
    page = open_report(report)
    shown = page.locator("#shown")
    assert shown.inner_text() == "3 of 3 shown"
    page.fill("#name", "HOPPER")
    assert shown.inner_text() == "1 of 3 shown"
    assert page.locator("#videos-title").is_hidden()
    page.fill("#name", "")
    page.check("#smiling")
    assert shown.inner_text() == "2 of 3 shown"
    page.uncheck("#smiling")
    page.select_option("#kind", "video")
    assert shown.inner_text() == "1 of 3 shown"
    page.fill("#longest", "1.8")
    assert shown.inner_text() == "0 of 3 shown"
    page.select_option("#kind", "")
    page.fill("#longest", "0")
    page.focus("#peak")
    for _ in range(18):
        page.keyboard.press("ArrowRight")
    assert shown.inner_text() == "2 of 3 shown"
    assert page.locator("#peak-value").inner_text() == "90 %"


def test_order_by_name_counts_numbers(tmp_path, open_report):
    data = ReportData("order", [ReportedImage(f"img_{n}.jpg", 1, n % 2, 0.5) for n in (10, 9, 1)])
    write_report(tmp_path / "order.html", data, ReportOptions(tmp_path))
    page = open_report(tmp_path / "order.html")
    assert page.locator(".image h3").all_inner_texts() == ["img_1.jpg", "img_9.jpg", "img_10.jpg"]
    page.select_option("#order", "name")
    assert page.locator(".image h3").all_inner_texts() == ["img_1.jpg", "img_9.jpg", "img_10.jpg"]
    page.select_option("#order", "")
    assert page.locator(".image h3").all_inner_texts() == ["img_1.jpg", "img_9.jpg", "img_10.jpg"]


def until(page, condition):
    """Wait for a condition; the page's policy forbids what Playwright's own wait evaluates."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        time.sleep(0.05)
    raise AssertionError(condition)


def playing_at(page):
    until(page, "!document.querySelector('#player').hidden && document.querySelector('video').readyState >= 2")
    return page.evaluate("document.querySelector('video').currentTime")


def test_links_seek(report, open_report):
    page = open_report(report)
    page.locator(".shots a").nth(1).click()
    assert 3.8 <= playing_at(page) <= 6
    assert page.locator("#playing").inner_text() == "a film.webm"
    assert page.locator("#trouble").is_hidden()
    page.evaluate("document.querySelector('video').pause()")
    page.locator(".timeline .smile").first.click()
    until(page, "document.querySelector('video').currentTime < 3")
    assert 0.8 <= playing_at(page) <= 3
    page.click("#close")
    box = page.locator(".timeline").bounding_box()
    page.locator(".timeline").click(position={"x": box["width"] * 0.9, "y": box["height"] - 4})
    until(page, "document.querySelector('video').currentTime > 5")
    until(page, "document.querySelector('.timeline.playing .cursor').x1.baseVal.value > 800")


def test_keyboard_alone(report, open_report):
    page = open_report(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(60):
        if page.evaluate("document.activeElement.matches('.shots a')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert 0.8 <= playing_at(page) <= 4
    page.keyboard.press("Escape")
    assert page.locator("#player").is_hidden()
    assert page.evaluate("document.activeElement.matches('.shots a')"), "focus is back where it was"
    assert page.evaluate("document.querySelector('video').paused")


def test_a_video_that_the_browser_cannot_play(tmp_path, open_report):
    (tmp_path / "odd.mp4").write_text("no video")
    video = ReportedVideo("odd.mp4", 10, 2.0, 1, 1.0, [ReportedSmile(1, 0.5, 1.5, 0.9, 1.0, Box(1, 1, 9, 9))])
    written = write_report(tmp_path / "odd.html", ReportData("odd", videos=[video]), ReportOptions(tmp_path))
    assert (written.thumbnails, written.missing) == (0, [])
    page = open_report(tmp_path / "odd.html")
    page.locator(".shots a").click()
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.locator("#direct").get_attribute("href") == "odd.mp4#t=0.5"


def test_names_are_text_and_no_markup(tmp_path, open_report):
    name = "<b onmouseover='x'>$title & \"co\"</b><script>alert(1)</script>.jpg"
    data = ReportData(name, [ReportedImage(name, 1, 1, 0.9)], [ReportedVideo(name)], [(name, name)], {name: name})
    write_report(tmp_path / "names.html", data, ReportOptions(tmp_path))
    page = open_report(tmp_path / "names.html")
    assert page.title() == f"Smiles: {name}"
    assert page.inner_text("h1") == f"Smiles: {name}"
    assert page.locator("h3").all_inner_texts() == [name, name]
    assert page.locator("td").all_inner_texts()[-2:] == [name, name]
    assert page.locator("b").count() == 0
    page.fill("#name", "<B ON")
    assert page.inner_text("#shown") == "2 of 2 shown"


def test_without_script_everything_is_there(report, open_report):
    page = open_report(report, java_script_enabled=False)
    assert page.locator("#filters").is_hidden()
    assert page.locator(".video").count() == 1
    assert page.locator(".shots a").first.get_attribute("href").startswith("a%20film.webm#t=")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_and_fits_in_both_themes(report, open_report, needed, scheme):
    axe = needed("axe_playwright_python.sync_playwright")
    page = open_report(report, color_scheme=scheme, bypass_csp=True)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in (1280, 760, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=SCREENSHOTS / f"report_{scheme}_{width}.png", full_page=True)
    page.locator(".shots a").first.click()
    page.wait_for_selector("#player:not([hidden])")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response
    assert found["passes"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []


def test_the_theme_button(report, open_report):
    page = open_report(report, color_scheme="light")
    colours = []
    for name in ("light", "dark", "automatic"):
        page.click("#theme")
        assert page.locator("#theme-name").inner_text() == name
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] == colours[2] != colours[1]


def test_colours_are_those_of_the_live_page():
    root = Path(smilecam.__file__).parent

    def variables(path):
        return re.findall(r"--([\w-]+): ([^;]+);", path.read_text("utf-8").split("* {")[0])

    assert variables(root / "review/report/static/report.css") == variables(root / "server/static/style.css")


def images_in(path):
    for address in addresses(path).images:
        content = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
        yield cv2.imdecode(content, cv2.IMREAD_COLOR)


def faces_in(path):
    detect = resolve_detector("haar").spec.make(Use.IMAGE)
    return [len(detect(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))) for image in images_in(path)]


def test_thumbnails_show_faces_unless_anonymised(archive, report, tmp_path, monkeypatch, capsys):
    assert faces_in(report) == [1, 1, 1, 1]
    monkeypatch.chdir(archive)
    assert call(["report", "results.jsonl", "--blur", "-o", str(tmp_path / "blurred.html")]) == exit_codes.DONE
    assert faces_in(tmp_path / "blurred.html") == [0, 0, 0, 0]
    capsys.readouterr()


def test_number_of_thumbnails_and_where_the_files_are(archive, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    results = str(archive / "results.jsonl")
    assert call(["report", results, "-o", "none.html"]) == exit_codes.DONE
    assert "a film.webm and 2 more not found" in capsys.readouterr().err
    assert list(images_in(tmp_path / "none.html")) == []
    assert call(["report", results, "-o", "some.html", "--media", str(archive), "--thumbnails", "3"]) == exit_codes.DONE
    assert capsys.readouterr().err == ""
    assert len(list(images_in(tmp_path / "some.html"))) == 3


def test_sources_that_are_no_files_are_not_missed(tmp_path):
    names = ["rtsp://***@camera/live", "s3://bucket/film.mp4", "camera:0", "synthetic:face?seconds=8", "stdin", "a.mp4"]
    data = ReportData("live", videos=[ReportedVideo(name) for name in names])
    assert write_report(tmp_path / "live.html", data, ReportOptions(tmp_path)).missing == ["a.mp4"]
    assert addresses(tmp_path / "live.html").links == ["#main"]


def test_the_page_has_the_name_of_the_results(archive, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.results.jsonl").write_bytes((archive / "results.jsonl").read_bytes())
    assert call(["report", "my.results.jsonl", "--media", str(archive)]) == exit_codes.DONE
    assert capsys.readouterr().out == "wrote my.results.html: 1 video, 2 images, 4 thumbnails\n"
    assert len(list(images_in(tmp_path / "my.results.html"))) == 4


def test_codes(archive, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.jsonl").write_text("no lines")
    results = str(archive / "results.jsonl")
    cases = [
        (["nowhere"], exit_codes.FAILURE, "cannot be read"),
        (["text.jsonl"], exit_codes.FAILURE, "no JSON"),
        ([results, "-o", results], exit_codes.USAGE, "would replace the results"),
        ([results, "-o", str(archive / "a film.webm")], exit_codes.USAGE, "ends in .html"),
        ([results, "-o", "none/report.html"], exit_codes.FAILURE, "cannot write none"),
    ]
    for arguments, code, message in cases:
        assert call(["report", *arguments]) == code, arguments
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["text.jsonl"]


def test_thousands_of_files_stay_readable(tmp_path, open_report):
    images = [ReportedImage(f"photos/{n}.jpg", 2, n % 3, n / 5000) for n in range(5000)]
    videos = [
        ReportedVideo(f"videos/{n}.mp4", 100, 60.0, 3, 5.0, [ReportedSmile(1, n % 50, n % 50 + 5, 0.9, 20, None)])
        for n in range(1000)
    ]
    data = ReportData("many", images, videos, [(f"{n}.jpg", "is empty") for n in range(1000)])
    write_report(tmp_path / "many.html", data, ReportOptions(tmp_path))
    assert (tmp_path / "many.html").stat().st_size < 3_000_000
    page = open_report(tmp_path / "many.html")
    assert "600 with most smiles, of 5,000" in page.inner_text("section:has(#images-title) > .quiet")
    assert page.locator(".tiles dd").nth(0).inner_text() == "5,000"
    page.fill("#name", "4997")
    assert page.locator("#shown").inner_text() == "1 of 900 shown"


@pytest.mark.parametrize("at", [0.0, 0.7, 1.35, 3.9, 5.9, 99.0])
def test_the_frame_at_a_time(short_film, number_of, at):
    assert number_of(frame_at(short_film, at)) == min(59, int(np.ceil(at * 10 - 0.011)))


def test_faces_at_the_edge_of_a_frame(astronaut):
    for box in (Box(-40, -40, 60, 60), Box(480, 480, 540, 540), Box(2000, 2000, 2100, 2100), None):
        content = face_thumbnail(astronaut, box)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert max(image.shape[:2]) == 144


def test_rows_of_a_timeline_do_not_overlap():
    smiles = [
        ReportedSmile(n, start, end, 0.9, start, None)
        for n, (start, end) in enumerate([(0, 5), (1, 2), (2, 3), (5, 6)])
    ]
    assert plots._lanes(smiles) == [0, 1, 1, 0]
    crowd = [ReportedSmile(n, 0, 9, 0.9, 0, None) for n in range(40)]
    assert max(plots._lanes(crowd)) == plots.MAX_LANES - 1


@pytest.mark.parametrize(
    ("seconds", "digits", "shown"),
    [(0, 0, "0:00"), (59.96, 1, "1:00.0"), (61.24, 1, "1:01.2"), (3599.6, 0, "1:00:00"), (3725.5, 1, "1:02:05.5")],
)
def test_times(seconds, digits, shown):
    assert clock(seconds, digits) == shown
