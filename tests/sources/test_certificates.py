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

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        if self.path == "/moved.m3u8":
            self.send_response(302)
            self.send_header("Location", "/deeper/list.m3u8")
            self.end_headers()
        else:
            super().do_GET()


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
def web(web_server):
    return web_server.server_port


@pytest.fixture
def web_server(certified):
    folder, context = certified
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
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


def write_list(path, *segments, tags=""):
    path.parent.mkdir(exist_ok=True)
    entries = "".join(f"#EXTINF:2.4,\n{segment}\n#EXT-X-DISCONTINUITY\n" for segment in segments)
    path.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n{tags}{entries}#EXT-X-ENDLIST\n")


@pytest.fixture
def play_lists(certified, web):
    """Lists of two segments: both as they should be, one missing, and one by another name or without encryption."""
    folder = certified[0]
    key = bytes(range(16))
    (folder / "key").write_bytes(key)
    encrypt = [
        "openssl",
        "enc",
        "-aes-128-cbc",
        "-K",
        key.hex(),
        "-iv",
        "0" * 32,
        "-in",
        "clip.ts",
        "-out",
        "secret.ts",
    ]
    subprocess.run([*encrypt, "-out", "secret.ts"], cwd=folder, check=True, capture_output=True)
    write_list(folder / "good.m3u8", "clip.ts", f"https://localhost:{web}/clip.ts")
    write_list(folder / "deeper" / "list.m3u8", "../clip.ts")
    write_list(folder / "missing.m3u8", "clip.ts", "missing.ts", "clip.ts")
    write_list(folder / "keys.m3u8", "secret.ts", tags=f'#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x{"0" * 32}\n')
    write_list(folder / "other.m3u8", "clip.ts", f"https://127.0.0.1:{web}/clip.ts")
    (folder / "all.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\ngood.m3u8\n")


@pytest.mark.parametrize(
    ("name", "frames"), [("good", 120), ("moved", 60), ("missing", 120), ("keys", 60), ("all", 120)]
)
def test_segments_of_a_list_behind_https(smilecam_command, certified, web, play_lists, name, frames):
    options = ("--ca-file", certified[0] / "cert.pem", "--detector", "haar")
    done = smilecam_command("detect", f"https://localhost:{web}/{name}.m3u8", *options)
    assert done.returncode == exit_codes.DONE, done.stderr
    assert f"{frames} frames" in done.stdout


def test_a_segment_of_a_server_that_nobody_vouches_for_is_refused(smilecam_command, certified, web, play_lists):
    source = f"https://localhost:{web}/other.m3u8"
    done = smilecam_command("detect", source, "--ca-file", certified[0] / "cert.pem", "--detector", "haar")
    assert done.returncode == exit_codes.SOURCE, done.stdout
    assert "broke off" in done.stderr
    assert smilecam_command("detect", source, "--insecure", "--detector", "haar").returncode == exit_codes.DONE


def test_a_list_behind_https_names_nothing_that_is_not_encrypted(smilecam_command, certified, web_server):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=certified[0])) as plain:
        plain.asked = []
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        for segment in (f"http://127.0.0.1:{plain.server_port}/clip.ts", "file:///etc/hostname"):
            write_list(certified[0] / "plain.m3u8", segment)
            source = f"https://localhost:{web_server.server_port}/plain.m3u8"
            done = smilecam_command("detect", source, "--ca-file", certified[0] / "cert.pem", "--detector", "haar")
            assert done.returncode == exit_codes.SOURCE
        plain.shutdown()
    assert plain.asked == []


def test_the_password_of_a_list_goes_to_its_server(smilecam_command, certified, web_server, play_lists):
    source = f"https://anna:geheim@localhost:{web_server.server_port}/good.m3u8"
    done = smilecam_command("detect", source, "--ca-file", certified[0] / "cert.pem", "--detector", "haar")
    assert done.returncode == exit_codes.DONE
    assert "geheim" not in done.stdout + done.stderr
    assert {secret for path, secret in web_server.asked if path == "/good.m3u8"} <= {None, "Basic YW5uYTpnZWhlaW0="}


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
