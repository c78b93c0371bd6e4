"""The programs of the page about archives run on the tables of a scan."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from smilecam.scan.listing import list_files
from smilecam.scan.run_scan import run_scan

for package in ("duckdb", "pandas", "polars", "pyarrow"):
    pytest.importorskip(package, reason='needs the "dev" extra')

PAGE = Path(__file__).parents[2] / "docs" / "scan.md"


def test_the_programs_of_the_page_run(archive, settings, inline_engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_scan(list_files([archive.name]), settings, inline_engine(settings), Path("results"))
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(programs) == 3
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(programs)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("clip.mp4") == 3  # as a smile, as a video, and among the faces
    assert "astronaut.jpg" in done.stdout
