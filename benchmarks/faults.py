"""The long form of the fault matrix: signals at random moments, full disks of every size; on the real program.

    python benchmarks/faults.py --tries 200 --seed 0

After each try: the documented exit code, an end within ``--limit`` seconds, whole lines, a recording that plays and is
as long as the lines, nothing partial under a final name. ``tests/cli/test_faults.py`` is the short form.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import av

from smilecam.cli import exit_codes

OUTPUTS = ("--save", "out.mp4", "--jsonl", "out.jsonl", "--csv", "out.csv", "--webvtt", "out.vtt", "--snap", "snaps")
SOURCES = (
    ("synthetic:face:320x240@30", "--realtime"),
    ("synthetic:face:640x480@30?seconds=600",),
    ("synthetic:1920x1080@30?seconds=600",),
)


def start(folder: Path, source: tuple[str, ...], room: int | None = None) -> subprocess.Popen[str]:
    """Start a run with all outputs; ``room`` is the largest size of a file, in bytes."""

    def limit() -> None:
        import resource

        if room is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = [sys.executable, "-m", "smilecam", "detect", *source, *OUTPUTS, "--detector", "haar"]
    return subprocess.Popen(  # noqa: S603 - smilecam itself
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit
    )


def problems_of(folder: Path, killed: bool, full: bool) -> list[str]:
    """What is wrong with the outputs."""
    found = []
    lines = folder / "out.jsonl"
    frames = 0
    if lines.exists():
        text = lines.read_text("utf-8")
        if not text.endswith("}\n"):
            found.append("a line is cut")
        frames = sum(json.loads(line)["type"] == "frame" for line in text.splitlines() if line.endswith("}"))
    for name in ("out.csv", "out.vtt"):
        path = folder / name
        if path.exists() and not path.read_text("utf-8").endswith("\n"):
            found.append(f"{name} is cut")
    if (folder / "out.mp4").exists():
        with av.open(str(folder / "out.mp4")) as recording:
            shown = sum(1 for _ in recording.decode(video=0))
        # Where a disk is full, one output may end before another.
        if shown != frames and not full:
            found.append(f"{shown} frames in the recording, {frames} in the lines")
    if not killed and (left := [path.name for path in folder.iterdir() if path.name.startswith(".")]):
        found.append(f"left: {left}")
    return found


def attempt(seed: int, limit: float) -> tuple[str, list[str]]:
    """One try: what was done, and what is wrong afterwards."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    kind = rng.choice(["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGSTOP", "full"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = start(folder, rng.choice(SOURCES), rng.randrange(200, 60_000) if kind == "full" else None)
        time.sleep(rng.uniform(0.15, 3.0))
        begin = time.monotonic()
        wanted = {exit_codes.INTERRUPTED, -signal.SIGINT}
        if kind == "SIGSTOP":
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.5)
            process.send_signal(signal.SIGCONT)
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
        elif kind == "full":
            wanted = {exit_codes.FAILURE}
            limit = 60
        else:
            process.send_signal(getattr(signal, kind))
        wanted |= {-signal.SIGKILL} if kind == "SIGKILL" else set()
        # Before the program's own first line has run, a signal ends Python itself.
        wanted |= {-signal.SIGTERM, -signal.SIGHUP} if kind != "full" else set()
        try:
            _, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return kind, ["no end within 60 s"]
        found = problems_of(folder, kind == "SIGKILL", kind == "full")
        if process.returncode not in wanted:
            found.append(f"exit code {process.returncode}: {err[-200:]}")
        if "Traceback" in err and "smilecam" in err:
            found.append(err[-300:])
        if (seconds := time.monotonic() - begin) > limit:
            found.append(f"{seconds:.1f} s to end")
        return kind, found


def main() -> int:
    """Run all tries and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=2.0, help="seconds to end after a signal")
    options = parser.parse_args()
    done, wrong = Counter[str](), 0
    for seed in range(options.seed, options.seed + options.tries):
        kind, found = attempt(seed, options.limit)
        done[kind] += 1
        if found:
            wrong += 1
            print(f"seed {seed}, {kind}: {'; '.join(found)}", flush=True)
    print(f"{options.tries} tries {dict(done)}: {wrong} with a problem")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
