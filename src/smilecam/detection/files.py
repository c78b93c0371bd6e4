"""Files of face detectors: where they are kept, how they get there, and whether they are the right ones.

The download is ours and not ``pooch``: pooch has no limit on the size or the total time of a download, and its
messages and its log show the whole address, passwords included.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smilecam.errors import ModelFileError
from smilecam.storage import data_folder, make_folder, whole_or_absent

if TYPE_CHECKING:
    from smilecam.download import Progress

MAX_SECONDS = 120.0
"""The whole file must have arrived by then."""

_ALTERNATIVE = "fetch the file elsewhere and use --from"


@dataclass(frozen=True, slots=True)
class DetectorFile:
    """The one file that a detector was made for, known by its hash.

    Attributes:
        detector: name of the detector.
        title: what messages call the network.
        about: what it is good for, its authors and its licence, in two sentences.
        name: of the file.
        sha256: of its content, in hex.
        size: in bytes.
        urls: where to download it from; a later one is tried when an earlier server does not have the right file.
    """

    detector: str
    title: str
    about: str
    name: str
    sha256: str
    size: int
    urls: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the file is kept, whether or not it is there."""
        return data_folder() / "models" / self.name

    @property
    def fetch_command(self) -> str:
        """The command that brings the file."""
        return f"smilecam models fetch {self.detector}"

    def read(self, path: Path) -> bytes:
        """Read and verify a file.

        Raises:
            ModelFileError: it cannot be read, or is another file.
        """
        try:
            with path.open("rb") as file:
                content = file.read(self.size + 1)
        except OSError as error:
            raise ModelFileError(f"cannot read {path}: {error.strerror or error}") from error
        return self.verify(content, str(path))

    def verify(self, content: bytes, name: str) -> bytes:
        """Return the content if it is the expected one.

        Args:
            content: of a file.
            name: of it, for the message.

        Raises:
            ModelFileError: its hash differs.
        """
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelFileError(
                f"{name} is not the {self.title} file that smilecam was made for (its SHA-256 differs)"
            )
        return content

    def load(self) -> bytes:
        """The verified content of the file in its place.

        Raises:
            ModelFileError: it is missing or damaged; the message names the command that fetches it.
        """
        if not self.is_present():
            raise ModelFileError(
                f"the {self.detector} face detector needs its file ({self.path}): run {self.fetch_command}"
            )
        try:
            return self.read(self.path)
        except ModelFileError as error:
            raise ModelFileError(f"{error}: run {self.fetch_command}") from error

    def is_present(self) -> bool:
        """Whether some file is in its place."""
        try:
            return self.path.is_file()
        except OSError:  # a folder that this user may not enter, as a service's home often is
            return False

    def damage(self) -> str:
        """What is wrong with the file in its place; empty where it is the right one, or absent."""
        if not self.is_present():
            return ""
        try:
            self.read(self.path)
        except ModelFileError as error:
            return str(error)
        return ""

    def is_verified(self) -> bool:
        """Whether the right file is in its place."""
        return self.is_present() and not self.damage()

    def state(self) -> str:
        """The path of the right file, or what is wrong and the command that fetches it."""
        if not self.is_present():
            return f"not fetched: {self.fetch_command}"
        damage = self.damage()
        return f"{damage}: {self.fetch_command}" if damage else str(self.path)

    def fetch(
        self, given: str | None = None, progress: Progress | None = None, urls: tuple[str, ...] | None = None
    ) -> Path:
        """Put the verified file in its place; a failure leaves what was there before.

        Args:
            given: a local file, or an http or https address, to use instead of ``urls``.
            progress: called with bytes received and bytes expected.
            urls: where to download from; by default ``self.urls``.

        Returns:
            Where the file is.

        Raises:
            DownloadError: the network or the server failed.
            ModelFileError: it is another file, or there is nothing at the given path.
            OutputError: the folder cannot be written.
        """
        target = self.path
        if given is None and self.is_verified():
            return target
        make_folder(target.parent)
        if given is not None and not is_address(given):
            content = self.read(Path(given))
            with whole_or_absent(target) as temporary:
                temporary.write_bytes(content)
            return target
        self._download((given,) if given is not None else urls or self.urls, target, progress)
        return target

    def _download(self, urls: tuple[str, ...], target: Path, progress: Progress | None) -> None:
        """Download from the first address that has the right file."""
        # Here and not above: the list of detectors is asked for on every start, and needs no network client.
        from smilecam.download import ServerRefused, download, without_password

        for url in urls:
            try:
                with whole_or_absent(target) as temporary:
                    download(url, temporary, self.size, progress, instead=_ALTERNATIVE, patience=MAX_SECONDS)
                    self.verify(temporary.read_bytes(), without_password(url))
            except (ServerRefused, ModelFileError):
                if url == urls[-1]:
                    raise
            else:
                return


def is_address(given: str) -> bool:
    """Whether this is a web address and not a path."""
    return given.lower().startswith(("http://", "https://"))


_YUNET_REPOSITORY = "ShiqiYu/libfacedetection.train"
_YUNET_NAME = "yunet_n_640_640.onnx"
_YUNET_COMMITS = (
    "47198234de8c4646961e46159e02af5b06021a78",
    "02246e79b1e976c83d1e135a85e0628120c93769",
    "dca340aa082c71081a68d17db8e58b33a58a914b",
)
"""Tried in this order until one gives the bytes of the known hash: the repository has had several versions of the file
under one name."""

YUNET_FILE = DetectorFile(
    detector="yunet",
    title="YuNet",
    about="YuNet finds turned and tilted faces that the Haar cascade misses. It is by Shiqi Yu and others, under the "
    "Apache 2.0 licence.",
    name=_YUNET_NAME,
    sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
    size=317_466,
    urls=tuple(
        f"https://raw.githubusercontent.com/{_YUNET_REPOSITORY}/{commit}/onnx/{_YUNET_NAME}"
        for commit in _YUNET_COMMITS
    ),
)
