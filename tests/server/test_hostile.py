"""What a stranger, or somebody who knows the token, may try on a real server: nobody else is held up by it."""

import os
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import hostile
import httpx
import psutil
import pytest
from served import ask, frame, hear, serving, until

from smilecam.opencv import cv2
from smilecam.server.decoding.images import ImageDecoder
from smilecam.server.problems import Problem

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def family(server):
    """The server and its workers."""
    process = psutil.Process(server.process.pid)
    return [process, *workers_of(process)]


def workers_of(process):
    """Its child processes, without Python's resource tracker."""
    found = []
    for child in process.children(recursive=True):
        try:
            if "resource_tracker" not in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def memory(server):
    """MB that server and workers hold."""
    total = 0
    for process in family(server):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def settled(measure, limit, seconds=10):
    """Whether a figure comes down to a limit in time."""
    end = time.monotonic() + seconds
    while measure() > limit and time.monotonic() < end:
        time.sleep(0.1)
    return measure() <= limit


class Peak:
    """The most memory that a server and its workers have held in a block."""

    def __init__(self, server):
        self.server, self.most, self.over = server, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, memory(self.server))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    return hostile.huge_video(tmp_path_factory.mktemp("huge") / "huge.mp4").read_bytes()


@pytest.fixture(scope="module")
def flood(tmp_path_factory, noise):
    return hostile.audio_flood(tmp_path_factory.mktemp("flood") / "flood.mkv", noise, 5_000_000).read_bytes()


@pytest.fixture
def still_good(server, smiling):
    yield
    assert server.process.poll() is None
    assert server.still_serves(smiling)
    assert server.errors.read_text() == ""


@linux
def test_a_video_of_huge_frames_leaves_no_memory_behind(server, huge, still_good):
    def upload(client):
        key = client.post("/v1/videos", files={"video": huge}).json()["id"]
        state = until(client, key, {"done", "failed"})
        assert (state["status"], state["error"]["code"]) == ("failed", "too_many_pixels")

    process = psutil.Process(server.process.pid)
    with server.client() as client:
        upload(client)  # threads that receive uploads stay
        before, threads = memory(server), process.num_threads()
        with Peak(server) as peak:
            upload(client)
            upload(client)
    assert peak.most - before < 400  # MB, of which a worker has 150; 16 frames would have 2,400
    assert settled(lambda: memory(server), before + 50)
    assert settled(process.num_threads, threads)


@linux
def test_deleting_does_not_let_more_videos_run(server, flood, still_good):
    with server.client() as client, Peak(server) as peak:
        began = time.monotonic()
        for _ in range(6):
            answer = client.post("/v1/videos", files={"video": flood})
            assert answer.status_code == 202
            assert len(family(server)) <= 3
            assert client.delete(f"/v1/videos/{answer.json()['id']}").json()["status"] == "cancelled"
            assert len(family(server)) == 1
        assert time.monotonic() - began < 60
    assert peak.most < 2000


@linux
def test_a_worker_that_crashes_takes_nothing_with_it(server, flood, still_good):
    with server.client() as client:
        key = client.post("/v1/videos", files={"video": flood}).json()["id"]
        assert settled(lambda: -len(family(server)), -2)
        time.sleep(0.5)
        os.kill(family(server)[1].pid, signal.SIGSEGV)
        state = until(client, key, {"done", "failed"})
        assert (state["status"], state["error"]["code"]) == ("failed", "bad_video")


def test_a_scan_bomb_is_refused_by_its_header(server, smiling, still_good):
    bomb = hostile.scan_bomb(4000)
    assert len(bomb) < 200_000
    with server.socket() as stream:
        assert ask(stream, frame(1, 0.0, bomb))["code"] == "bad_image"
        assert ask(stream, frame(2, 0.1, smiling))["type"] == "result"
    with server.client() as client:
        (result,) = client.post("/v1/detect", files={"image": bomb}).json()["results"]
    assert result["error"]["code"] == "bad_image"


def test_an_image_that_takes_too_long_is_given_up_and_the_next_is_decoded(astronaut):
    slow, usual = hostile.scan_bomb(80), cv2.imencode(".png", astronaut)[1].tobytes()
    others = set(workers_of(psutil.Process()))
    decoder = ImageDecoder(25_000_000, seconds=0.1)
    patient = ImageDecoder(25_000_000, seconds=30)
    try:
        with pytest.raises(Problem, match="too long"):
            decoder(slow)
        assert patient(usual).shape == astronaut.shape
        assert patient(slow, grey=True).shape == (hostile.SIDE, hostile.SIDE)
        assert len(set(workers_of(psutil.Process())) - others) == 1
    finally:
        decoder.close()
        patient.close()
    assert set(workers_of(psutil.Process())) == others


