"""Opening what a reference names. Each type of source is a module of its own, imported when one is opened."""

from __future__ import annotations

import sys

from smilecam.errors import SourceNotFound
from smilecam.sources.base import DEFAULT_OPTIONS, STANDARD_INPUT, Kind, Source, SourceOptions, SourceRef
from smilecam.sources.image_source import ImageSource


def open_source(ref: SourceRef, options: SourceOptions = DEFAULT_OPTIONS) -> Source:
    """Open what a reference names.

    Args:
        ref: as ``find_sources`` gives it.
        options: how to open it.

    Raises:
        SourceError: it cannot be opened.
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


def needs_main_thread(ref: SourceRef) -> bool:
    """Whether a source opens in the main thread only: there macOS asks the user for permission to use a camera."""
    return ref.kind is Kind.CAMERA and sys.platform == "darwin"


def _open_camera(ref: SourceRef, index: int, options: SourceOptions) -> Source:
    from smilecam.sources.camera import CameraSource
    from smilecam.sources.threaded import ThreadedSource

    return ThreadedSource(ref, lambda: CameraSource(ref, index), options, open_here=needs_main_thread(ref))


def _open_stream(ref: SourceRef, url: str, options: SourceOptions) -> Source:
    from smilecam.sources.network import open_stream
    from smilecam.sources.pyav import open_standard_input
    from smilecam.sources.threaded import ThreadedSource

    def connect() -> Source:
        return open_standard_input(ref) if url == STANDARD_INPUT else open_stream(ref, url, options)

    return ThreadedSource(ref, connect, options, realtime=options.realtime)


def _open_video(ref: SourceRef, options: SourceOptions) -> Source:
    if not options.realtime:
        return _open_recorded(ref, options)
    from smilecam.sources.threaded import ThreadedSource

    def open_shared() -> Source:
        source = _open_recorded(ref, options)
        source.share_cores()
        return source

    # Opened here, because an interrupt reaches only the thread that waits for it.
    return ThreadedSource(ref, open_shared, options, realtime=True, open_here=True)


def _open_recorded(ref: SourceRef, options: SourceOptions) -> Source:
    from smilecam.sources import sequence, synthetic

    if ref.path is None:
        return synthetic.SyntheticSource(ref, synthetic.parse(ref.url or ref.name))
    if sequence.is_pattern(ref.path) and not ref.path.exists():
        return sequence.SequenceSource(ref, sequence.numbered_files(ref.path))
    from smilecam.sources.pyav import open_file

    return open_file(ref, ref.path, options.decoder_threads, options.decoding)
