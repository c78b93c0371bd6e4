"""The outputs of ``smilecam detect``: from options to sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smilecam.cli.progress import warn
from smilecam.errors import OutputError, UsageProblem

if TYPE_CHECKING:
    from smilecam.cli.notify_options import Notifications
    from smilecam.pipeline.run_parallel import ParallelOutputs
    from smilecam.sinks.base import Sink
    from smilecam.sources.base import SourceRef

    Plan = dict[SourceRef, Path]

STANDARD_OUTPUT = "-"

LISTED_FILES = 4
"""So many files of one output in one folder are reported by name; more are counted."""

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results go, as the options name it."""

    save: str | None
    jsonl: str | None
    csv: str | None
    webvtt: str | None
    snap: str | None
    cooldown: float
    blur: bool
    numbers: bool = False

    def check(self, sources: Sequence[str]) -> None:
        """Refuse empty names, and options that make no sense together.

        Args:
            sources: as the user names them.

        Raises:
            UsageProblem: they do not.
        """
        if "" in (*sources, self.save, self.jsonl, self.csv, self.webvtt, self.snap):
            raise UsageProblem("a SOURCE or the PATH of an output is an empty name")
        if self.jsonl == self.csv == STANDARD_OUTPUT:
            raise UsageProblem("--jsonl and --csv cannot both go to standard output")
        if self.blur and not (self.save or self.snap):
            raise UsageProblem("--blur is about what --save or --snap writes: name one of them")
        if self.numbers and not self.save:
            raise UsageProblem("--numbers is about what --save writes: name a file for it")

    @property
    def asked(self) -> list[str]:
        """Options of the outputs that are asked for, in the order of ``SINKS``."""
        return [option for option in SINKS if getattr(self, option)]

    @property
    def use_standard_output(self) -> bool:
        """Whether standard output carries results, so that people read standard error."""
        return STANDARD_OUTPUT in (self.jsonl, self.csv)


def make_sinks(
    refs: list[SourceRef], outputs: Outputs, notified: Notifications, inputs: dict[str, Path], log: Log
) -> list[Sink]:
    """A sink for each output that is asked for, the summary first.

    Args:
        refs: all sources of the run, at least one.
        outputs: that are asked for.
        notified: other programs that take events.
        inputs: other files that no output may replace, by what they are.
        log: takes lines for people.

    Raises:
        UsageProblem: an output would replace a source, another input, or another output.
        OutputError: one cannot be written.
    """
    from smilecam.sinks.summary import Summary
    from smilecam.sinks.totals import ImageTotals

    plans = _checked_plans(refs, outputs, inputs)
    notifiers = [*notified.shared_sinks(warn), *notified.own_sinks(warn)]
    # They are closed in the opposite order: files are complete before anybody is waited for.
    return [*notifiers, Summary(log), *_made(outputs.asked, outputs, plans), ImageTotals(log)]


def make_parallel_outputs(
    refs: list[SourceRef], outputs: Outputs, notified: Notifications, inputs: dict[str, Path], log: Log
) -> ParallelOutputs:
    """The same for sources that are read side by side; arguments and errors are those of ``make_sinks``."""
    from smilecam.pipeline.run_parallel import ParallelOutputs
    from smilecam.sinks.summary import Summary
    from smilecam.sinks.totals import ImageTotals

    def log_of(ref: SourceRef) -> Log:
        return lambda line: log(line if line.startswith(ref.name) else f"{ref.name}: {line.strip()}")

    plans = _checked_plans(refs, outputs, inputs)
    own = [option for option in outputs.asked if option not in ONE_FOR_ALL]
    shared = _made([option for option in outputs.asked if option in ONE_FOR_ALL], outputs, plans)
    with ExitStack() as stack:
        for sink in shared:
            stack.callback(sink.close)
        of_source: dict[SourceRef, list[Sink]] = {}
        for ref in refs:
            of_source[ref] = [*notified.own_sinks(warn), Summary(log_of(ref)), *_made(own, outputs, plans)]
            for sink in of_source[ref]:
                stack.callback(sink.close)
        stack.pop_all()
    return ParallelOutputs([*notified.shared_sinks(warn), *shared, ImageTotals(log)], of_source)


def _checked_plans(refs: list[SourceRef], outputs: Outputs, inputs: dict[str, Path]) -> dict[str, Plan]:
    try:
        plans = _plans(refs, outputs)
        _refuse_collisions(refs, outputs, plans, inputs)
    except (OSError, RuntimeError) as error:  # a name that is too long, or a link to itself
        name = getattr(error, "filename", None) or ""
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {str(name)[:200] or 'an output'}: {reason}") from error
    return plans


