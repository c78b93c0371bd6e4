"""Recorded videos that end before their time."""

import pytest

from smilecam import SmileDetector
from smilecam.errors import SourceUnreadable
from smilecam.sources.base import Source
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import EventKind


class BreaksOff(Source):
    """A video whose source fails after some frames."""

    def __init__(self, source, frames):
        self.ref, self.counts, self.live = source.ref, source.counts, False
        self._source, self._frames = source, frames

    def __iter__(self):
        for frame in self._source:
            if frame.number == self._frames:
                raise SourceUnreadable("it breaks off")
            yield frame

    def close(self):
        self._source.close()


@pytest.mark.parametrize("frames", [1, 7, 9])
def test_a_video_that_breaks_off_gives_all_its_frames_and_whole_smiles(clip, frames):
    seen, events = [], []
    with open_source(find_sources(clip)[0]) as source:
        run = SmileDetector().run(BreaksOff(source, frames))
        with pytest.raises(SourceUnreadable):
            for item in run:
                seen += [] if item.frame is None else [item.frame]
                events += item.events
        run.close()
    assert seen == list(range(frames))
    kinds = [event.kind for event in events]
    assert kinds in ([], [EventKind.SMILE_START, EventKind.SMILE_END])


@pytest.mark.parametrize("taken", range(1, 12))
def test_a_video_that_is_left_has_no_end_without_a_begin(clip, taken):
    events = []
    with open_source(find_sources(clip)[0]) as source:
        run = SmileDetector().run(source)
        for count, item in enumerate(run, 1):
            events += item.events
            if count == taken:
                run.stop()
        run.close()
    kinds = [event.kind for event in events]
    assert kinds in ([], [EventKind.SMILE_START, EventKind.SMILE_END])
