"""The folder of a scan: the names in it, and the manifest that tells it from other folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
        "smilecam": settings.version,
        "settings": settings.as_dict(),
        "digest": settings.digest,
    }
    return json.dumps(content, indent=2) + "\n"


def earlier_version(out: Path, settings: ScanSettings) -> str | None:
    """The version of smilecam whose results are in a folder and cannot be reused; None where there are no such."""
    version = _content(out / MANIFEST).get("smilecam")
    if version in (None, settings.version) or not any((out / SHARDS).glob(f"*{SUFFIX}")):
        return None
    return str(version)[:40]


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
    return {"format", "digest"} <= _content(path).keys()


def _content(path: Path) -> dict[str, Any]:
    """What a manifest says; nothing where it is none."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
