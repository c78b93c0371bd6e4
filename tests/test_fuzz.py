"""The short form of ``benchmarks/fuzz.py``: a second of coverage-guided fuzzing for each of smilecam's own readers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"

pytest.importorskip("atheris", reason="has wheels for Linux on x86_64, up to Python 3.13")


def test_readers_accept_or_refuse_whatever_they_are_given(tmp_path):
    command = [sys.executable, str(SCRIPT), "--seconds", "1", "--findings", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^(\w+): (\d+) inputs, ", done.stdout, re.MULTILINE))
    assert len(counts) == 14
    assert min(map(int, counts.values())) > 20, done.stdout
