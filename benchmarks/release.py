"""Train many networks on one machine: cross-validations, final runs and trials, several at a time.

    python benchmarks/release.py PLAN.toml --data FOLDER --out FOLDER [--processes 8] [--seconds N] [--only NAME ...]

PLAN.toml names runs; each is one `smilecam train`, whose command line stands in the run's log:

    [defaults]
    arguments = ["--data", "{data}/SMILEsmileD-master.zip", "--device", "cuda"]

    [runs.teacher]
    arguments = ["--recipe", "teacher"]
    folds = [0, 1, 2, 3, 4]     # a fold each, of as many as `of`; "final" for the run on all data
    of = 5

    [runs.student]
    arguments = ["--recipe", "smilenet"]
    teachers = ["teacher"]
    folds = [0, 1, 2, 3, 4, "final"]

The data sets are decoded once, before the processes are forked (so this needs a system that can fork), and a run starts
when its teachers of the same fold are finished. Runs that are finished already are left as they are. With `--seconds`
no run is started, and those under way are ended, when so much time has passed.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from smilecam.cli.train import train
from smilecam.data import faces
from smilecam.training import split

FINAL = "final"


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        out: folder of the run or, for a fold, of its cross-validation.
        folder: of the run.
        arguments: of `smilecam train`.
        needs: folders of its teachers' runs.
    """

    out: Path
    folder: Path
    arguments: tuple[str, ...]
    needs: tuple[Path, ...]

    @property
    def finished(self) -> bool:
        """Whether its metrics are written."""
        return (self.folder / "metrics.json").exists()

    @property
    def ready(self) -> bool:
        """Whether its teachers are finished."""
        return all((each / "metrics.json").exists() for each in self.needs)


def read_plan(path: Path, data: Path, out: Path) -> list[Job]:
    """The runs of a plan, in its order."""
    plan = tomllib.loads(path.read_text("utf-8"))
    shared = plan.get("defaults", {}).get("arguments", [])
    places = {"data": str(data), "plan": str(path.resolve().parent)}
    return [
        _job(name, run, fold, [each.format(**places) for each in (*shared, *run["arguments"])], out)
        for name, run in plan["runs"].items()
        for fold in run.get("folds", [FINAL])
    ]


def _job(name: str, run: dict[str, Any], fold: int | str, arguments: list[str], out: Path) -> Job:
    folds, teachers = run.get("of", 5), run.get("teachers", [])
    whole = "" if fold == FINAL else f"-folds{folds}"
    part = "" if fold == FINAL else f"seed0-fold{fold}"
    numbers = [] if fold == FINAL else ["--folds", str(folds), "--fold", str(fold)]
    parent, sources = out / f"{name}{whole}", [out / f"{teacher}{whole}" for teacher in teachers]
    chosen = [str(each) for source in sources for each in ("--teacher", source)]
    all_arguments = (*arguments, *chosen, *numbers, "--out", str(parent))
    return Job(parent, parent / part, all_arguments, tuple(source / part for source in sources))


def preload(jobs: list[Job]) -> None:
    """Decode every data set of the runs once, and let the runs use it."""
    load = functools.cache(faces.load_faces)
    split.load_faces = load  # type: ignore[attr-defined]
    for path in sorted({Path(value) for job in jobs for value in _values(job, "--data", "--extra")}):
        load(path)


def _values(job: Job, *options: str) -> Iterator[str]:
    pairs = zip(job.arguments, job.arguments[1:], strict=False)
    return (value for option, value in pairs if option in options)


def run_job(job: Job) -> None:
    """Train in this process; its output goes into a log beside the run."""
    job.folder.mkdir(parents=True, exist_ok=True)
    with (job.folder / "log.txt").open("a", encoding="utf-8", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        print(f"smilecam train {' '.join(job.arguments)}", flush=True)
        torch.set_num_threads(1)
        train.main(list(job.arguments), standalone_mode=False)
        sys.stdout.flush()


def run_all(jobs: list[Job], processes: int, seconds: float) -> None:
    """Run what is ready, so many at a time."""
    context = multiprocessing.get_context("fork")
    started = time.monotonic()
    waiting = [job for job in jobs if not job.finished]
    running: dict[Path, tuple[BaseProcess, float]] = {}
    while (waiting or running) and time.monotonic() - started < seconds:
        for folder, (process, since) in list(running.items()):
            if not process.is_alive():
                del running[folder]
                print(
                    f"{time.monotonic() - started:6.0f} s  {folder}: {time.monotonic() - since:.0f} s, "
                    f"exit code {process.exitcode}",
                    flush=True,
                )
        for job in [each for each in waiting if each.ready][: processes - len(running)]:
            waiting.remove(job)
            process = context.Process(target=run_job, args=(job,))
            process.start()
            running[job.folder] = process, time.monotonic()
        if not running and waiting:
            print(f"not run, since teachers are missing: {[str(job.folder) for job in waiting]}")
            return
        time.sleep(0.2)
    for folder, (process, _) in running.items():
        print(f"ended after {seconds:.0f} s: {folder}")
        process.terminate()


def main() -> None:
    """Train what a plan names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--only", nargs="*", help="names of runs; default: all")
    options = parser.parse_args()
    jobs = read_plan(options.plan, options.data, options.out)
    if options.only:
        jobs = [job for job in jobs if job.out.name.removesuffix("-folds5") in options.only]
    started = time.monotonic()
    preload([job for job in jobs if not job.finished])
    print(f"{time.monotonic() - started:6.0f} s  data decoded", flush=True)
    run_all(jobs, options.processes, options.seconds)


if __name__ == "__main__":
    main()
