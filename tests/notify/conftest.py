"""Events to notify of, and the lines that people are warned with."""

from types import SimpleNamespace

import pytest

from smilecam.sources.base import Kind, SourceRef
from smilecam.types import Event, EventKind


@pytest.fixture
def warned():
    """Lines of warnings; ``warned.append`` takes them."""
    return []


@pytest.fixture
def camera():
    """An open live source, as sinks see it."""
    return SimpleNamespace(ref=SourceRef("camera:0", Kind.CAMERA, index=0), live=True)


@pytest.fixture
def smile():
    """Make an event of a smile: its start, or its end."""

    def make(time=1.0, *, end=False, kind=None):
        kind = kind or (EventKind.SMILE_END if end else EventKind.SMILE_START)
        return Event(kind, "camera:0", time, round(time * 10), 1, time - 0.1, 0.9)

    return make
