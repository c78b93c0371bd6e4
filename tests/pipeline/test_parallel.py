"""Sources side by side: turns at the cores, and results of all of them."""

import json
import os
import threading
import time

import click
import numpy as np
import pytest

import smilecam
import smilecam.pipeline.run_parallel as run_parallel_module
from smilecam.cli.detect import detect
from smilecam.cli.main import call
from smilecam.errors import OutputError, SourceNotFound
from smilecam.pipeline.fair_gate import MAX_STRAIN, FairGate
from smilecam.pipeline.run_parallel import ParallelOutputs, run_parallel
from smilecam.pipeline.run_sources import RunReport, StopRun
from smilecam.pipeline.stages import Stage, Stages
from smilecam.sinks.base import Sink
from smilecam.sources.base import Counts, SourceOptions
from smilecam.sources.frame import Frame
from smilecam.sources.resolve import find_sources


@pytest.mark.parametrize("places", [1, 2])
def test_the_gate_lets_few_in_and_in_order(places):
    gate, inside, order, most = FairGate(places), [0], [], [0]

    def work(number):
        with gate:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            order.append(number)
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
        time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert most[0] == places
    assert all(abs(number - at) < places for at, number in enumerate(order))


def test_the_gate_tells_all_streams_alike_how_many_wait():
    gate, crowd = FairGate(1), threading.Barrier(8)

    def work():
        crowd.wait(5)
        for _ in range(40):
            with gate:
                time.sleep(0.0005)

    threads = [threading.Thread(target=work) for _ in range(8)]
    assert gate.strain == 1.0
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 2.0 < gate.strain <= MAX_STRAIN
    for _ in range(400):  # nobody waits any more
        with gate:
            pass
    assert gate.strain < 1.01


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process can be kept to a core here")
def test_the_gate_is_as_wide_as_the_cores_that_the_process_may_use():
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        gate, admitted = FairGate(), threading.Event()
    finally:
        os.sched_setaffinity(0, mine)

    def enter():
        with gate:
            admitted.set()

    with gate:
        threading.Thread(target=enter, daemon=True).start()
        assert not admitted.wait(0.1)
    assert admitted.wait(5)


def test_stages_count_without_what_is_inside_them():
    stages = Stages()
    with stages.measure(Stage.FOLLOW), stages.measure(Stage.REDETECT):
        begun = time.thread_time()
        while time.thread_time() - begun < 0.03:
            pass
    stages.count()
    lines = stages.lines()
    assert "1 frames" in lines[0]
    (inner,) = [line for line in lines if Stage.REDETECT.value in line]
    (outer,) = [line for line in lines if Stage.FOLLOW.value in line]
    assert float(inner.split()[0]) > 25
    assert float(outer.split()[0]) < 5


def test_stages_of_images(detector):
    stages = detector.stages = Stages()
    try:
        detector.detect_many([np.zeros((60, 80, 3), np.uint8)] * 3)
    finally:
        detector.stages = None
    lines = "\n".join(stages.lines())
    assert "3 frames" in lines
    assert Stage.DETECT.value in lines


class Notes(Sink):
    uses_images = False

    def __init__(self, fail=False):
        self.calls, self.fail, self.closed = [], fail, False

    def begin(self, source):
        self.calls.append(("begin", source.ref.name))

    def write(self, frame, result):
        if self.fail:
            raise OutputError("full")
        self.calls.append(("frame", result.source))

    def event(self, event):
        self.calls.append((event.kind.value, event.source))

    def end(self):
        self.calls.append(("end", ""))

    def close(self):
        self.closed = True


FACE = "synthetic:face?seconds=2"
PATTERN = "synthetic:320x240@20?seconds=2"


@pytest.fixture(scope="module")
def detector():
    with smilecam.SmileDetector(detector="haar") as made:
        yield made


def refs(*names):
    return [ref for name in names for ref in find_sources(name)]


def test_sources_side_by_side_give_what_each_gives_alone(detector):
    shared, own = Notes(), {}
    report = RunReport()
    sources = refs(FACE, PATTERN)
    outputs = ParallelOutputs([shared], {ref: [own.setdefault(ref.name, Notes())] for ref in sources})
    run_parallel(sources, detector, outputs, report)
    assert report.done == 2
    for name, notes in own.items():
        alone = [item.faces for item in detector.stream(name)]
        assert notes.calls[0] == ("begin", name)
        assert notes.calls[-1] == ("end", "")
        assert notes.calls.count(("frame", name)) == len(alone)
        assert notes.closed
    assert sum(call[0] == "frame" for call in shared.calls) == sum(
        call[0] == "frame" for notes in own.values() for call in notes.calls
    )
    assert shared.closed


def test_live_sources_side_by_side_all_keep_going(detector):
    shared = Notes()
    names = [PATTERN.replace("20?", f"{20 + number}?") for number in range(3)]
    sources = refs(*names)
    outputs = ParallelOutputs([shared], dict.fromkeys(sources, ()))
    run_parallel(sources, detector, outputs, RunReport(), options=SourceOptions(realtime=True))
    for name in names:
        assert shared.calls.count(("frame", name)) > 20
    first_half = [call[1] for call in shared.calls if call[0] == "frame"][:30]
    assert set(first_half) == set(names)


@pytest.mark.parametrize("how", ["stop", "sink"])
def test_whatever_ends_it_all_threads_end(detector, how):
    notes, before = Notes(fail=how == "sink"), threading.active_count()

    def observe(item):
        if item.frame == 5:
            raise StopRun

    sources = refs(FACE, PATTERN)
    own = {ref: [Notes()] for ref in sources}
    work = (sources, detector, ParallelOutputs([notes], own), report := RunReport(), observe)
    if how == "sink":
        with pytest.raises(OutputError):
            run_parallel(*work)
    else:
        run_parallel(*work)
    assert notes.closed
    assert report.failed == []
    assert all(notes.closed for (notes,) in own.values())
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before + 1  # the thread of background detection stays


