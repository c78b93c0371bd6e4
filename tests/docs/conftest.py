"""What tests of the documentation share."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

EVERY = 12
"""Of SMILES, every so many-th face of each class: 1,098 of them, which train in seconds."""


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Of programs under test: one thread for each, and no notice of the frozen modules of this Python."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


@pytest.fixture(scope="session")
def some_smiles(smiles_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of SMILES, as an archive of the same layout."""
    path = tmp_path_factory.mktemp("smiles") / "some.zip"
    with zipfile.ZipFile(smiles_archive) as archive, zipfile.ZipFile(path, "w") as some:
        for part in ("negatives", "positives"):
            names = sorted(name for name in archive.namelist() if f"/{part}/" in name and name.endswith(".jpg"))
            assert names
            for name in names[::EVERY]:
                some.writestr(name, archive.read(name))
    return path
