"""``--webhook``, on a real server that fails in many ways."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.errors import UsageProblem
from smilecam.notify import outbox
from smilecam.notify.webhook import Webhook, parse_secret, signature

FACE = "synthetic:face:320x240@15?seconds=8"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Hook(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.taken.append((self.path, headers, body))
        status, headers = self.server.answers.pop(0) if self.server.answers else (204, {})
        if status is None:
            self.server.closing.wait(20)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class HookServer(ThreadingHTTPServer):
    """Takes events; ``answers`` are given first (status and headers; None to be silent), then 204."""

    daemon_threads, block_on_close = True, False

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Hook)
        self.taken, self.answers, self.closing = [], [], threading.Event()
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def handle_error(self, *_):
        pass

    @property
    def events(self):
        return [json.loads(body) for _, _, body in self.taken]

    def stop(self):
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.thread.join()


@pytest.fixture
def hook():
    server = HookServer()
    yield server
    server.stop()


@pytest.fixture
def webhook(hook, warned):
    def make(path="/hook", secret=None, context=None, login="", scheme="http"):
        return Webhook(f"{scheme}://{login}127.0.0.1:{hook.server_port}{path}", secret, context, warned.append)

    return make


def test_the_signature_is_that_of_the_specification():
    """Made by the library standardwebhooks 1.0 for Python."""
    given = signature(parse_secret(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert given == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_whole_program_posts_signed_events(hook, smilecam_command, tmp_path):
    environment = {**os.environ, "SMILECAM_WEBHOOK_SECRET": "a secret of mine"}
    url = f"http://127.0.0.1:{hook.server_port}/hook?token=hidden"
    arguments = ["--webhook", url, "--jsonl", "out.jsonl", "--detector", "haar"]
    done = smilecam_command("detect", FACE, *arguments, env=environment)
    assert done.returncode == exit_codes.DONE
    assert done.stderr == ""
    lines = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert hook.events == [line for line in lines if line["type"] == "event"]
    assert len(hook.events) == 4
    for path, headers, body in hook.taken:
        assert path == "/hook?token=hidden"
        assert headers["content-type"] == "application/json"
        assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(b"a secret of mine", signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
    assert len({headers["webhook-id"] for _, headers, _ in hook.taken}) == 4


def test_without_a_secret_nothing_is_signed_and_a_login_is_a_header(hook, webhook, smile, warned):
    sink = webhook(login="anna:ge%40heim@")
    sink.event(smile())
    sink.close()
    ((_, headers, _),) = hook.taken
    assert headers["authorization"] == "Basic " + base64.b64encode(b"anna:ge@heim").decode()
    assert "webhook-signature" not in headers
    assert warned == []


def test_a_server_that_fails_is_tried_again_with_the_same_key_and_order_stays(hook, webhook, smile, warned):
    hook.answers += [(500, {}), (429, {"Retry-After": "1"}), (204, {})]
    sink = webhook("/secret/path?key=x", login="anna:geheim@")
    began = time.monotonic()
    sink.event(smile(1))
    sink.event(smile(2, end=True))
    while len(hook.taken) < 4 and time.monotonic() - began < 20:
        time.sleep(0.02)
    sink.close()
    assert [event["event"] for event in hook.events] == ["smile_start"] * 3 + ["smile_end"]
    assert len({headers["webhook-id"] for _, headers, _ in hook.taken[:3]}) == 1
    assert time.monotonic() - began >= 1
    shown = f"--webhook http://127.0.0.1:{hook.server_port}: the server answers"
    assert warned == [f"{shown} 500; trying again", f"{shown} 429; trying again"]


@pytest.mark.parametrize(("status", "headers"), [(400, {}), (404, {}), (307, {"Location": "/other"})])
def test_an_answer_that_will_not_change_drops_the_event(hook, webhook, smile, warned, status, headers):
    hook.answers.append((status, headers))
    sink = webhook()
    sink.event(smile(1))
    sink.event(smile(2, end=True))
    sink.close()
    assert [event["event"] for event in hook.events] == ["smile_start", "smile_end"]
    assert [path for path, _, _ in hook.taken] == ["/hook", "/hook"]
    assert [line.partition("answers ")[2] for line in warned] == [f"{status}; the event is dropped"]


@pytest.mark.parametrize("trouble", ["silent", "down", "broken"])
def test_a_server_in_trouble_holds_nobody_up(hook, webhook, smile, warned, trouble):
    sink = webhook()
    if trouble == "silent":
        hook.answers.append((None, {}))
    elif trouble == "down":
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
        sink = Webhook(f"http://127.0.0.1:{port}/", None, None, warned.append)
    else:
        hook.answers += [(503, {})] * 50
    began = time.monotonic()
    for number in range(20):
        sink.event(smile(number))
    assert time.monotonic() - began < 1
    sink.close()
    assert time.monotonic() - began < 6
    assert warned[-1].endswith("20 not delivered at the end")


def test_a_queue_is_bounded(hook, webhook, smile, warned, monkeypatch):
    monkeypatch.setattr(outbox, "WAITING", 10)
    hook.answers.append((None, {}))
    sink = webhook()
    for number in range(100):
        sink.event(smile(number))
    assert "more than 10 notifications wait: the oldest are dropped" in warned[0]
    hook.closing.set()
    sink.close()
    assert [event["time"] for event in hook.events][-10:] == list(range(90, 100))


@pytest.mark.parametrize(
    "url", ["", "ftp://host/x", "https://", "//host", "http://[x", "http://host:99999/", "http://h h"]
)
def test_addresses_that_are_none(url, capsys):
    assert call(["detect", FACE, "--webhook", url]) == exit_codes.USAGE
    assert "--webhook takes an address" in capsys.readouterr().err


@pytest.mark.parametrize(("secret", "words"), [("", "empty"), ("whsec_", "empty"), ("whsec_#", "base64")])
def test_secrets_that_are_none(secret, words, tmp_path, capsys):
    (tmp_path / "secret").write_text(secret + "\n")
    with pytest.raises(UsageProblem, match=words):
        parse_secret(secret)
    arguments = ["--webhook", "http://127.0.0.1:9/", "--webhook-secret-file", str(tmp_path / "secret")]
    assert call(["detect", FACE, *arguments]) == exit_codes.USAGE
    assert words in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")
def test_the_server_must_show_a_certificate_that_is_trusted(tmp_path, smile, warned):
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*make, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with contextlib.closing(HookServer(context)) as server:
        server.close = server.stop
        url = f"https://localhost:{server.server_port}/"
        strict = Webhook(url, None, None, warned.append)
        strict.event(smile())
        strict.close()
        assert server.taken == []
        (line,) = warned
        assert line.endswith("the server's certificate is not trusted: self-signed certificate; the event is dropped")
        trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        known = Webhook(url, None, trusting, warned.append)
        known.event(smile())
        known.close()
        assert len(server.taken) == 1
        arguments = ["--webhook", url, "--ca-file", str(tmp_path / "cert.pem"), "--detector", "haar"]
        assert call(["detect", FACE, *arguments]) == exit_codes.DONE
        assert len(server.taken) == 5


def test_a_server_that_never_comes_to_an_end_holds_no_further_event(monkeypatch):
    """It asks to continue for ever; the first event is tried again, and the second one waits no longer than that."""
    monkeypatch.setattr("smilecam.notify.webhook.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("smilecam.notify.webhook.ATTEMPTS", 2)
    asked, warnings = [], []

    def answer(connection):
        with connection, contextlib.suppress(OSError):
            asked.append(connection.recv(65536))
            while True:
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        hook = Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/", None, None, warnings.append)
        for time_seen in (1.0, 2.0):
            hook.notify({"event": "smile_start", "time": time_seen})
        deadline = time.monotonic() + 30
        while len(asked) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        hook.close()
        listener.shutdown(socket.SHUT_RDWR)
    assert any("no answer in time; trying again" in warning for warning in warnings)
