from pathlib import Path

import av
import numpy as np
import pytest

from smilecam.errors import UsageProblem
from smilecam.results import FrameResult
from smilecam.sinks.webvtt import WebVtt, cue, plan_cue_names
from smilecam.sources.base import Kind, SourceRef
from smilecam.sources.frame import Frame
from smilecam.types import Event, EventKind

FRAME = Frame(0, None, np.zeros((2, 2, 3), np.uint8))
CLIP = SourceRef("clip.mp4", Kind.VIDEO, Path("clip.mp4"))
OTHER = SourceRef("b/clip.mp4", Kind.VIDEO, Path("b/clip.mp4"))
IMAGE = SourceRef("a.jpg", Kind.IMAGE, Path("a.jpg"))


class Opened:
    live = False

    def __init__(self, ref):
        self.ref = ref


def smile_start(time, track, since):
    return Event(EventKind.SMILE_START, "clip.mp4", time, 0, track, since, 0.7)


def smile_end(time, track, since, peak=0.97):
    return Event(EventKind.SMILE_END, "clip.mp4", time, 0, track, since, peak)


def play(sink, events, until):
    """Frames every tenth of a second, each followed by its events."""
    for number in range(round(until * 10) + 1):
        time = number / 10
        sink.write(FRAME, FrameResult("clip.mp4", number, time, ()))
        for event in events:
            if event.time == time:
                sink.event(event)


EVENTS = [
    smile_start(1.3, 1, 1.05),
    smile_start(2.0, 2, 1.8),
    smile_end(2.9, 2, 2.75),
    smile_end(5.2, 1, 5.0),
    smile_start(8.0, 3, 7.9),
]
CUES = [
    (1.05, 5.0, "smile, person 1, peak 97 %"),
    (1.8, 2.75, "smile, person 2, peak 97 %"),
    (7.9, 9.0, "smile, person 3, peak 70 %"),
]


def cues_of(path):
    """What FFmpeg's reader makes of the file: the cues' times and texts."""
    with av.open(str(path)) as film:
        (stream,) = film.streams.subtitles
        assert stream.codec_context.name == "webvtt"
        packets = [packet for packet in film.demux(stream) if packet.size]
        return [
            (float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base), bytes(p).decode()) for p in packets
        ]


def test_a_player_reads_the_cues(tmp_path):
    path = tmp_path / "out.vtt"
    sink = WebVtt({CLIP: path})
    sink.begin(Opened(CLIP))
    assert not path.exists()
    sink.write(FRAME, FrameResult("clip.mp4", 0, 0.0, ()))
    assert path.read_text() == "WEBVTT\n\n"
    play(sink, EVENTS, 9.0)
    # Before the end all cues that have ended are there.
    assert [text for _, _, text in cues_of(path)] == [text for _, _, text in CUES[:2]]
    sink.end()
    sink.close()
    read = cues_of(path)
    assert [text for _, _, text in read] == [text for _, _, text in CUES]
    assert np.allclose([cue[:2] for cue in read], [cue[:2] for cue in CUES])
    assert sink.written == [path]


def test_cues_stand_in_the_order_of_their_beginnings(tmp_path):
    path = tmp_path / "out.vtt"
    sink = WebVtt({CLIP: path})
    sink.begin(Opened(CLIP))
    # The second to be declared began first, and ended last.
    play(sink, [smile_start(1.0, 1, 0.9), smile_end(1.5, 1, 1.3), smile_start(1.6, 2, 0.5), smile_end(4.0, 2, 3.9)], 9)
    sink.end()
    starts = [line.split(" ")[0] for line in path.read_text().splitlines() if "-->" in line]
    assert starts == ["00:00:00.500", "00:00:00.900"]


def test_nothing_is_written_before_an_older_smile_has_ended(tmp_path):
    path = tmp_path / "out.vtt"
    sink = WebVtt({CLIP: path})
    sink.begin(Opened(CLIP))
    play(sink, EVENTS[:3], 5.0)
    assert "-->" not in path.read_text()
    sink.end()
    assert path.read_text().count("-->") == 2


@pytest.mark.parametrize("open_at_the_end", [False, True])
def test_a_smile_declared_very_late_starts_with_the_last_cue(tmp_path, open_at_the_end):
    path = tmp_path / "out.vtt"
    sink = WebVtt({CLIP: path})
    sink.begin(Opened(CLIP))
    events = [smile_start(5.2, 2, 5.0), smile_end(6.1, 2, 6.0), smile_start(12.4, 1, 2.0), smile_start(12.6, 3, 3.0)]
    ends = [smile_end(13.0, 3, 4.0), smile_end(14.1, 1, 14.0)]
    play(sink, [*events, *([] if open_at_the_end else ends)], 20.0)
    sink.end()
    read = cues_of(path)
    # The one that was over before the last cue started is as short as a cue can be.
    last = 20.0 if open_at_the_end else 14.0
    assert [start for start, _, _ in read] == [5.0, 5.0, 5.0]
    assert [end for _, end, _ in read] == [6.0, last, 20.0 if open_at_the_end else 5.001]
    assert [text.split(",")[1] for _, _, text in read] == [" person 2", " person 1", " person 3"]


@pytest.mark.parametrize(
    ("start", "end", "line"),
    [
        (0.0, 1.0, "00:00:00.000 --> 00:00:01.000"),
        (59.9996, 61.5, "00:01:00.000 --> 00:01:01.500"),
        (3599.999, 100 * 3600, "00:59:59.999 --> 100:00:00.000"),
        (2.0, 2.0, "00:00:02.000 --> 00:00:02.001"),
        (-1.0, 0.5, "00:00:00.000 --> 00:00:00.500"),
    ],
)
def test_timestamps(start, end, line):
    assert cue(start, end, "x").splitlines()[0] == line


def test_text_is_escaped():
    assert cue(0, 1, "a<b & c --> d").splitlines()[1] == "a&lt;b &amp; c --&gt; d"


def test_pictures_have_no_cues(tmp_path):
    names = plan_cue_names(tmp_path / "out.vtt", [IMAGE, CLIP], into_folder=False)
    assert names == {CLIP: tmp_path / "out.vtt"}
    sink = WebVtt(names)
    sink.begin(Opened(IMAGE))
    sink.write(FRAME, FrameResult("a.jpg", 0, None, ()))
    sink.end()
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_for_each_of_several_streams(tmp_path):
    names = plan_cue_names(tmp_path, [CLIP, IMAGE, OTHER], into_folder=True)
    assert [path.name for path in names.values()] == ["clip_smiles.vtt", "clip_smiles_2.vtt"]
    sink = WebVtt(names)
    for ref in (CLIP, OTHER):
        sink.begin(Opened(ref))
        play(sink, EVENTS, 9.0)
        sink.end()
    first, second = (path.read_text() for path in sink.written)
    assert first == second


def test_impossible_names(tmp_path):
    with pytest.raises(UsageProblem, match="several sources need a folder"):
        plan_cue_names(Path("out.vtt"), [CLIP, OTHER], into_folder=False)
    with pytest.raises(UsageProblem, match=r"ends in \.vtt"):
        plan_cue_names(Path("out.txt"), [CLIP], into_folder=False)
    (tmp_path / "clip.vtt").touch()
    with pytest.raises(UsageProblem, match="would replace a source"):
        own = SourceRef("clip.vtt", Kind.VIDEO, tmp_path / "clip.vtt")
        plan_cue_names(tmp_path / "clip.vtt", [own], into_folder=False)
