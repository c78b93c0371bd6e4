"""Provenance of results and files: versions, commit and machine, without personal data."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python, smilecam and the named distributions, as far as installed."""
    found = {"python": platform.python_version()}
    for package in ("smilecam", *packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Operating system, processor architecture and number of cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def commit() -> str:
    """Git commit of the checkout that this package runs from, with the suffix "+changes" if its code was modified.

    "unknown" outside a checkout or without git.
    """
    folder = Path(__file__).resolve().parent
    if not (folder.parents[1] / ".git").exists():
        return "unknown"
    head = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ":/src", ":/benchmarks")
    return head + ("+changes" if head and changes else "") if head else "unknown"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
