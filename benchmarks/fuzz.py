"""Coverage-guided fuzzing of smilecam's own readers with atheris (libFuzzer): names, settings, messages, forms, files.

    python benchmarks/fuzz.py                                   # every target, 60 seconds each
    python benchmarks/fuzz.py settings upload --seconds 600     # these
    python benchmarks/fuzz.py --keep corpora                    # begin with what earlier runs found, and add to it
    python benchmarks/fuzz.py --again result_lines crash-1234   # one input

Each target runs in a process of its own. It is a finding if a reader raises anything but the errors that it documents,
takes longer than 10 seconds or more than 2 GB, or breaks a property of ``benchmarks/fuzz_targets.py``. Atheris is part
of the extra ``dev`` where it has wheels (Linux x86_64, Python up to 3.13).
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import atheris

READERS = ["smilecam", "python_multipart", "starlette.formparsers"]
"""Instrumented: ours, and those that ours rely on for forms."""

with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=READERS):
    from fuzz_targets import TARGETS, Target, mutate, scratch

SECONDS_AN_INPUT, MEMORY_MB = 10, 2048


def work(target: Target, libfuzzer: list[str], log: Path, found: Path) -> None:
    """Fuzz one target in this process, until libFuzzer ends it; an input that raises an error is kept."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(scratch())

    def mutated(data: bytes, longest: int, seed: int) -> bytes:
        changed = mutate(data, seed, target.words)
        return atheris.Mutate(data, longest) if changed is None else changed[:longest]

    def run(data: bytes) -> None:
        try:
            target.run(data)
        except BaseException:
            (found / f"crash-{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(data)
            raise

    options = {"custom_mutator": mutated} if target.is_json else {}
    atheris.Setup([sys.argv[0], *libfuzzer], run, **options)
    atheris.Fuzz()


def prepare(name: str, folder: Path) -> Path:
    """Write the inputs to begin with, and the words."""
    target, corpus = TARGETS[name], folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(content[: target.longest])
    lines = [f'"{word}"' for word in target.words]
    (folder / f"{name}.words").write_text("\n".join(lines) + "\n", "utf-8")
    return corpus


def fuzz(name: str, options: argparse.Namespace, folder: Path) -> tuple[str, list[Path]]:
    """Fuzz one target, and give a line about it and the inputs that it stumbled over."""
    corpus, found, log = prepare(name, folder), (options.findings / name).resolve(), folder / f"{name}.log"
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    settings = {
        "max_total_time": options.seconds,
        "max_len": TARGETS[name].longest,
        "timeout": SECONDS_AN_INPUT,
        "rss_limit_mb": MEMORY_MB,
        "seed": options.seed,
        "dict": folder / f"{name}.words",
        "artifact_prefix": f"{found}{os.sep}",
        "print_final_stats": 1,
    }
    child = os.fork()  # the readers are imported, and instrumented, once for all
    if child == 0:
        try:
            work(TARGETS[name], [str(corpus), *(f"-{key}={value}" for key, value in settings.items())], log, found)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text = log.read_text("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    covered = re.findall(r"cov: (\d+)", text)
    new = sorted(set(found.iterdir()) - before)
    line = f"{name}: {runs[1] if runs else '?'} inputs, {covered[-1] if covered else '?'} edges, {len(new)} findings"
    if code:
        line += f" (exit code {code})\n{text[-2000:]}"
    return line, [*new, *([log] if code and not new else [])]


def main() -> int:
    """Fuzz the targets one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder of the inputs that are worth keeping")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--again", nargs=2, metavar=("TARGET", "FILE"), help="run one input, without a fuzzer")
    options = parser.parse_args()
    if options.again:
        TARGETS[options.again[0]].run(Path(options.again[1]).read_bytes())
        return 0
    findings: list[Path] = []
    scratch()  # made, and removed, by this process
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.targets or TARGETS:
            line, new = fuzz(name, options, (options.keep or Path(temporary)).resolve())
            findings += new
            print(line, flush=True)
    for path in findings:
        print(f"finding: {path}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
