"""What every sink must do: take pictures and videos mixed, and leave whole files when it is interrupted."""

import csv
import json

import pytest

from smilecam.opencv import cv2
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run_sources import RunReport, run_sources
from smilecam.sinks.annotated import AnnotatedOutput, plan_names
from smilecam.sinks.csv import CsvTable
from smilecam.sinks.jsonl import JsonLines
from smilecam.sinks.snapshots import Snapshots
from smilecam.sinks.summary import Summary
from smilecam.sinks.webvtt import WebVtt, plan_cue_names
from smilecam.sources.images import load_image, save_image
from smilecam.sources.resolve import find_sources


@pytest.fixture(scope="module")
def refs(tmp_path_factory, clip, astronaut, hopper):
    folder = tmp_path_factory.mktemp("mixed")
    save_image(folder / "a.png", astronaut)
    (folder / "b.mp4").write_bytes(clip.read_bytes())
    save_image(folder / "c.jpg", hopper)
    (folder / "d.mp4").write_bytes(clip.read_bytes())
    return find_sources(folder)


def frames_in(path):
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


class Files:
    """Every sink at once, and what lies in the folder afterwards."""

    def __init__(self, folder, refs, blur=False):
        for name in ("marked", "cues", "snaps"):
            (folder / name).mkdir()
        self.folder, self.said, self.seen = folder, [], 0
        self.sinks = [
            Summary(self.said.append),
            JsonLines(str(folder / "out.jsonl")),
            CsvTable(str(folder / "out.csv")),
            WebVtt(plan_cue_names(folder / "cues", refs, into_folder=True)),
            AnnotatedOutput(plan_names(folder / "marked", refs, into_folder=True), blur),
            Snapshots(folder / "snaps", blur=blur),
        ]

    def read(self, refs, stop_after=None):
        def watch(*arguments):
            for item in arguments[-1]:
                yield item
                self.seen += item.result is not None
                if self.seen == stop_after:
                    raise KeyboardInterrupt

        run_sources(refs, SmileDetector(), self.sinks, RunReport(), watch)

    def lines(self):
        return [json.loads(line) for line in (self.folder / "out.jsonl").read_text().splitlines()]

    def rows(self):
        with (self.folder / "out.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def check_agreement(self):
        """All forms tell of the same frames, faces and smiles."""
        frames = [line for line in self.lines() if line["type"] == "frame"]
        assert [len(row) for row in self.rows()] == [14] * sum(len(frame["faces"]) for frame in frames)
        starts = [line for line in self.lines() if line.get("event") == "smile_start"]
        cues = [path.read_text() for path in (self.folder / "cues").iterdir()]
        assert all(text.startswith("WEBVTT\n\n") for text in cues)
        assert sum(text.count("-->") for text in cues) == len(starts) > 0
        marked = sorted((self.folder / "marked").iterdir())
        assert sum(frames_in(path) for path in marked if path.suffix == ".mp4") == sum(
            frame["time"] is not None for frame in frames
        )
        snaps = sorted((self.folder / "snaps").iterdir())
        assert 0 < len(snaps) <= len(starts)
        assert all(load_image(path).shape == (480, 480, 3) for path in snaps)
        assert not list(self.folder.rglob(".*"))
        return frames, marked


@pytest.mark.parametrize("blur", [False, True])
def test_pictures_and_videos_mixed(tmp_path, refs, blur):
    files = Files(tmp_path, refs, blur)
    files.read(refs)
    frames, marked = files.check_agreement()
    assert len(frames) == 42
    assert [path.name for path in marked] == ["a_smiles.png", "b_smiles.mp4", "c_smiles.jpg", "d_smiles.mp4"]
    assert len(files.said) == 4


@pytest.mark.parametrize("stop_after", [7, 8, 17, 30])
def test_an_interrupt_leaves_whole_files(tmp_path, refs, stop_after):
    files = Files(tmp_path, refs)
    with pytest.raises(KeyboardInterrupt):
        files.read(refs, stop_after)
    frames, _ = files.check_agreement()
    assert len(frames) >= stop_after
    # A line for each source that was begun.
    assert len(files.said) == len({frame["source"] for frame in frames})
