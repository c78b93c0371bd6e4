"""An image file as a source of one frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from smilecam.errors import SourceUnreadable
from smilecam.gif import SUFFIX as GIF_SUFFIX
from smilecam.sources.base import Counts, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import JpegImage, open_image
from smilecam.types import Image


class ImageSource(Source):
    """An image as a stream of one frame."""

    live = False
    fps: float | None = None
    expected: int | None = 1
    missing = 0

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Read the image.

        Raises:
            SourceNotFound: nothing is there.
            SourceUnreadable: it is not an image, is damaged, or is over a limit.
        """
        self.ref, self.counts = ref, Counts()
        self._image = _load_gif(ref, path) if path.suffix.lower() == GIF_SUFFIX else open_image(path)

    def __iter__(self) -> Iterator[Frame]:
        self.counts.received += 1
        image = self._image
        yield Frame(0, None, lazy=image) if isinstance(image, JpegImage) else Frame(0, None, image)

    def close(self) -> None:
        """Do nothing: the file is not open any more."""


def _load_gif(ref: SourceRef, path: Path) -> Image:
    """The first frame, by PyAV: OpenCV before 4.12 reads no GIF."""
    from smilecam.sources.pyav import open_file

    with open_file(ref, path) as source:
        for frame in source:
            return frame.image
    raise SourceUnreadable(f"{path} is not an image, or is damaged")
