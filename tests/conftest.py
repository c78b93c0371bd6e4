"""What many tests need. The material named by SMILECAM_TEST_DATA is optional; .ci/run makes it obligatory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from smilecam.opencv import cv2
from smilecam.storage import DATA_VARIABLE as FOLDER_VARIABLE
from smilecam.types import Image

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it runs in the background ignore Ctrl-C, and the programs under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

DATA_VARIABLE = "SMILECAM_TEST_DATA"
REQUIRED_VARIABLE = "SMILECAM_TEST_DATA_REQUIRED"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session", autouse=True)
def empty_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder without any file: no test depends on what this machine's own cache holds."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder))
        yield folder


@pytest.fixture
def fetched_yunet(yunet_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """YuNet's file in its place, in a data folder of the test's own."""
    kept = tmp_path / "data" / "models" / yunet_model.name
    kept.parent.mkdir(parents=True)
    shutil.copyfile(yunet_model, kept)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    return kept


@pytest.fixture
def damaged_yunet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another file in the place of YuNet's, in a data folder of the test's own."""
    kept = tmp_path / "data" / "models" / "yunet_n_640_640.onnx"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"damaged")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    return kept


@pytest.fixture(scope="session")
def material() -> Path:
    """Folder of the real data sets and clips."""
    named = os.environ.get(DATA_VARIABLE)
    if named and Path(named).is_dir():
        return Path(named)
    reason = f"the real data and clips are not at hand (name their folder in {DATA_VARIABLE})"
    if os.environ.get(REQUIRED_VARIABLE):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def smiles_archive(material: Path) -> Path:
    return material / "SMILEsmileD-master.zip"


@pytest.fixture(scope="session")
def videos(material: Path) -> Path:
    return material / "videos"


@pytest.fixture(scope="session")
def yunet_model(material: Path) -> Path:
    """The file of the YuNet detector."""
    path = material.parent / "models" / "yunet_n_640_640.onnx"
    if not path.is_file():
        reason = f"{path} is not at hand"
        if os.environ.get(REQUIRED_VARIABLE):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def portraits() -> tuple[Image, Image]:
    """The astronaut, smiling, and Grace Hopper, not smiling."""
    pytest.importorskip("skimage", reason='needs the "demo" extra')
    from smilecam.demo import portraits

    return portraits()


@pytest.fixture(scope="session")
def astronaut(portraits: tuple[Image, Image]) -> Image:
    return portraits[0]


@pytest.fixture(scope="session")
def hopper(portraits: tuple[Image, Image]) -> Image:
    return portraits[1]


@pytest.fixture(scope="session")
def noise() -> Image:
    """A picture without a face: soft noise, uint8 (240, 320, 3)."""
    coarse = np.random.default_rng(0).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Image, hopper: Image) -> Path:
    """A video of 10 frames a second: one second of each portrait."""
    from smilecam.sinks.video_writer import VideoRecorder

    path = tmp_path_factory.mktemp("clip") / "portraits.mp4"
    with VideoRecorder(path, 10) as recorder:
        for picture in (astronaut, hopper):
            frame = cv2.resize(picture, (480, 480))
            for _ in range(10):
                recorder.write(frame, None)
    return path


@pytest.fixture(scope="session")
def write_gif() -> Callable[[Path, Sequence[Image]], None]:
    """Write images of one size as a GIF."""

    def write(path: Path, images: Sequence[Image]) -> None:
        with av.open(str(path), "w", format="gif") as container:
            stream = container.add_stream("gif", rate=5)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = "rgb8"
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="rgb8")))
            container.mux(stream.encode(None))

    return write


@pytest.fixture
def smilecam_command(tmp_path: Path) -> Run:
    """Run the command line in a process of its own, in an empty folder."""

    def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "smilecam", *map(str, arguments)]
        settings = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 120} | options
        return subprocess.run(command, **settings)

    return run


@pytest.fixture
def photos(tmp_path: Path, astronaut: Image, hopper: Image) -> Path:
    """A folder with an image of each portrait."""
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "astronaut.jpg"), astronaut)
    cv2.imwrite(str(folder / "hopper.png"), hopper)
    return folder
