"""Several cameras in one process: one detector, a stream for each, one list of what happens.

    python examples/several_cameras.py 0 1 rtsp://name:password@door/live
    python examples/several_cameras.py clip.mp4 other.mp4

The streams share the networks, and take turns at the cores. Ends when all sources have ended, or with Ctrl-C.
"""

from __future__ import annotations

import argparse
import queue
from contextlib import ExitStack

import smilecam


def main() -> None:
    """Start all streams, print their events in the order in which they come."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="+", help="indices of cameras, paths or addresses")
    events: queue.Queue[smilecam.Event] = queue.Queue()
    options = smilecam.SourceOptions(reconnect_timeout=600)
    with ExitStack() as stack:
        detector = stack.enter_context(smilecam.SmileDetector())
        running = {
            source: stack.enter_context(
                smilecam.start_stream(source, on_event=events.put, detector=detector, options=options)
            )
            for source in parser.parse_args().sources
        }
        while running or not events.empty():
            while not events.empty():
                event = events.get()
                person = "" if event.track is None else f", person {event.track}"
                print(f"{event.source}: {event.time:.2f} s {event.kind.value}{person}", flush=True)
            for source, handle in list(running.items()):
                try:
                    ended = handle.wait(0.05)
                except smilecam.SourceError as error:  # the others go on
                    print(f"{source}: {error}", flush=True)
                    ended = True
                if ended:
                    del running[source]


if __name__ == "__main__":
    main()
