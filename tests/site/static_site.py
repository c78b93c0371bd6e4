"""The page without a server in real parts: built, served by ``http.server``, in a browser.

No test: tests/site/test_static_page.py and benchmarks/site.py use it.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"


def tools() -> list[str]:
    """Which programs the build needs that are not here."""
    return [name for name in ("node", "npm") if shutil.which(name) is None]


def npm(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run npm in site/, with this Python and its smilecam; the output is kept."""
    command = [shutil.which("npm") or "npm", *arguments]
    variables = {**os.environ, "PYTHON": sys.executable, "NO_UPDATE_NOTIFIER": "1", **environment}
    return subprocess.run(command, cwd=SITE, env=variables, capture_output=True, text=True, check=False, timeout=300)


def install() -> None:
    """Install the pinned packages, unless they are there as the lock file has them."""
    installed = SITE / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= (SITE / "package-lock.json").stat().st_mtime:
        return
    done = npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    if done.returncode:
        raise RuntimeError(f"npm ci failed: {done.stdout}{done.stderr}")


def build(folder: Path, yunet: Path | None = None) -> Path:
    """Build the page into a folder."""
    install()
    done = npm("run", "build", "--", str(folder), **({"SMILECAM_YUNET": str(yunet)} if yunet else {}))
    if done.returncode:
        raise RuntimeError(f"the build failed: {done.stdout}{done.stderr}")
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Isolating(_Quiet):
    def end_headers(self) -> None:
        """As a host does that gives pages threads."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


@contextlib.contextmanager
def serving(folder: Path, *, isolated: bool = False) -> Iterator[str]:
    """Serve a folder on loopback as ``python -m http.server`` does, and give its address."""
    handler = functools.partial(_Isolating if isolated else _Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
