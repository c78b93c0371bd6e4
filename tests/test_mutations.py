"""The short form of ``benchmarks/mutations.py``: hostile files are read or refused, and nothing else."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "mutations.py"


def test_mutated_files_are_read_or_refused():
    done = subprocess.run([sys.executable, str(SCRIPT), "--tries", "300"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'read': " in done.stdout  # some are only slightly damaged
    assert "SourceUnreadable" in done.stdout
