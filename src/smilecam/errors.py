"""Everything that smilecam raises on purpose.

::

    SmilecamError
    ├── UsageProblem          options that contradict each other
    ├── InvalidImage          an array that is no image (also a ValueError)
    ├── SourceError           an image, video or camera that cannot be used
    │   ├── SourceNotFound    nothing is there
    │   ├── SourceUnreadable  something is there, but it cannot be decoded, or is too large
    │   │   └── SourceTooLarge    its frames have more pixels than the limit
    │   ├── SourceLost        a camera or stream that worked, went away and did not come back
    │   └── SourceEmpty       a folder or pattern that holds no image and no video
    ├── ModelFileError        a model file that is missing, damaged or does not say what it must
    ├── OutputError           a result that cannot be written
    ├── DataError             a data set that is missing, damaged or of unknown layout
    │   └── DownloadError     the network or the server failed
    ├── TrainingError         a run that cannot start, resume or go on
    │   └── NonFiniteLoss     the loss became infinite or not a number
    └── MissingExtra          a command needs packages that are not installed

The command line turns each into one line on standard error and an exit code (``smilecam.cli.exit_codes``).
"""

from __future__ import annotations


class SmilecamError(Exception):
    """The root of the tree; its text is one sentence for the user."""


class UsageProblem(SmilecamError):
    """Options or arguments that cannot go together."""


class InvalidImage(SmilecamError, ValueError):
    """An array that is not an image: wrong type, shape or dtype."""


class SourceError(SmilecamError):
    """An image, video or camera that cannot be used."""


class SourceNotFound(SourceError):
    """There is nothing at that path or camera index."""


class SourceUnreadable(SourceError):
    """The source is there, but cannot be decoded or is over a limit."""


class SourceTooLarge(SourceUnreadable):
    """The frames of the source have more pixels than the limit."""


class SourceLost(SourceError):
    """A camera or stream that worked, went away, and did not come back in time."""


class SourceEmpty(SourceError):
    """A folder or pattern in which there is no image and no video."""


class ModelFileError(SmilecamError):
    """A model file that is missing, damaged, unsafe or inconsistent with its metadata."""


class OutputError(SmilecamError):
    """A result that cannot be written where it was asked for."""


class DataError(SmilecamError):
    """A data set that is missing, damaged or of a layout that is not known."""


class DownloadError(DataError):
    """A download that did not arrive."""


class TrainingError(SmilecamError):
    """A training run that cannot start, resume or go on."""


class NonFiniteLoss(TrainingError):
    """The loss became infinite or not a number."""


class MissingExtra(SmilecamError):
    """A command was asked for whose optional packages are not installed."""

    def __init__(self, what: str, extra: str) -> None:
        """Say in one sentence what ``what`` needs and how to get it."""
        from smilecam.installation import install_command

        super().__init__(f'{what} needs the "{extra}" extra: {install_command(extra)}')
