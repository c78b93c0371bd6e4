"""The smiles of a video as one clip: which frames, and that images and audio stay as they were."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from smilecam import SmileDetector
from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.opencv import cv2
from smilecam.review import highlights
from smilecam.review.highlights import CutSettings, plan_cuts
from smilecam.sinks.smile_intervals import Smile
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.types import EventKind

RATE, SIDE = 44_100, 320
SMILES = ((2.0, 4.0), (6.0, 6.6), (9.0, 10.0))
LENGTH = 12.0


def chirp():
    """Sweeps from 200 to 900 Hz and back each 5 s: no two moments sound alike, and it has no sudden step."""
    at = np.arange(round(LENGTH * RATE)) / RATE
    pitch = 550 + 350 * np.sin(2 * np.pi * at / 5 + 0.4 * at)
    return (0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def film(tmp_path_factory, astronaut, hopper):
    """Two portraits in turn, as a phone records them: frames 30 to 110 ms apart, with audio."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    smiling, plain = (cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in (astronaut, hopper))
    steps = np.random.default_rng(4).integers(30, 111, 400)
    times = [0, *np.cumsum(steps)[np.cumsum(steps) < LENGTH * 1000].tolist()]
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=30, options={"crf": "20", "preset": "ultrafast"})
        video.width = video.height = SIDE
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        audio = output.add_stream("aac", rate=RATE, layout="mono", options={"b": "256k"})
        samples = chirp()
        for start in range(0, samples.size, 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
        for at in times:
            smiles = any(start <= at / 1000 < end for start, end in SMILES)
            frame = av.VideoFrame.from_ndarray(smiling if smiles else plain, format="bgr24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return path


def frames_of(path):
    with av.open(str(path)) as clip:
        return [(frame.time, frame.to_ndarray(format="bgr24")) for frame in clip.decode(video=0)]


def samples_of(path):
    """Mono samples of the audio from the clip's time 0 on, float."""
    with av.open(str(path)) as clip:
        rate = clip.streams.audio[0].rate
        pieces = [(frame.time, frame.to_ndarray().mean(axis=0)) for frame in clip.decode(audio=0)]
    samples = np.zeros(round((pieces[-1][0] + 1) * rate))
    for at, piece in pieces:
        first = round(at * rate)
        samples[max(0, first) : first + piece.size] = piece[max(0, -first) :]
    return samples, rate


def cuts_of(output):
    """(time in the clip, start, end) as the command prints them."""
    found = re.findall(r"^ +([\d.]+) s  ([\d.]+)-([\d.]+) s of", output, re.MULTILINE)
    return [tuple(map(float, cut)) for cut in found]


@pytest.fixture(scope="module")
def made(film, tmp_path_factory):
    """The clip of the film with default settings: (path, parts as printed)."""
    clip = tmp_path_factory.mktemp("clip") / "clip.mp4"
    command = [sys.executable, "-m", "smilecam", "highlights", str(film), "--output", str(clip)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    summary, wrote = done.stdout.splitlines()[-2:]
    assert summary.startswith(f"{film}: 3 smiles in 3 parts, ")
    assert wrote == f"wrote {clip}"
    return clip, cuts_of(done.stdout)


def length(cuts):
    return sum(end - start for _, start, end in cuts)


def test_parts_are_the_smiles_with_their_margins(made):
    _, cuts = made
    wanted = [(1.5, 4.5), (5.3, 7.3), (8.5, 10.5)]  # the second is extended to two seconds
    for (_, start, end), (begin, stop) in zip(cuts, wanted, strict=True):
        assert begin - 0.01 <= start <= begin + 0.25, "on a frame, of which there is one in 110 ms"
        assert stop - 0.25 <= end <= stop + 0.25
    for before, after in itertools.pairwise(cuts):
        assert after[0] == pytest.approx(before[0] + before[2] - before[1], abs=0.02)


def test_timestamps_only_grow_and_no_step_is_larger_than_in_the_source(film, made):
    clip, cuts = made
    times = np.array([at for at, _ in frames_of(clip)])
    steps = np.diff(times)
    largest = np.diff([at for at, _ in frames_of(film)]).max()
    assert times[0] == 0
    assert steps.min() > 0
    assert steps.max() <= largest + 0.001
    assert times[-1] + largest >= length(cuts) - 0.02


def test_frames_keep_their_distances(film, made):
    """Each frame of the clip is the one of the source at the same place of its part."""
    clip, cuts = made
    source = {round(at, 3): image for at, image in frames_of(film)}
    for at, image in frames_of(clip)[::7]:
        offset, start, _ = max(cut for cut in cuts if cut[0] <= at + 0.006)
        original = min(source, key=lambda time: abs(time - (start + at - offset)))
        assert original == pytest.approx(start + at - offset, abs=0.012)
        assert np.abs(image.astype(int) - source[original]).mean() < 6


def test_both_streams_last_as_long_as_the_parts(made):
    clip, cuts = made
    with av.open(str(clip)) as opened:
        lengths = [float(stream.duration * stream.time_base) for stream in opened.streams]
    assert lengths == pytest.approx([length(cuts)] * 2, abs=0.15)


def test_audio_is_the_source_s_own_and_in_time(made):
    clip, cuts = made
    heard, rate = samples_of(clip)
    assert rate == RATE
    original, slack = chirp(), 400
    for offset, start, end in cuts:
        middle, half = (start + end) / 2, round(0.3 * RATE)
        here = round((offset + middle - start) * RATE)
        there = round(middle * RATE)
        piece = heard[here - half : here + half]
        scores = [
            np.corrcoef(piece, original[there + lag - half : there + lag + half])[0, 1]
            for lag in range(-slack, slack + 1, 4)
        ]
        assert max(scores) > 0.99
        assert abs(4 * int(np.argmax(scores)) - slack) < 0.008 * RATE, "printed times are rounded to 5 ms"


def test_no_click_at_the_joins(made):
    clip, cuts = made
    heard, _ = samples_of(clip)
    largest = np.abs(np.diff(chirp())).max()
    for offset, start, end in cuts:
        for edge in (offset, offset + end - start):
            around = heard[max(0, round((edge - 0.05) * RATE)) : round((edge + 0.05) * RATE)]
            assert np.abs(np.diff(around)).max() < 1.3 * largest
            assert np.abs(np.diff(around, 2)).max() < 0.1 * 0.5, "nor does the slope change at once"
        assert np.abs(heard[round((offset + 0.1) * RATE) : round((offset + 0.5) * RATE)]).max() > 0.45


def test_a_smile_is_seen_in_the_middle_of_every_part(made):
    clip, cuts = made
    frames = frames_of(clip)
    with SmileDetector(detector="haar") as detector:
        for offset, start, end in cuts:
            _, image = min(frames, key=lambda frame: abs(frame[0] - (offset + (end - start) / 2)))
            assert detector(image).smiling


def test_events_of_a_variable_frame_rate_are_at_the_times_of_its_frames(film):
    times = [at for at, _ in frames_of(film)]
    with SmileDetector(detector="haar") as detector:
        events = [event for item in detector.stream(film) for event in item.events]
    starts = [event.since for event in events if event.kind is EventKind.SMILE_START]
    ends = [event.since for event in events if event.kind is EventKind.SMILE_END]
    assert starts == pytest.approx([min(at for at in times if at >= start) for start, _ in SMILES], abs=1e-6)
    assert ends == pytest.approx([max(at for at in times if at < end) for _, end in SMILES], abs=1e-6)


@pytest.mark.parametrize("name", ["clip.mkv", "clip.webm", "clip.avi"])
def test_other_containers(film, tmp_path, name, capsys):
    clip = tmp_path / name
    arguments = ["highlights", str(film), "-o", str(clip), "--margin", "0.1", "--min-length", "0", "--detector", "haar"]
    assert call(arguments) == exit_codes.DONE
    cuts = cuts_of(capsys.readouterr().out)
    with av.open(str(clip)) as opened:
        kinds = [stream.type for stream in opened.streams]
    assert kinds == (["video"] if name.endswith("avi") else ["video", "audio"])
    times = [at for at, _ in frames_of(clip)]
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(length(cuts), abs=0.3)


def test_nobody_smiles(tmp_path, hopper, capsys):
    path = tmp_path / "plain.mp4"
    with VideoRecorder(path, 10) as recorder:
        for _ in range(12):
            recorder.write(cv2.resize(hopper, (SIDE, SIDE)), None)
    assert call(["highlights", str(path), "-o", str(tmp_path / "clip.mp4")]) == exit_codes.NOT_SEEN
    assert capsys.readouterr().out == f"{path}: 12 frames, nobody smiles: no clip written\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["plain.mp4"]


def test_what_is_no_video_file(tmp_path, hopper, film, capsys):
    cv2.imwrite(str(tmp_path / "hopper.png"), hopper)
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").write_bytes(b"")
    cases = {
        (str(tmp_path / "hopper.png"),): (exit_codes.USAGE, "is no video file"),
        ("rtsp://name:word@host/live",): (exit_codes.USAGE, "it cannot be live"),
        ("-",): (exit_codes.USAGE, "it cannot be live"),
        (str(tmp_path / "none.mp4"),): (exit_codes.SOURCE, "no file at"),
        (str(tmp_path / "text.mp4"),): (exit_codes.SOURCE, "is not a video"),
        (str(tmp_path / "empty.mp4"),): (exit_codes.SOURCE, "is empty"),
        (str(film), "-o", str(film)): (exit_codes.USAGE, "would replace a source"),
        (str(film), "-o", "clip.gif"): (exit_codes.USAGE, "a video's name ends in"),
        (str(film), "-o", ""): (exit_codes.USAGE, "is an empty name"),
        (str(film), "-o", str(tmp_path / "no folder" / "clip.mp4")): (exit_codes.FAILURE, "cannot write"),
    }
    for arguments, (code, message) in cases.items():
        assert call(["highlights", "--detector", "haar", *arguments]) == code, arguments
        err = capsys.readouterr().err
        assert message in err
        assert "word" not in err
        assert err.count("\n") == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty.mp4", "hopper.png", "text.mp4"]


def test_a_video_that_changes_while_it_is_cut(tmp_path, film, clip, monkeypatch, capsys):
    source = tmp_path / "film.mp4"
    source.write_bytes(film.read_bytes())
    planned = highlights.plan_cuts

    def plan(*arguments):
        source.write_bytes(clip.read_bytes())
        return planned(*arguments)

    monkeypatch.setattr(highlights, "plan_cuts", plan)
    assert call(["highlights", str(source), "-o", str(tmp_path / "clip.mp4")]) == exit_codes.SOURCE
    assert "has changed while it was being cut" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interrupt_while_cutting_leaves_nothing(tmp_path):
    clip = tmp_path / "clip.mp4"
    film = "synthetic:face:640x480@30?seconds=10&smile=always"
    command = [sys.executable, "-m", "smilecam", "highlights", film, "-o", str(clip), "--detector", "haar"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for _ in range(1200):
        if list(tmp_path.iterdir()):
            break
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == exit_codes.INTERRUPTED
    assert err.splitlines()[-1] == "smilecam: interrupted"
    assert list(tmp_path.iterdir()) == []


TIMES = [number / 10 for number in range(101)]


def intervals(smiles, **settings):
    cuts = plan_cuts([Smile(1, *span, 0.9) for span in smiles], TIMES, 10.0, CutSettings(**settings))
    return [(round(cut.start, 3), round(cut.end, 3)) for cut in cuts]


@pytest.mark.parametrize(
    ("smiles", "settings", "expected"),
    [
        ([], {}, []),
        ([(3, 5)], {"margin": 0.5}, [(2.5, 5.5)]),
        ([(3, 5), (4, 6)], {"margin": 0.5}, [(2.5, 6.5)]),  # of two people
        ([(7, 8), (1, 3)], {"margin": 0, "min_length": 0}, [(1, 3), (7, 8)]),
        ([(1, 3), (3.4, 6)], {"margin": 0, "max_gap": 0.5}, [(1, 6)]),
        ([(1, 3), (3.4, 5)], {"margin": 0, "max_gap": 0, "min_length": 0}, [(1, 3), (3.4, 5)]),
        ([(0, 1), (9.8, 10)], {"margin": 1}, [(0, 2), (8.1, 10.1)]),
        ([(5, 5.2)], {"margin": 0, "min_length": 2}, [(4.1, 6.1)]),
        ([(0, 0.2)], {"margin": 0, "min_length": 2}, [(0, 2)]),
        ([(5, 5.2)], {"margin": 0, "min_length": 3600}, [(0, 10.1)]),
        ([(5, 5)], {"margin": 0, "min_length": 0}, [(5, 5.1)]),
    ],
)
def test_where_the_cuts_are(smiles, settings, expected):
    assert intervals(smiles, **settings) == expected


def test_cuts_never_overlap_and_hold_every_smile():
    random = np.random.default_rng(0)
    times = np.sort(random.uniform(0, 60, 900)).tolist()
    for _ in range(300):
        starts = random.uniform(times[0], times[-1] - 2, random.integers(1, 9))
        smiles = [Smile(1, start, start + random.uniform(0, 2), 0.9) for start in starts]
        settings = CutSettings(random.uniform(0, 2), random.uniform(0, 4), random.uniform(0, 2))
        cuts = plan_cuts(smiles, times, 15.0, settings)
        assert all(before.last < after.first for before, after in itertools.pairwise(cuts))
        assert cuts[-1].at == pytest.approx(sum(cut.seconds for cut in cuts[:-1]))
        shown = {number for cut in cuts for number in range(cut.first, cut.last + 1)}
        wanted = {n for n, at in enumerate(times) if any(smile.start <= at < smile.end for smile in smiles)}
        assert wanted <= shown