def test_streams_of_huge_mosaics_do_not_starve_an_ordinary_one(server, smiling, astronaut, still_good):
    """Four of them share one thread, so the ordinary stream gets far more frames than they do."""
    large = hostile.mosaic(astronaut[45:183, 156:294])
    stop, counts, faces = threading.Event(), [0] * 4, []

    def load(number):
        with server.socket() as stream:
            while not stop.is_set():
                answer = ask(stream, frame(counts[number], counts[number] * 0.1, large), 60)
                faces.append(len(answer["faces"]))
                counts[number] += 1

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    ordinary = 0
    try:
        with server.socket() as stream:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                assert ask(stream, frame(ordinary, ordinary * 0.1, smiling))["type"] == "result"
                ordinary += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert ordinary > 3 * sum(counts)
    assert 10 < max(faces) <= 64


def never_reads(server, path, token=""):
    raw = socket.create_connection(("127.0.0.1", server.port), 5)
    raw.setblocking(False)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return raw, f"{head}Authorization: Bearer {token}\r\n\r\n".encode() * 200


def test_whoever_never_reads_locks_nobody_out(server, smiling, still_good):
    """Connections that ask without end and take no answer: 130 without the token, and 3 with it."""
    flooding, stop = [], threading.Event()

    def keep_asking():
        while not stop.wait(0.02):
            for raw, request in flooding:
                try:
                    raw.send(request)
                except OSError:
                    continue

    with server.socket() as before:
        flooding += [never_reads(server, "/healthz") for _ in range(130)]
        greedy = [never_reads(server, "/static/style.css", server.token) for _ in range(3)]
        flooding += greedy
        thread = threading.Thread(target=keep_asking)
        thread.start()
        try:
            time.sleep(1)
            assert server.get("/v1/models").status_code == 200
            assert ask(before, frame(0, 0.0, smiling))["type"] == "result"
            with server.socket() as after:
                assert ask(after, frame(0, 0.0, smiling))["type"] == "result"
            end = time.monotonic() + 20
            while not all(ended(raw) for raw, _ in greedy) and time.monotonic() < end:
                time.sleep(0.2)
            assert all(ended(raw) for raw, _ in greedy)  # their answers were not taken in time
        finally:
            stop.set()
            thread.join()
            for raw, _ in flooding:
                raw.close()


def ended(raw):
    """Whether the server has ended a connection."""
    try:
        raw.send(b"x")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def test_trickled_uploads_hold_no_place(server, long_clip, still_good):
    head = b'--x\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'
    lines = ["POST /v1/videos HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {server.token}"]
    lines += ["Content-Type: multipart/form-data; boundary=x", "Content-Length: 100000", "", ""]
    with ExitStack() as stack:
        for _ in range(4):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 5))
            raw.sendall("\r\n".join(lines).encode() + head)
        time.sleep(0.5)
        with server.client() as client:
            answer = client.post("/v1/videos", files={"video": long_clip.read_bytes()})
            assert answer.status_code == 202
            assert client.delete(f"/v1/videos/{answer.json()['id']}").status_code == 200


def test_ctrl_c_while_everything_is_being_decoded(tmp_path, flood):
    slow = hostile.scan_bomb(80)
    with serving(tmp_path) as server:
        with ExitStack() as stack, server.client() as client:
            for _ in range(2):
                assert client.post("/v1/videos", files={"video": flood}).status_code == 202
            streams = [stack.enter_context(server.socket()) for _ in range(4)]
            for stream in streams:
                for number in range(3):
                    stream.send(frame(number, number * 0.1, slow))
            time.sleep(1)
            workers = psutil.Process(server.process.pid).children(recursive=True)
            assert len(workers) >= 3
            code, seconds = server.stop()
        assert code == 130
        assert seconds < 5  # 2 s on a machine that has nothing else to do
        assert server.errors.read_text() == "smilecam: interrupted\n"
        assert psutil.wait_procs(workers, 5)[1] == []


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_what_a_killed_server_leaves_is_removed_by_the_next(tmp_path, flood):
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}

    def folders():
        return set((tmp_path / "temporary").glob("smilecam-*"))

    with serving(tmp_path, environment=environment) as living:
        (kept,) = folders()
        with serving(tmp_path, environment=environment) as killed:
            with killed.client() as client:
                assert client.post("/v1/videos", files={"video": flood}).status_code == 202
            time.sleep(1)
            workers = psutil.Process(killed.process.pid).children(recursive=True)
            killed.process.kill()
            killed.process.wait(10)
            assert psutil.wait_procs(workers, 10)[1] == []  # a worker does not outlive its server
        (abandoned,) = folders() - {kept}
        assert list(abandoned.rglob("video"))
        with serving(tmp_path, environment=environment):
            assert not abandoned.exists()
            assert kept.exists()
            assert len(folders()) == 2
        assert living.get("/healthz").status_code == 200


