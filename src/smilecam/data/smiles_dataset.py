"""The SMILES data set: download at a pinned commit, or a local copy, both verified."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from smilecam.data.faces import content_digest, iter_faces
from smilecam.download import Progress, download
from smilecam.errors import DataError
from smilecam.presets import LABELS
from smilecam.storage import DATA_VARIABLE, make_folder, whole_or_absent

REPOSITORY = "hromi/SMILEsmileD"
COMMIT = "6afac66f50061948eed7da5a351cecd9c4a99fe3"
URL = f"https://codeload.github.com/{REPOSITORY}/zip/{COMMIT}"
ARCHIVE_NAME = f"SMILEsmileD-{COMMIT[:12]}.zip"

COUNTS = {"not_smile": 9_475, "smile": 3_690}
"""Number of images of each class at that commit."""

CONTENT_DIGEST = "2680648e7d6c0167008feae2b9a041420082ed49b061742925cc5fe331611704"
"""SHA-256 over the labels and bytes of all images (``content_digest``); archives of one commit may differ."""

MAX_DOWNLOAD_BYTES = 512 * 2**20


def archive_path(folder: Path) -> Path:
    """Path of the archive in the data folder."""
    return folder / ARCHIVE_NAME


def find_smiles(given: Path | None, folder: Path) -> Path:
    """Choose the data set: the given path, or the archive in the data folder.

    Raises:
        DataError: it does not exist.
    """
    path = given or archive_path(folder)
    if not path.exists():
        hint = "" if given else f": run smilecam data fetch, or name its folder in {DATA_VARIABLE}"
        raise DataError(f"no data at {path}{hint}")
    return path


def verify(path: Path) -> None:
    """Check that an archive or folder holds exactly the images of the pinned commit.

    Raises:
        DataError: it does not.
    """
    _, faces = iter_faces(path)
    lines, counts = [], Counter(dict.fromkeys(COUNTS, 0))
    for face in faces:
        counts[LABELS[face.label]] += 1
        lines.append(face.digest_line)
    if dict(counts) != COUNTS:
        raise DataError(f"{path} holds {dict(counts)} images, not {COUNTS}")
    if content_digest(lines) != CONTENT_DIGEST:
        raise DataError(f"{path} holds other images than commit {COMMIT[:12]} (its content digest differs)")


def fetch(folder: Path, archive: Path | None = None, url: str = URL, progress: Progress | None = None) -> Path:
    """Put the verified archive into the data folder; a failed call leaves nothing behind.

    Args:
        folder: the data folder, created if missing.
        archive: a local copy to use instead of a download.
        url: of the download.
        progress: called with the numbers of bytes received and expected.

    Returns:
        The archive's path.

    Raises:
        DownloadError: the network or the server failed.
        DataError: the archive is not the data set.
        OutputError: the folder cannot be written.
    """
    target = archive_path(make_folder(folder))
    if target.is_file() and archive is None and _is_verified(target):
        return target
    if archive is not None and not archive.is_file():
        raise DataError(f"no archive at {archive}")
    with whole_or_absent(target) as temporary:
        if archive is not None:
            shutil.copyfile(archive, temporary)
        else:
            download(
                url, temporary, MAX_DOWNLOAD_BYTES, progress, instead="fetch the archive elsewhere and use --archive"
            )
        try:
            verify(temporary)
        except DataError as error:
            raise DataError(str(error).replace(str(temporary), str(archive or url))) from error
    return target


def _is_verified(path: Path) -> bool:
    try:
        verify(path)
    except DataError:
        return False
    return True
