"""The folder of a scan: the names in it, and the manifest that tells it from other folders."""

from __future__ import annotations

import json
from pathlib import Path

from smilecam import provenance
from smilecam.errors import OutputError
from smilecam.scan.rows import TABLES
from smilecam.scan.shards import SUFFIX
from smilecam.scan.tables import FORMATS
from smilecam.scan.task import FORMAT, ScanSettings

MANIFEST, SUMMARY, SHARDS = "manifest.json", "summary.json", "shards"


def manifest(settings: ScanSettings) -> str:
    """The text of the manifest: written first, with what the results depend on."""
    content = {
        "format": FORMAT,
        "smilecam": provenance.versions()["smilecam"],
        "settings": settings.as_dict(),
        "digest": settings.digest,
    }
    return json.dumps(content, indent=2) + "\n"


def check_folder(out: Path) -> None:
    """Refuse a folder where a scan would replace a file of something else.

    Raises:
        OutputError: it holds a file of one of our names, and no scan has written there.
    """
    if next((out / SHARDS).glob(f"*{SUFFIX}"), None) or _is_of_scan(out / MANIFEST):
        return
    names = [MANIFEST, SUMMARY, *(f"{table}.{suffix}" for table in TABLES for suffix in FORMATS)]
    taken = next((out / name for name in names if (out / name).exists()), None)
    if taken is not None:
        raise OutputError(f"{taken} is there, and of no scan: choose another folder")


def _is_of_scan(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"format", "digest"} <= content.keys()