@linux
def test_many_sessions_and_uploads_leave_nothing_behind(server, smiling, astronaut, still_good):
    """Memory, threads, files and workers stay as they are; frames in PNG go through a worker."""
    process = psutil.Process(server.process.pid)
    frames = [smiling, cv2.imencode(".png", cv2.resize(astronaut, (160, 160)))[1].tobytes(), smiling[:500]]

    def rounds(count):
        with server.client() as client:
            for _ in range(count):
                with server.socket() as stream:
                    for number, content in enumerate(frames):
                        ask(stream, frame(number, number * 0.1, content))
                client.post("/v1/detect", files=[("image", content) for content in frames])
        assert settled(lambda: len(process.net_connections()), 1)
        return memory(server), process.num_threads(), process.num_fds(), len(family(server))

    rounds(8)
    before = rounds(3)
    after = rounds(15)
    assert after[0] < before[0] + 20
    assert after[1:] == before[1:]


def test_a_request_without_the_token_is_told_so(server, smiling, still_good):
    for answer in (
        httpx.post(server.base + "/v1/detect", files={"image": smiling}),
        httpx.delete(server.base + "/v1/videos/x"),
        httpx.get(server.base + "/?x=token="),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "no_token")
    empty = httpx.get(server.base + "/?x&token")
    assert (empty.status_code, empty.json()["error"]["code"]) == (401, "wrong_token")


@pytest.mark.parametrize("token", ["a+b/c&d#e%20f=?" + 8 * "x", "x" * 8 + "==+/ ~"])
def test_any_token_can_be_opened_by_its_address(tmp_path, token):
    with serving(tmp_path, "--token", token) as server:
        address = f"{server.base}/?token={server.token}"
        with httpx.Client(follow_redirects=True) as browser:
            assert browser.get(address).status_code == 200
        assert httpx.get(server.base + "/v1/models", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for the browser")
def test_the_browser_is_started_without_the_token_in_its_arguments(tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n')
    browser.chmod(0o755)
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "BROWSER": str(browser), "TMPDIR": str(tmp_path / "temporary")}
    with serving(tmp_path, environment=environment, browser=True) as server:
        end = time.monotonic() + 10
        while not (tmp_path / "arguments").exists() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.1)
        argument = (tmp_path / "arguments").read_text().strip()
        assert server.token not in argument
        path = Path(argument.removeprefix("file://"))
        assert path.stat().st_mode & 0o077 == 0
        assert f"{server.base}/?token={server.token}" in path.read_text("utf-8")
        assert server.stop()[0] == 130
        assert not path.exists()


def test_a_page_that_another_place_leads_to_moves_on_by_itself(server, still_good):
    """A browser would follow a redirect from there without the strict cookie."""
    address = f"{server.base}/?token={server.token}"
    led = httpx.get(address, headers={"Sec-Fetch-Site": "cross-site"})
    assert (led.status_code, 'http-equiv="refresh"' in led.text, server.token in led.text) == (200, True, False)
    assert "samesite=strict" in led.headers["set-cookie"].lower()
    assert httpx.get(address, headers={"Sec-Fetch-Site": "none"}).status_code == 303


def test_a_session_too_many_does_not_disturb_the_others(server, smiling, still_good):
    with ExitStack() as stack:
        streams = [stack.enter_context(server.socket()) for _ in range(32)]
        refused = httpx.get(
            server.base + "/v1/stream",
            headers={
                **server.bearer,
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            },
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) > 0
        for stream in streams:
            stream.send(frame(0, 0.0, smiling))
        assert {hear(stream)["type"] for stream in streams} == {"result"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_server_that_is_stopped_goes_on_where_it_was(tmp_path, smiling, long_clip):
    with serving(tmp_path) as server, server.client() as client, server.socket() as stream:
        assert ask(stream, frame(0, 0.0, smiling))["type"] == "result"
        key = client.post("/v1/videos", files={"video": long_clip.read_bytes()}).json()["id"]
        for process in family(server):
            process.suspend()
        time.sleep(1.5)
        for process in family(server):
            process.resume()
        assert ask(stream, frame(1, 0.1, smiling))["type"] == "result"
        assert until(client, key, {"done", "failed"})["status"] == "done"
        code, seconds = server.stop()
    assert code == 130
    assert seconds < 8
