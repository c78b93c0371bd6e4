"""Closing a source while another thread reads it: it ends soon, and no library crashes."""

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from servers import wait_until

from clips import encode, graded, hollow_avi
from smilecam.pipeline.prefetch import Prefetcher
from smilecam.sources import container
from smilecam.sources.base import SourceOptions
from smilecam.sources.open import open_source
from smilecam.sources.release import CancellableFile, ReleaseGuard
from smilecam.sources.resolve import find_sources


@pytest.fixture(scope="module")
def hollow(tmp_path_factory):
    path = hollow_avi(tmp_path_factory.mktemp("hollow") / "hollow.avi")
    yield path
    path.unlink()  # a file system that knows no holes holds gigabytes


def read_in_thread(source):
    """Start to read a source to its end; a thread, and the list that it fills."""
    frames = []
    thread = threading.Thread(target=lambda: frames.extend(source))
    thread.start()
    return thread, frames


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "arguments", [(), ("--realtime",), ("--save", "out.mp4")], ids=["offline", "real time", "save"]
)
def test_an_interrupt_ends_a_long_search_for_the_next_frame(hollow, tmp_path, arguments, number):
    command = [sys.executable, "-m", "smilecam", "detect", str(hollow), "--detector", "haar", *arguments]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(4)  # to the place where the nothing begins
        assert process.poll() is None
        begin = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "smilecam: interrupted\n"
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("arguments", [(), ("--realtime",)], ids=["offline", "real time"])
def test_a_time_limit_ends_a_long_search_for_the_next_frame(hollow, smilecam_command, arguments):
    begin = time.monotonic()
    done = smilecam_command("detect", hollow, "--detector", "haar", "--timeout", "3", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert time.monotonic() - begin < 8


@pytest.mark.parametrize("realtime", [False, True])
def test_close_ends_an_iteration_in_another_thread(hollow, realtime):
    (ref,) = find_sources(str(hollow))
    source = open_source(ref, SourceOptions(realtime=realtime))
    thread, frames = read_in_thread(source)
    wait_until(lambda: source.counts.received >= 5)
    time.sleep(0.5)
    assert thread.is_alive()
    source.close()
    thread.join(2)
    assert not thread.is_alive()
    assert len(frames) <= 20
    assert source.missing == 0
    source.close()
    assert list(source) == []


def test_closing_at_any_moment_does_no_harm(tmp_path):
    path = encode(tmp_path / "clip.mp4", [graded(n) for n in range(200)])
    (ref,) = find_sources(str(path))
    for delay in range(30):
        source = open_source(ref)
        thread, frames = read_in_thread(source)
        time.sleep(delay / 3000)
        source.close()
        thread.join(5)
        assert not thread.is_alive()
        assert [frame.number for frame in frames] == list(range(len(frames)))
        assert source._file.closed


@pytest.mark.parametrize("argument", ["synthetic:64x48@20", "clip", "image", "sequence"])
def test_every_source_can_be_closed_twice(tmp_path, astronaut, clip, argument):
    from smilecam.sources.images import save_image

    save_image(tmp_path / "a1.png", astronaut)
    named = {"clip": str(clip), "image": str(tmp_path / "a1.png"), "sequence": str(tmp_path / "a%d.png")}
    source = open_source(find_sources(named.get(argument, argument))[0])
    source.close()
    source.close()


def test_prefetching_ends_with_what_it_reads(hollow):
    source = open_source(find_sources(str(hollow))[0])
    with Prefetcher(source, 16, source.close) as frames:
        taken = list(itertools.islice(frames, 2))
        time.sleep(0.3)
        begin = time.monotonic()
    assert time.monotonic() - begin < 1
    assert len(taken) == 2
    assert not frames._thread.is_alive()
    assert source._file.closed


def test_the_reading_thread_releases():
    hold, released = threading.Event(), []

    def items():
        yield 1
        hold.wait(10)
        yield 2

    guard = ReleaseGuard(lambda: released.append(threading.current_thread()))
    taken = []
    thread = threading.Thread(target=lambda: taken.extend(guard.iterate(items())))
    thread.start()
    wait_until(lambda: taken == [1])
    guard.close()
    assert released == []
    hold.set()
    thread.join()
    assert released == [thread]
    assert taken == [1]


def test_a_cancelled_file_seems_to_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    with CancellableFile(path) as file:
        assert file.read(10) == bytes(range(10))
        number = file.fileno()
        file.cancel()
        assert file.read(10) == b""
        assert file.fileno() == number
        assert not os.get_inheritable(number)
    file.cancel()
    assert path.read_bytes() == bytes(range(100))


def test_files_are_read_without_python_code():
    assert "read" not in vars(CancellableFile)
    assert CancellableFile.read is io.FileIO.read


def test_an_interrupt_ends_an_opening_that_hangs(tmp_path, monkeypatch, clip):
    hold, left = threading.Event(), []

    def hang(file, *_arguments, **_settings):
        hold.wait(10)
        left.append(file.read(1))
        raise ValueError("no video")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(container.av, "open", hang)
    monkeypatch.setattr(container, "wait", interrupt)
    file = CancellableFile(clip)
    with pytest.raises(KeyboardInterrupt):
        container.open_container(file)
    assert not file.closed
    hold.set()
    wait_until(lambda: file.closed)
    assert left == [b""]
