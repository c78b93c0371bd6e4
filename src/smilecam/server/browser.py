"""Opens the page in the browser without the token among the browser's arguments, which other users can see."""

from __future__ import annotations

import contextlib
import html
import os
import sys
import tempfile
import threading
import time
import webbrowser
from pathlib import Path

KEPT_SECONDS = 60.0
"""A browser that has not started by then will not."""

SNAPS = Path("/snap/bin")


def open_page(address: str, folder: Path) -> None:
    """Have the browser open a private file that leads to the page; returns at once.

    Args:
        address: of the page, with the token.
        folder: private.
    """
    threading.Thread(target=_open, args=(address, folder), name="smilecam-browser", daemon=True).start()


def _open(address: str, folder: Path) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):
        path = _redirecting_file(address, _readable(folder))
        try:
            if webbrowser.open(path.as_uri()):
                time.sleep(KEPT_SECONDS)
        finally:
            path.unlink(missing_ok=True)


def _readable(folder: Path) -> Path:
    """Where a browser can read a file: those that are snaps see no temporary folder but their own."""
    return Path.home() if sys.platform == "linux" and SNAPS.is_dir() else folder


def _redirecting_file(address: str, folder: Path) -> Path:
    descriptor, name = tempfile.mkstemp(".html", "smilecam-", folder)  # readable by this user only
    quoted = html.escape(address)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><meta charset="utf-8"><title>smilecam</title><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={quoted}"><a href="{quoted}">Open smilecam</a>\n'
        )
    return Path(name)