class Frozen:
    """A source that takes its time: to open, to give a frame, or to close."""

    live, fps, expected, missing = True, None, None, 0

    def __init__(self, ref, closing=0.0):
        self.ref, self.counts, self.closing = ref, Counts(), closing
        self.closed = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        yield Frame(0, 0.0, np.zeros((60, 80, 3), np.uint8))
        self.closed.wait(20)

    def close(self):
        first = not self.closed.is_set()
        self.closed.set()
        if first:
            time.sleep(self.closing)


def test_the_end_waits_neither_for_sources_that_are_being_opened_nor_for_their_closing(detector):
    sources, opened, may_open = refs(FACE, PATTERN, *(f"{PATTERN}.{at}" for at in range(1, 9))), [], threading.Event()

    def open_frozen(ref, _options):
        if ref is sources[0]:
            may_open.wait(20)
        opened.append(Frozen(ref, closing=1.0))
        return opened[-1]

    def observe(item):
        if len(opened) == len(sources) - 1:
            raise StopRun

    notes, begun = Notes(), time.monotonic()
    outputs = ParallelOutputs([notes], {ref: [Notes()] for ref in sources})
    run_parallel(sources, detector, outputs, RunReport(), observe, opener=open_frozen)
    assert time.monotonic() - begun < 4
    assert notes.closed
    may_open.set()
    deadline = time.monotonic() + 5
    while len(opened) < len(sources) or not all(source.closed.is_set() for source in opened):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_source_that_failed_before_the_end_is_reported(detector):
    sources = refs(PATTERN, FACE)

    def open_first(ref, _options):
        if ref is sources[1]:
            raise SourceNotFound("unplugged")
        return Frozen(ref)

    def observe(item):
        deadline = time.monotonic() + 5
        while sum(thread.name == "smilecam-reader" for thread in threading.enumerate()) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise StopRun

    report = RunReport()
    run_parallel(sources, detector, ParallelOutputs([], dict.fromkeys(sources, ())), report, observe, opener=open_first)
    assert report.failed == ["unplugged"]
    assert report.done == 1


def test_an_interrupt_that_swallows_an_end_does_not_hang(detector, monkeypatch):
    class Interrupted(Notes):
        def end(self):
            super().end()
            raise KeyboardInterrupt

    sources = refs(PATTERN)
    outputs = ParallelOutputs([Notes()], {sources[0]: [Interrupted()]})
    with pytest.raises(KeyboardInterrupt):
        run_parallel(sources, detector, outputs, RunReport())
    taken = run_parallel_module._take

    def swallow(messages, seconds):
        message = taken(messages, seconds)
        if message is not None and message.ended:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return message

    monkeypatch.setattr(run_parallel_module, "_take", swallow)
    outputs = ParallelOutputs([Notes()], {sources[0]: [own := Notes()]})
    with pytest.raises(KeyboardInterrupt):
        run_parallel(sources, detector, outputs, RunReport())
    assert own.calls[-1] == ("end", "")


def test_an_interrupt_between_two_sinks_leaves_no_gap(detector):
    class Frames(Notes):
        def write(self, frame, result):
            if self.fail and result.frame == 10:
                raise KeyboardInterrupt
            self.calls.append(result.frame)

    sources, first, second = refs(PATTERN), Frames(), Frames(fail=True)
    outputs = ParallelOutputs([first, second], dict.fromkeys(sources, ()))
    with pytest.raises(KeyboardInterrupt):
        run_parallel(sources, detector, outputs, RunReport())
    for notes in (first, second):
        frames = [call for call in notes.calls if isinstance(call, int)]
        assert frames == list(range(len(frames)))
        assert 10 <= len(frames) <= 11


def test_an_output_that_cannot_be_made_leaves_nothing_of_the_others(tmp_path, capsys):
    lines, missing = tmp_path / "all.jsonl", tmp_path / "none" / "smiles"
    assert call(["detect", FACE, PATTERN, "--parallel", "--jsonl", str(lines), "--snap", str(missing)]) == 1
    assert "cannot make the folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_files_of_each_source_are_reported_also_after_an_interrupt(tmp_path, capsys, monkeypatch):
    def interrupted(self, item):
        if item.frame == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr("smilecam.cli.detect._Observer.see", interrupted)
    with pytest.raises(click.Abort):
        detect.main(
            [FACE, PATTERN, "--parallel", "--save", f"{tmp_path}/", "--detector", "haar"], standalone_mode=False
        )
    printed = capsys.readouterr().out
    written = [path for path in tmp_path.iterdir() if path.suffix == ".mp4"]
    assert len(written) == 2
    assert all(f"wrote {path}" in printed for path in written)


def test_the_command_reads_side_by_side_and_prints_a_profile(tmp_path, capsys):
    lines = tmp_path / "all.jsonl"
    arguments = [
        "detect",
        FACE,
        PATTERN,
        str(tmp_path / "nothing.mp4"),
        "--parallel",
        "--detector",
        "haar",
        "--profile",
    ]
    assert call([*arguments, "--jsonl", str(lines)]) == 5
    printed = capsys.readouterr().out
    found = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {line["source"] for line in found} == {FACE, PATTERN}
    assert "CPU by stage" in printed
    assert Stage.WRITE.value in printed
    assert f"{PATTERN}: 40 frames" in printed
