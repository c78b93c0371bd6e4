"""Real servers that go away, hang, refuse and come back; and passwords, which appear nowhere."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from itertools import islice, pairwise

import av
import pytest
from servers import WebServer

from clips import encode, graded
from smilecam.errors import SourceError, SourceNotFound, SourceUnreadable
from smilecam.sources.base import Kind, SourceOptions
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.sources.urls import redacted
from smilecam.types import Event, EventKind

QUICK = SourceOptions(open_timeout=5, read_timeout=2)
SECRET = "geheim"


def opened(url, options=QUICK):
    return open_source(find_sources(url)[0], options)


def is_frame(item):
    return not isinstance(item, Event)


def take_until_restored(items, bring_back, after=5):
    """Frames until the loss and after the return, and both events; ``bring_back`` is called once it is lost."""
    before, events, later = [], [], []
    for item in items:
        if is_frame(item):
            (later if events else before).append(item)
        else:
            events.append(item)
            if item.kind is EventKind.SOURCE_LOST:
                bring_back()
        if len(later) == after:
            return before, events, later
    raise AssertionError("the stream ended")


def check_return(source, before, events, later):
    assert [event.kind for event in events] == [EventKind.SOURCE_LOST, EventKind.SOURCE_RESTORED]
    assert source.counts.reconnects == 1
    everything = [*before, *later]
    numbers, times = ([getattr(frame, of) for frame in everything] for of in ("number", "time"))
    assert numbers == sorted(set(numbers))
    assert times == sorted(set(times))
    lost, restored = (event.time for event in events)
    assert before[-1].time <= lost < restored <= later[0].time
    assert source.counts.received - source.counts.dropped <= len(everything) + 1  # one may still wait
    assert later[0].time - before[-1].time == pytest.approx(later[0].capture_time - before[-1].capture_time, abs=0.5)


def test_rtsp_server_that_is_killed_and_comes_back(rtsp):
    def after(frames, items):
        for count, item in enumerate(items, 1):
            if count == frames:
                rtsp.kill()
            yield item

    with opened(rtsp.url()) as source:
        assert source.live
        assert source.fps == 25
        seen = take_until_restored(after(40, source), rtsp.start)
    check_return(source, *seen)
    assert seen[0][0].image.shape == (240, 320, 3)
    assert seen[0][0].image.std() > 20  # a test card, not a grey picture


def test_rtsp_whose_frames_change_their_size(rtsp, smilecam_command, tmp_path):
    with opened(rtsp.url(page="changing")) as source:
        frames = list(islice(source, 80))
        assert source.counts.reconnects == 0
    assert all(map(is_frame, frames))
    assert {frame.shape for frame in frames} == {(240, 320), (360, 640)}
    assert all(frame.image.shape == (*frame.shape, 3) for frame in frames)
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    options = ("--detector", "haar", "--jsonl", "out.jsonl", "--save", "out.mp4", "--timeout", "4")
    done = smilecam_command("detect", rtsp.url(page="changing"), *options)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line)["type"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert set(lines) == {"frame", "figures"}  # neither lost nor restored
    with av.open(str(tmp_path / "out.mp4")) as recording:
        saved = [frame.to_ndarray(format="gray").std() for frame in recording.decode(video=0)]
    assert len(saved) == lines.count("frame") > 50
    assert min(saved) > 20  # a test card in each, whatever its size was


def test_rtsp_keeps_its_own_distances(rtsp):
    with opened(rtsp.url()) as source:
        frames = list(islice(source, 60))[20:]
    steps = [(b.time - a.time) / (b.number - a.number) for a, b in pairwise(frames)]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(0.04, abs=0.002)


def test_mjpeg_server_that_stops_and_comes_back():
    server = WebServer()
    servers = [server]
    try:
        with opened(server.url("camera")) as source:
            stopping = threading.Timer(0.5, server.stop)
            stopping.start()

            def bring_back():
                stopping.join()
                servers.append(WebServer(server.server_port))

            seen = take_until_restored(source, bring_back)
        check_return(source, *seen)
        assert source.fps is None  # the format has no times of its own
    finally:
        for other in servers[1:]:
            other.stop()


def test_a_stream_that_falls_silent_is_lost(web):
    options = SourceOptions(read_timeout=0.5, reconnect=False)
    begin = time.monotonic()
    with opened(web.url("stall"), options) as source:
        items = iter(source)
        events = (item for item in items if not is_frame(item))
        assert next(events).kind is EventKind.SOURCE_LOST
    assert time.monotonic() - begin < 5


def test_a_server_that_never_answers(web):
    begin = time.monotonic()
    with pytest.raises(SourceError, match=r"no answer|did not open|does not answer"):
        opened(web.url("hang"), SourceOptions(open_timeout=0.5))
    assert time.monotonic() - begin < 4


def test_a_short_stream_counts_as_lost_every_time(web):
    with opened(web.url("short")) as source:
        events = [item.kind for item in islice(source, 60) if not is_frame(item)][:3]
    assert events == [EventKind.SOURCE_LOST, EventKind.SOURCE_RESTORED, EventKind.SOURCE_LOST]


REFUSALS = {
    "nothing": "the server does not have it",
    f"private?token={SECRET}": "it wants another name and password",
    "page.html": "it is no video",
}


@pytest.mark.parametrize("page", REFUSALS)
def test_refusals(web, page):
    web.files["page.html"] = b"<html><body>A camera's start page.</body></html>" * 20
    with pytest.raises(SourceNotFound, match=REFUSALS[page]):
        opened(web.url(page))


def test_nothing_listens():
    with pytest.raises(SourceNotFound, match="nothing listens there"):
        opened("rtsp://127.0.0.1:1/x")


def test_a_file_behind_an_address_breaks_off(web, tmp_path):
    path = encode(tmp_path / "whole.ts", [graded(n) for n in range(100)], options={"g": "10"})
    content = path.read_bytes()

    class Cut(bytes):
        def __len__(self):
            return 2 * super().__len__()  # announced, and then not given

    web.files["cut.ts"] = Cut(content)
    with opened(web.url("cut.ts")) as source:
        frames = []
        with pytest.raises(SourceUnreadable, match="broke off before its end"):
            frames.extend(source)
        assert not source.live


def write_hls(folder, live):
    encode(
        folder / "list.m3u8",
        [graded(n) for n in range(30)],
        options={"g": "10"},
        muxing={"hls_time": "1", "hls_list_size": "0"} | ({"hls_flags": "omit_endlist"} if live else {}),
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_hls_with_an_end_gives_every_frame(web, tmp_path):
    web.files |= write_hls(tmp_path, live=False)
    with opened(web.url("list.m3u8")) as source:
        frames = list(source)
    assert not source.live
    assert [frame.number for frame in frames] == list(range(30))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(30)])


def test_a_file_behind_an_address_in_real_time(web, tmp_path):
    web.files["clip.mkv"] = encode(tmp_path / "clip.mkv", [graded(n) for n in range(12)]).read_bytes()
    begin = time.monotonic()
    with opened(web.url("clip.mkv"), SourceOptions(realtime=True)) as source:
        assert source.live
        frames = list(source)
    assert time.monotonic() - begin > 1.0
    assert [frame.number for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(12)])
    elapsed = [frame.capture_time - frames[0].capture_time for frame in frames]
    assert elapsed == pytest.approx([frame.time for frame in frames], abs=0.08)
    assert source.counts.reconnects == 0


def test_a_live_stream_is_not_slowed_down_by_real_time(web):
    with opened(web.url("camera"), SourceOptions(realtime=True)) as source:
        frames = list(islice(source, 5))
    assert all(time.monotonic() - frame.capture_time < 5 for frame in frames)


def test_hls_without_an_end_is_live_and_at_its_own_pace(web, tmp_path):
    web.files |= write_hls(tmp_path, live=True)
    with opened(web.url("list.m3u8")) as source:
        assert source.live
        begin = time.monotonic()
        frames = list(islice(source, 10))
    assert time.monotonic() - begin > 0.8  # a segment comes at once, and its pictures one by one
    assert [frame.number for frame in frames] == list(range(10))


def test_a_play_list_from_elsewhere_does_not_open_files(web, clip, tmp_path):
    segment = encode(tmp_path / "own.ts", [graded(n) for n in range(30)])
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n"
    web.files["own.ts"] = segment.read_bytes()
    web.files["good.m3u8"] = f"{head}{web.url('own.ts')}\n#EXT-X-ENDLIST\n".encode()
    web.files["bad.m3u8"] = f"{head}file://{segment}\n#EXT-X-ENDLIST\n".encode()
    web.files["bad.txt"] = f"ffconcat version 1.0\nfile file://{segment}\n".encode()
    with opened(web.url("good.m3u8")) as source:
        assert len(list(source)) == 30
    for page in ("bad.m3u8", "bad.txt"):
        with pytest.raises(SourceError):
            list(opened(web.url(page)))


ADDRESSES = {
    "rtsp://anna:geheim@camera.local:554/live": "rtsp://***@camera.local:554/live",
    "RTSP://anna@camera/live": "RTSP://***@camera/live",
    "rtsp://anna:ge@he/im@camera/live": "rtsp://***@camera/live",
    "rtsp://anna:ge?heim#@camera/live": "rtsp://***@camera/live",
    "http://camera/video.cgi?user=anna&pwd=geheim&res=vga": "http://camera/video.cgi?user=***&pwd=***&res=vga",
    "http://camera?password=geheim": "http://camera?password=***",
    "https://h/a.m3u8?Access_Token=geheim;q=1#key=geheim": "https://h/a.m3u8?Access_Token=***;q=1#key=***",
    "http://h/a?p%61ss=geheim": "http://h/a?p%61ss=***",
    "rtsp://h/user=anna_password=geheim_channel=1.sdp": "rtsp://h/user=***",
    "srt://h:9000?passphrase=geheim&mode=caller": "srt://h:9000?passphrase=***&mode=caller",
    "udp://239.0.0.1:1234": "udp://239.0.0.1:1234",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_shown_without_their_secrets(address):
    assert redacted(address) == ADDRESSES[address]
    (ref,) = find_sources(address)
    assert (ref.kind, ref.url) == (Kind.STREAM, address)
    assert "geheim" not in repr(ref) + str(ref) + ref.name
    assert "anna" not in repr(ref)


@pytest.mark.parametrize(
    "address", ["ftp://anna:geheim@host/x", "rtsp:/anna:geheim@host/x", "rtsp://", "http:///anna:geheim@x", "x" * 300]
)
def test_addresses_of_no_use_are_not_quoted(address):
    for argument in (address, "rtsp://" + "a" * 5000 + ":geheim@h"):
        with pytest.raises(SourceError) as caught:
            opened(argument, SourceOptions(open_timeout=0.5))
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def causes(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("page", ["private", "nothing", "page.html", "hang"])
@pytest.mark.parametrize("scheme", ["http", "rtsp", "tcp"])
def test_passwords_are_in_no_error(web, scheme, page):
    web.files["page.html"] = b"no video" * 100
    url = web.url(page, "anna:falsch-geheim@").replace("http://", f"{scheme}://") + "?token=geheim"
    with pytest.raises(SourceError) as caught:
        opened(url, SourceOptions(open_timeout=0.5))
    for error in causes(caught.value):
        assert SECRET not in f"{error} {error!r} {error.args}"
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_passwords_are_in_no_output(web, smilecam_command, tmp_path):
    url = web.url("private", f"anna:{SECRET}@") + f"?token={SECRET}"
    done = smilecam_command("--debug", "detect", url, "--max-frames", "3", "--jsonl", "out.jsonl")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert any(line.get("source") == redacted(url) for line in lines)
    failed = smilecam_command("--debug", "detect", url.replace("private", "nothing"))
    assert failed.returncode == 3
    written = "".join(path.name + path.read_text() for path in tmp_path.iterdir() if path.is_file())
    for text in (done.stdout, done.stderr, failed.stdout, failed.stderr, written):
        assert SECRET not in text


WATCHER = """
import sys, time
from smilecam.sources.base import SourceOptions
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
try:
    print("begin", flush=True)
    with open_source(find_sources(sys.argv[1])[0], SourceOptions(realtime=len(sys.argv) > 2)) as source:
        for item in source:
            print(type(item).__name__, flush=True)
except KeyboardInterrupt:
    sys.exit(7)
"""
STATES = {
    "opening": ("hang", "begin"),
    "frames": ("camera", "Frame"),
    "reading": ("stall", "Frame"),
    "reconnecting": ("once", "Event"),
    "stdin": ("-", "begin"),
    "realtime": ("synthetic:64x48@1?seconds=100", "Frame"),
}


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.parametrize("state", STATES)
def test_an_interrupt_ends_every_state_within_two_seconds(web, state):
    page, word = STATES[state]
    argument = page if page == "-" or ":" in page else web.url("short" if page == "once" else page)
    command = [sys.executable, "-c", WATCHER, argument, *(["realtime"] if state == "realtime" else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.strip() == word:
                break
        time.sleep(0.7)  # into the wait that comes then
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(5) == 7
            assert time.monotonic() - begin < 2
        finally:
            process.kill()
