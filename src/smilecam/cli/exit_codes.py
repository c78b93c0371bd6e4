"""What the exit code of every command means."""

from __future__ import annotations

from smilecam.errors import ModelFileError, SmilecamError, SourceError, UsageProblem

DONE = 0
FAILURE = 1
USAGE = 2
SOURCE = 3
MODEL = 4
SOME_FAILED = 5
NOT_SEEN = 6
INTERRUPTED = 130

MEANINGS = {
    DONE: "done",
    FAILURE: "failure",
    USAGE: "usage",
    SOURCE: "a source could not be opened",
    MODEL: "model file invalid",
    SOME_FAILED: "some of several inputs failed",
    NOT_SEEN: "no smile where one was wanted (--until, highlights, best)",
    INTERRUPTED: "interrupted",
}


def exit_code(error: SmilecamError) -> int:
    """The code for an error of ours."""
    if isinstance(error, UsageProblem):
        return USAGE
    if isinstance(error, SourceError):
        return SOURCE
    return MODEL if isinstance(error, ModelFileError) else FAILURE
