"""The file of the YuNet face detector: where it is kept, and how it gets there."""

from __future__ import annotations

from pathlib import Path

from smilecam.detection.yunet_file import check_yunet, read_yunet
from smilecam.download import Progress, ServerRefused, download, without_password
from smilecam.errors import ModelFileError
from smilecam.presets import YUNET_BYTES
from smilecam.storage import data_folder, make_folder, whole_or_absent

REPOSITORY = "ShiqiYu/libfacedetection.train"
YUNET_NAME = "yunet_n_640_640.onnx"

COMMITS = (
    "47198234de8c4646961e46159e02af5b06021a78",
    "02246e79b1e976c83d1e135a85e0628120c93769",
    "dca340aa082c71081a68d17db8e58b33a58a914b",
)
"""Of that repository, tried in this order until one gives the bytes of the known hash: it has had several versions of
the file under one name."""

URLS = tuple(f"https://raw.githubusercontent.com/{REPOSITORY}/{commit}/onnx/{YUNET_NAME}" for commit in COMMITS)

PATIENCE_SECONDS = 120.0
"""The whole file, 317 kB, must have arrived by then."""

_INSTEAD = "fetch the file elsewhere and use --from"


def yunet_path() -> Path:
    """Where the file is kept, whether or not it is there."""
    return data_folder() / "models" / YUNET_NAME


def yunet_file() -> Path:
    """The file, for ``YuNetDetector``, which checks its content.

    Raises:
        ModelFileError: it has not been fetched.
    """
    path = yunet_path()
    if not path.is_file():
        raise ModelFileError(f"the yunet face detector needs its file ({path}): run smilecam models fetch yunet")
    return path


def fetch_yunet(given: str | None = None, progress: Progress | None = None, urls: tuple[str, ...] = URLS) -> Path:
    """Put the checked file in its place; a failure leaves what was there before, and can be tried again.

    Args:
        given: a file at hand, or an http or https address, to take in place of ``urls``.
        progress: told of what arrives.
        urls: where to download from; a later one is tried when the server of one before has not the right file.

    Returns:
        Where the file is.

    Raises:
        DownloadError: the network or the server failed.
        ModelFileError: what came is another file, or there is nothing at the given path.
        OutputError: the folder cannot be written.
    """
    target = yunet_path()
    if given is None and _is_good(target):
        return target
    make_folder(target.parent)
    if given is not None and not is_address(given):
        content = read_yunet(Path(given))
        with whole_or_absent(target) as temporary:
            temporary.write_bytes(content)
        return target
    _download_one((given,) if given is not None else urls, target, progress)
    return target


def is_address(given: str) -> bool:
    """Whether this is a web address and not a path."""
    return given.lower().startswith(("http://", "https://"))


def _is_good(path: Path) -> bool:
    try:
        read_yunet(path)
    except ModelFileError:
        return False
    return True


def _download_one(urls: tuple[str, ...], target: Path, progress: Progress | None) -> None:
    for url in urls:
        try:
            with whole_or_absent(target) as temporary:
                download(url, temporary, YUNET_BYTES, progress, instead=_INSTEAD, patience=PATIENCE_SECONDS)
                check_yunet(temporary.read_bytes(), without_password(url))
        except (ServerRefused, ModelFileError):
            if url == urls[-1]:
                raise
        else:
            return