def _made(options: Sequence[str], outputs: Outputs, plans: dict[str, Plan]) -> list[Sink]:
    """The sinks of these outputs; if a later one cannot be made, those before it are closed."""
    sinks: list[Sink] = []
    with ExitStack() as stack:
        for option in options:
            sinks.append(SINKS[option](outputs, plans))
            stack.callback(sinks[-1].close)
        stack.pop_all()
    return sinks


ONE_FOR_ALL = ("jsonl", "csv")
"""Outputs that are one file for all sources."""


def _annotated(outputs: Outputs, plans: dict[str, Plan]) -> Sink:
    from smilecam.sinks.annotated import AnnotatedOutput

    _make_folder_for(outputs.save or "", plans["save"])
    return AnnotatedOutput(plans["save"], outputs.blur, outputs.numbers)


def _jsonl(outputs: Outputs, _plans: dict[str, Plan]) -> Sink:
    from smilecam.sinks.jsonl import JsonLines

    return JsonLines(outputs.jsonl or "")


def _csv(outputs: Outputs, _plans: dict[str, Plan]) -> Sink:
    from smilecam.sinks.csv import CsvTable

    return CsvTable(outputs.csv or "")


def _webvtt(outputs: Outputs, plans: dict[str, Plan]) -> Sink:
    from smilecam.sinks.webvtt import WebVtt

    _make_folder_for(outputs.webvtt or "", plans["webvtt"])
    return WebVtt(plans["webvtt"])


def _snapshots(outputs: Outputs, _plans: dict[str, Plan]) -> Sink:
    from smilecam.sinks.snapshots import Snapshots
    from smilecam.storage import make_folder

    return Snapshots(make_folder(Path(outputs.snap or ""), parents=False), outputs.cooldown, outputs.blur)


SINKS: dict[str, Callable[[Outputs, dict[str, Plan]], Sink]] = {
    "save": _annotated,
    "jsonl": _jsonl,
    "csv": _csv,
    "webvtt": _webvtt,
    "snap": _snapshots,
}
"""Option -> what makes its sink, in the order in which sinks get results."""


def _plans(refs: list[SourceRef], outputs: Outputs) -> dict[str, Plan]:
    """Option -> the path of each source's file, for outputs with a file for each."""
    plans = {}
    if outputs.save:
        from smilecam.sinks.annotated import plan_names

        plans["save"] = plan_names(Path(outputs.save), refs, _is_folder(outputs.save))
    if outputs.webvtt:
        from smilecam.sinks.webvtt import plan_cue_names

        plans["webvtt"] = plan_cue_names(Path(outputs.webvtt), refs, _is_folder(outputs.webvtt))
    return plans


def _is_folder(target: str) -> bool:
    path = Path(target)
    return path.is_dir() or target.endswith(("/", "\\")) or not path.suffix


def _make_folder_for(target: str, plan: Plan) -> None:
    from smilecam.storage import make_folder

    if _is_folder(target) and plan:
        make_folder(Path(target), parents=False)


def _refuse_collisions(
    refs: list[SourceRef], outputs: Outputs, plans: dict[str, Plan], inputs: dict[str, Path]
) -> None:
    """Refuse outputs that would replace a source, another input, or each other.

    Raises:
        UsageProblem: one would.
    """
    from smilecam.sinks.output_paths import refuse_source
    from smilecam.storage import same_file

    single = {"jsonl": outputs.jsonl, "csv": outputs.csv}
    targets = [(f"--{option}", Path(path)) for option, path in single.items() if path and path != STANDARD_OUTPUT]
    for option, path in targets:
        refuse_source(option, path, refs)
    targets += [(f"--{option}", path) for option, plan in plans.items() for path in plan.values()]
    taken: dict[Path, str] = {}
    for option, path in targets:
        for what, used in inputs.items():
            if same_file(path, used):
                raise UsageProblem(f"{option} {path} would replace {what}")
        other = taken.setdefault(path.resolve(), option)
        if other != option:
            raise UsageProblem(f"{other} and {option} both name {path}")


def report_written(sinks: Sequence[Sink], log: Log) -> list[Path]:
    """Log the files that are finished and there; of many, how many.

    Args:
        sinks: that are closed.
        log: takes lines for people.

    Returns:
        Those that are not there any more: someone has removed them meanwhile.
    """
    gone = []
    for option in dict.fromkeys(type(sink) for sink in sinks):
        written = [path for sink in sinks if type(sink) is option for path in sink.written]
        gone += [path for path in written if not path.exists()]
        folders = _by_folder(path for path in written if path.exists())
        for folder, paths in folders.items():
            if len(paths) > LISTED_FILES:
                log(f"wrote {len(paths)} files in {folder}")
            else:
                for path in paths:
                    log(f"wrote {path}")
    return gone


def _by_folder(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    return folders
