"""Servers of encrypted streams are verified, on the real program."""

import functools
import http.server
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from clips import recording
from smilecam.cli import exit_codes
from smilecam.sources.urls import redacted

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A folder with a certificate for localhost that no system trusts, and a context for servers."""
    folder = tmp_path_factory.mktemp("certified")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(
        [*make, *subject, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    recording(folder / "clip.ts")
    return folder, context


@pytest.fixture
def web(certified):
    folder, context = certified
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def camera(certified):
    """Takes encrypted connections and notes what it is asked: nothing, where it is not trusted."""
    asked = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(20)

        def serve():
            try:
                connection, _ = listener.accept()
                with certified[1].wrap_socket(connection, server_side=True) as secure:
                    asked.append(secure.recv(1000))
            except OSError:
                asked.append(b"")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked, thread
    thread.join()


def test_a_server_that_nobody_vouches_for_is_refused(smilecam_command, web):
    done = smilecam_command("detect", f"https://localhost:{web}/clip.ts", "--detector", "haar")
    assert done.returncode == exit_codes.SOURCE
    assert "its certificate is not trusted: see --ca-file and --insecure" in done.stderr


def test_a_certificate_for_another_name_is_refused(smilecam_command, certified, web):
    options = ("--ca-file", certified[0] / "cert.pem", "--detector", "haar")
    done = smilecam_command("detect", f"https://127.0.0.1:{web}/clip.ts", *options)
    assert done.returncode == exit_codes.SOURCE
    assert "certificate" in done.stderr


def test_the_users_own_authority_and_none_at_all(smilecam_command, certified, web):
    for options in (("--ca-file", certified[0] / "cert.pem"), ("--insecure",)):
        done = smilecam_command("detect", f"https://localhost:{web}/clip.ts", *options, "--detector", "haar")
        assert done.returncode == exit_codes.DONE, done.stderr
        assert "60 frames" in done.stdout


@pytest.mark.parametrize("scheme", ["rtsps", "rtmps"])
@pytest.mark.parametrize("trusted", [False, True])
def test_cameras_hear_nothing_before_they_are_trusted(smilecam_command, certified, camera, scheme, trusted):
    port, asked, thread = camera
    options = ("--ca-file", certified[0] / "cert.pem") if trusted else ()
    done = smilecam_command("detect", f"{scheme}://name:secret@localhost:{port}/live/key", *options)
    thread.join(20)
    assert done.returncode == exit_codes.SOURCE
    assert bool(asked[0]) is trusted
    assert "secret" not in done.stderr
    assert scheme == "rtsps" or "key" not in done.stderr


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtmp://host/live/mykey", "rtmp://host/live/***"),
        ("rtmps://host:443/app/a/b?x=1", "rtmps://host:443/app/***"),
        ("rtmp://host/mykey", "rtmp://host/***"),
        ("RTMP://name:pw@host/live/k", "RTMP://***@host/live/***"),
        ("rtmp://host", "rtmp://host"),
        ("rtsp://host/live/main", "rtsp://host/live/main"),
    ],
)
def test_stream_keys_are_hidden(address, shown):
    assert redacted(address) == shown
