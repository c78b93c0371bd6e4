"""What notifications are about."""

from __future__ import annotations

from typing import Any

from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sources.frame import Frame
from smilecam.types import Event

Notice = dict[str, Any]
"""An event as plain values, in the form of a line of ``--jsonl``; also ``IMAGE_SMILE``, which has no time."""

IMAGE_SMILE = "smile_image"
"""The kind of event for an image in which somebody smiles: images have no beginning and end."""


class Notifier(Sink):
    """Gives the events of all sources, and images with a smile, to ``notify``."""

    uses_images = False

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Notify of an image in which somebody smiles."""
        if result.time is None and result.smiling:
            smiling = sum(face.smiling for face in result.faces)
            self.notify({"type": "event", "event": IMAGE_SMILE, "source": result.source, "smiling": smiling})

    def event(self, event: Event) -> None:
        """Notify of an event."""
        self.notify(event.as_dict())

    def notify(self, notice: Notice) -> None:
        """Pass a notice on, without waiting for anything."""
        raise NotImplementedError
