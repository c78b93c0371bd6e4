"""The command line: ``smilecam``, or ``python -m smilecam``."""

import signal
from typing import NoReturn


def run() -> NoReturn:
    """Run the command that this process was started for, and end the process."""
    # While Python still loads the rest, Ctrl-C ends the process at once, without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from smilecam.process import run_command

    run_command()


if __name__ == "__main__":
    run()
