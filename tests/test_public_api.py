"""What a program that uses smilecam sees."""

import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import smilecam
from smilecam import errors
from smilecam.opencv import cv2


def test_every_public_name_is_there_and_completes():
    for name in smilecam.__all__:
        assert getattr(smilecam, name) is not None
    assert set(smilecam.__all__) <= set(dir(smilecam))


def test_every_error_is_public():
    of_tree = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert of_tree <= set(smilecam.__all__)


def test_a_detector_is_a_context_manager_and_says_what_it_is(astronaut):
    with smilecam.SmileDetector() as detector:
        assert detector(astronaut).smiling
        assert repr(detector).startswith("SmileDetector(model='smilenet', version='2', policy='broad', threshold=0.")


def test_many_images_give_what_single_calls_give(astronaut, hopper, noise):
    with smilecam.SmileDetector() as detector:
        images = [astronaut, noise, hopper] * 6
        results = detector.detect_many(iter(images))
        assert results == [detector(image) for image in images]
        assert [len(result.faces) for result in results] == [1, 0, 1] * 6
        assert detector.detect_many([]) == []


def test_a_result_draws_itself_and_shows_itself_in_a_notebook(astronaut):
    with smilecam.SmileDetector() as detector:
        result = detector(astronaut)
    before = astronaut.copy()
    drawn = result.annotate(astronaut)
    assert drawn.shape == astronaut.shape
    assert (drawn != astronaut).any()
    assert (astronaut == before).all()
    assert result._repr_png_().startswith(b"\x89PNG")
    assert "image" not in repr(result)


def test_a_notebook_shows_results_and_items_as_pictures_of_bounded_size(astronaut, clip):
    formatters = pytest.importorskip("IPython.core.formatters")
    show = formatters.DisplayFormatter().format
    large = cv2.resize(astronaut, (3000, 3000))
    with smilecam.SmileDetector(detector="haar") as detector:
        results = detector.detect_many([astronaut, large])
        with closing(detector.stream(clip)) as items:
            item = next(items)
            kept = item.result
    for shown, expected in [(results[0], (512, 512)), (results[1], (1024, 1024)), (item, (480, 480))]:
        bundle, _ = show(shown)
        image = cv2.imdecode(np.frombuffer(bundle["image/png"], np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[:2] == expected
        assert len(bundle["text/plain"]) < 1000
    assert (image == item.annotate()).all()
    assert "image/png" not in show(kept)[0]  # it keeps no frame in memory
    assert "image/png" not in show(smilecam.StreamItem("clip.mp4", ()))[0]
    assert show(detector)[0]["text/plain"].startswith("SmileDetector(model='smilenet'")


def test_an_item_of_a_stream_holds_its_frame(clip):
    with smilecam.SmileDetector() as detector:
        items = list(detector.stream(clip))
    assert [item.frame for item in items] == list(range(20))
    assert all(item.image.shape == (480, 480, 3) for item in items)
    assert items[5].annotate().shape == (480, 480, 3)
    assert (items[5].annotate() != items[5].image).any()
    assert items[5].result.faces == items[5].faces


PIL_LINE = 'pass numpy.asarray(image.convert("RGB"))[..., ::-1]'


def test_other_forms_of_images_are_refused_with_the_line_that_converts_them(astronaut, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    image = image_module.fromarray(np.ascontiguousarray(astronaut[..., ::-1]))
    path = tmp_path / "astronaut.png"
    image.save(path)
    with smilecam.SmileDetector() as detector:
        with pytest.raises(smilecam.InvalidImage, match="an image is a uint8 array, not Image") as caught:
            detector(image)
        assert PIL_LINE in str(caught.value)
        assert detector(np.asarray(image.convert("RGB"))[..., ::-1]) == detector(astronaut)
        for given in (path, str(path)):
            with pytest.raises(smilecam.InvalidImage, match=r"pass smilecam.load_image\(path\)"):
                detector(given)
        assert detector(smilecam.load_image(path)) == detector(astronaut)


USER_PROGRAM = """
import smilecam
from smilecam import DecisionSettings, Event, Frame, FrameResult, SourceOptions, StreamItem


def seen(frame: Frame, result: FrameResult) -> None:
    print(frame.image.shape, result.smiling)


def happened(event: Event) -> None:
    print(event.kind.value, event.time)


def main(path: str) -> list[float]:
    smiles: list[float] = []
    with smilecam.SmileDetector(decision=DecisionSettings(min_smile=0.3)) as detector:
        results: list[FrameResult] = detector.detect_many([smilecam.load_image(path)])
        for item in detector.stream(path, SourceOptions(realtime=True)):
            kept: StreamItem = item
            smiles += [face.smile for face in kept.faces]
        with smilecam.start_stream(0, seen, happened, detector) as handle:
            handle.wait(1.0)
            print(handle.stats().rate, results[0].annotate(smilecam.load_image(path)).shape)
    return smiles
"""


def test_a_users_program_passes_a_strict_type_check(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(USER_PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_wrong_use_does_not_pass_the_type_check(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(USER_PROGRAM.replace("face.smile for", "face.happiness for"))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "happiness" in done.stdout
