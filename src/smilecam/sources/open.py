"""Opening what a reference names. Each form of source is a module of its own, loaded once it is opened."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from smilecam.errors import MissingExtra, SourceNotFound, UsageProblem
from smilecam.sources.base import DEFAULT_OPTIONS, STANDARD_INPUT, Backend, Kind, Source, SourceOptions, SourceRef
from smilecam.sources.image_source import ImageSource


def open_source(ref: SourceRef, options: SourceOptions = DEFAULT_OPTIONS) -> Source:
    """Open what a reference names.

    Args:
        ref: as ``find_sources`` gives it.
        options: how to read it.

    Raises:
        SourceError: it cannot be opened.
        MissingExtra: it needs PyAV, which is not installed.
        UsageProblem: it cannot be read in the way that ``options`` ask for.
    """
    if ref.kind is Kind.IMAGE and ref.path is not None:
        return ImageSource(ref, ref.path)
    if ref.kind is Kind.CAMERA and ref.index is not None:
        return _open_camera(ref, ref.index, options)
    if ref.kind is Kind.STREAM and ref.url is not None:
        return _open_stream(ref, ref.url, options)
    if ref.kind is Kind.VIDEO and (ref.path or ref.url) is not None:
        return _open_video(ref, options)
    raise SourceNotFound(f"{ref.name} names no source")


def _open_camera(ref: SourceRef, index: int, options: SourceOptions) -> Source:
    from smilecam.sources.camera import CameraSource
    from smilecam.sources.threaded import ThreadedSource

    # macOS asks the user whether the camera may be used, and does so in the main thread only.
    return ThreadedSource(ref, lambda: CameraSource(ref, index), options, open_here=sys.platform == "darwin")


def _open_stream(ref: SourceRef, url: str, options: SourceOptions) -> Source:
    from smilecam.sources.threaded import ThreadedSource

    if url == STANDARD_INPUT:
        if not _uses_pyav(options, "reading standard input"):
            raise UsageProblem("standard input is read through PyAV, not through OpenCV")
        from smilecam.sources.pyav import open_standard_input

        return ThreadedSource(ref, lambda: open_standard_input(ref), options, realtime=options.realtime)
    if _uses_pyav(options):
        from smilecam.sources.pyav import open_stream

        return ThreadedSource(ref, lambda: open_stream(ref, url, options), options)
    from smilecam.sources.camera import StreamSource

    return ThreadedSource(ref, lambda: StreamSource(ref, url, options), options)


def _open_video(ref: SourceRef, options: SourceOptions) -> Source:
    from smilecam.sources.threaded import ThreadedSource

    if options.realtime:
        return ThreadedSource(ref, lambda: _open_finite(ref, options), options, realtime=True)
    return _open_finite(ref, options)


def _open_finite(ref: SourceRef, options: SourceOptions) -> Source:
    from smilecam.sources import camera, sequence, synthetic

    if ref.path is None:
        return synthetic.SyntheticSource(ref, synthetic.parse(ref.url or ref.name))
    if sequence.is_pattern(ref.path) and not ref.path.exists():
        return sequence.SequenceSource(ref, sequence.numbered_files(ref.path))
    if _uses_pyav(options):
        from smilecam.sources.pyav import open_file

        return open_file(ref, ref.path)
    return camera.VideoSource(ref, ref.path)


def _uses_pyav(options: SourceOptions, needed_for: str | None = None) -> bool:
    if options.backend is Backend.OPENCV:
        return False
    installed = find_spec("av") is not None
    if not installed and (needed_for or options.backend is Backend.PYAV):
        raise MissingExtra(needed_for or "decoding with PyAV", "video")
    return installed
