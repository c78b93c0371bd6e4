"""Long videos in pieces: joined, they are as in one piece."""

from dataclasses import replace
from itertools import islice

import av
import numpy as np
import pytest

from smilecam.errors import SourceUnreadable
from smilecam.opencv import cv2
from smilecam.scan.listing import list_files
from smilecam.scan.pieces import PieceSource, count_pieces
from smilecam.scan.run_scan import run_scan
from smilecam.scan.task import job_from_text, job_to_text
from smilecam.scan.worker import ONE_THREAD

SIX_SECONDS = 0.1
"""A piece, in minutes."""


@pytest.fixture(scope="module")
def settings(settings):
    return replace(settings, detection_size=160)


@pytest.fixture(scope="module")
def long_video(tmp_path_factory, astronaut, hopper):
    """20 seconds: a portrait for 2.5 seconds, then the other, and so on."""
    from smilecam.sinks.video_writer import VideoRecorder

    path = tmp_path_factory.mktemp("long") / "long.mp4"
    with VideoRecorder(path, 10) as recorder:
        for number in range(200):
            recorder.write(cv2.resize((astronaut, hopper)[number // 25 % 2], (240, 240)), None)
    return path


@pytest.fixture
def both(inline_engine, tmp_path):
    """Scan a video in one piece and in several."""

    def run(path, settings, minutes=SIX_SECONDS):
        reports = []
        for out, split in (("whole", 0.0), ("split", minutes)):
            chosen = replace(settings, split=split)
            engine = inline_engine(chosen)
            reports.append(run_scan(list_files([str(path)]), chosen, engine, tmp_path / out, ["jsonl"]))
        return *reports, engine

    return run


def test_a_video_with_cuts_has_the_same_tables(both, long_video, settings, tmp_path, read_table):
    whole, split, engine = both(long_video, settings)
    assert split == whole
    assert [task.piece is not None for task in engine.done] == [False, True, True, True, False]
    assert len(read_table(tmp_path / "whole", "smiles")) == 4
    for table in ("frames", "faces", "smiles", "events"):
        assert read_table(tmp_path / "split", table) == read_table(tmp_path / "whole", table)
    (one,), (three,) = (read_table(tmp_path / out, "videos") for out in ("whole", "split"))
    assert (one.pop("pieces"), three.pop("pieces")) == (1, 3)
    assert one == three


@pytest.mark.parametrize(("percent", "pieces"), [(40, 1), (66, 7)])
def test_a_video_that_was_cut_short_has_the_rows_up_to_there(
    percent, pieces, both, astronaut, settings, tmp_path, read_table
):
    path = tmp_path / "cut.mp4"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
        video = output.add_stream("libx264", rate=10, options={"g": "20"})
        video.width, video.height, video.pix_fmt = 240, 240, "yuv420p"
        for number in range(200):
            image = np.roll(cv2.resize(astronaut, (240, 240)), number % 7, axis=1)
            output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        output.mux(video.encode(None))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * percent // 100])
    both(path, settings, SIX_SECONDS / 2)
    (one,), (several,) = (read_table(tmp_path / out, "videos") for out in ("whole", "split"))
    assert (one.pop("pieces"), several.pop("pieces")) == (1, pieces)
    assert 0 < one["frames"] < 130
    assert one["frames"] + one["missing"] == 200
    assert one == several
    assert read_table(tmp_path / "split", "errors") == []
    whole, split = (
        [(row["frame"], row["time"], row["faces"]) for row in read_table(tmp_path / out, "frames")]
        for out in ("whole", "split")
    )
    assert split == whole


def test_a_video_without_cuts_has_the_same_smiles(both, videos, settings, tmp_path, read_table):
    both(videos / "clm_cap13_edit2.mp4", replace(settings, threshold=0.2))
    (one,), (several,) = (read_table(tmp_path / out, "videos") for out in ("whole", "split"))
    assert several["pieces"] == 5
    assert (one["frames"], one["tracks"], one["smiles"]) == (several["frames"], several["tracks"], several["smiles"])
    for one, several in zip(*(read_table(tmp_path / out, "faces") for out in ("whole", "split")), strict=True):
        assert (one["frame"], one["track"]) == (several["frame"], several["track"])
        assert several["x1"] == pytest.approx(one["x1"], abs=12)
        assert several["smoothed"] == pytest.approx(one["smoothed"], abs=0.15)


def test_pieces_have_results_of_their_own(inline_engine, long_video, settings, tmp_path):
    chosen = replace(settings, split=SIX_SECONDS)

    class Interrupted(inline_engine):
        def run(self, jobs):
            for record in super().run(jobs):
                yield record
                if self.done[-1].piece is not None:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scan(list_files([str(long_video)]), chosen, Interrupted(chosen), tmp_path / "out", ["jsonl"])
    engine = inline_engine(chosen)
    run_scan(list_files([str(long_video)]), chosen, engine, tmp_path / "out", ["jsonl"])
    assert [task.piece and task.piece.start for task in engine.done] == [None, 6.0, 12.0, None]
    for task in engine.done:
        assert job_from_text(job_to_text((task,))) == (task,)


def test_which_videos_are_split(long_video, clip, videos):
    assert count_pieces(long_video, SIX_SECONDS, ONE_THREAD) == 3
    assert count_pieces(long_video, 0.2, ONE_THREAD) == 2
    assert count_pieces(long_video, 1, ONE_THREAD) == 1
    assert count_pieces(clip, SIX_SECONDS, ONE_THREAD) == 1
    assert count_pieces(videos / "intel_classroom.gif", 0.01, ONE_THREAD) >= 1


def test_a_piece_that_fails_fails_its_video(inline_engine, long_video, settings, tmp_path, read_table):
    chosen = replace(settings, split=SIX_SECONDS)
    path = tmp_path / "video.mp4"
    path.write_bytes(long_video.read_bytes())

    class Losing(inline_engine):
        def run(self, jobs):
            for record in super().run(jobs):
                if record.pieces:
                    path.unlink()  # between planning and reading
                yield record

    report = run_scan(list_files([str(path)]), chosen, Losing(chosen), tmp_path / "out", ["jsonl"])
    assert (report.videos, report.failed) == (0, 1)
    (error,) = read_table(tmp_path / "out", "errors")
    assert error["error"] == "SourceNotFound"


def test_a_piece_that_breaks_off_fails_its_video(
    inline_engine, long_video, settings, tmp_path, read_table, monkeypatch
):
    chosen, frames = replace(settings, split=SIX_SECONDS), PieceSource.__iter__

    def breaking(source):
        yield from islice(frames(source), 40)
        raise SourceUnreadable("broke off")

    monkeypatch.setattr(PieceSource, "__iter__", breaking)
    listing = list_files([str(long_video)])
    report = run_scan(listing, chosen, inline_engine(chosen), tmp_path / "out", ["jsonl"])
    assert (report.videos, report.failed) == (0, 1)
    assert [error["message"] for error in read_table(tmp_path / "out", "errors")] == ["broke off"]
    assert read_table(tmp_path / "out", "faces") == []
