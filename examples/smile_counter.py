"""Count smiles beside other work: smilecam calls a function with each event.

python examples/smile_counter.py            # the first camera, until Ctrl-C
python examples/smile_counter.py clip.mp4
"""

from __future__ import annotations

import argparse
from contextlib import suppress

import smilecam
from smilecam import Event, EventKind


class SmileCounter:
    """Counts smiles and adds up how long they last.

    Attributes:
        smiles: how many have begun.
        seconds: how long those that have ended lasted, together.
    """

    def __init__(self) -> None:
        """Begin at zero."""
        self.smiles, self.seconds = 0, 0.0
        self._began: dict[int | None, float] = {}

    def __call__(self, event: Event) -> None:
        """Take an event; smilecam calls this in a thread of its own, one event at a time."""
        if event.kind is EventKind.SMILE_START and event.since is not None:
            self.smiles += 1
            self._began[event.track] = event.since
            print(f"{event.since:7.2f} s  smile {self.smiles}, person {event.track}", flush=True)
        elif event.kind is EventKind.SMILE_END and event.since is not None:
            self.seconds += event.since - self._began.pop(event.track, event.since)
        elif event.kind is EventKind.SOURCE_LOST:
            print(f"{event.time:7.2f} s  lost {event.source}", flush=True)


def main() -> None:
    """Count until the source ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="0", help="index of a camera, path or address")
    counter = SmileCounter()
    with smilecam.start_stream(parser.parse_args().source, on_event=counter) as handle, suppress(KeyboardInterrupt):
        while not handle.wait(1):
            pass  # a program would do its own work here; handle.stats() tells how the stream goes
    print(f"{counter.smiles} smiles, {counter.seconds:.2f} s")


if __name__ == "__main__":
    main()
