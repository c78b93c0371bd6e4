"""A film with known smiles, the results of it, and a browser to read reports with."""

import os
import shutil
from fractions import Fraction

import av
import pytest

from smilecam.cli.main import call
from smilecam.opencv import cv2

REQUIRED = "SMILECAM_TEST_DATA_REQUIRED"


@pytest.fixture(scope="session")
def needed():
    """Gives a package; where everything must be installed its absence is a failure."""

    def give(package):
        if os.environ.get(REQUIRED):
            return __import__(package, fromlist=["*"])
        return pytest.importorskip(package, reason=f"{package} is not installed")

    return give


@pytest.fixture(scope="package")
def short_film(tmp_path_factory, astronaut, hopper):
    """Six seconds at 10 frames a second, smiles from 1.0 to 2.5 and from 4.0 to 5.0; VP9, which every browser plays."""
    path = tmp_path_factory.mktemp("short") / "a film.webm"
    smiling, plain = (cv2.resize(image, (320, 320), interpolation=cv2.INTER_AREA) for image in (astronaut, hopper))
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libvpx-vp9", rate=10, options={"deadline": "realtime", "cpu-used": "8", "g": "10"})
        stream.width = stream.height = 320
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for number in range(60):
            smiles = 10 <= number < 25 or 40 <= number < 50
            frame = av.VideoFrame.from_ndarray(mark(smiling if smiles else plain, number), format="bgr24")
            frame.pts, frame.time_base = 100 * number, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def mark(image, number):
    """The image with its number in six black or white squares at its lower edge."""
    marked = image.copy()
    for bit in range(6):
        marked[-32:, 32 * bit : 32 * bit + 32] = 255 if number >> bit & 1 else 0
    return marked


@pytest.fixture(scope="session")
def number_of():
    """Reads the number of a marked frame."""
    return lambda image: sum((image[-20:-12, 32 * bit + 12 : 32 * bit + 20].mean() > 128) << bit for bit in range(6))


@pytest.fixture(scope="package")
def archive(tmp_path_factory, short_film, astronaut, hopper):
    """A folder with the film, two photos, and the JSON lines of all of them."""
    folder = tmp_path_factory.mktemp("archive")
    shutil.copyfile(short_film, folder / "a film.webm")
    cv2.imwrite(str(folder / "astronaut & co.png"), astronaut)
    cv2.imwrite(str(folder / "hopper.jpg"), hopper)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call(["detect", ".", "--jsonl", "results.jsonl", "--detector", "haar"]) == 0
    return folder


@pytest.fixture(scope="module")
def browser(needed):
    """Chromium. Closed after the module: while it is open, no other test can run an event loop in this thread."""
    playwright = needed("playwright.sync_api")
    path = os.environ.get("SMILECAM_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)("Chromium is not installed")
    flags = ["--autoplay-policy=no-user-gesture-required", "--disable-gpu", "--mute-audio"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
