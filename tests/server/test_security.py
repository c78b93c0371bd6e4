import re
import socket
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import httpx
import pytest
from served import ask, frame, hear, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus


def png(width, height, data=None):
    """A PNG of one colour: a picture of 400 MB takes 400 kB."""

    def chunk(kind, content):
        return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))

    if data is None:
        packer = zlib.compressobj(9)
        row = bytes(1 + 3 * width)
        data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture
def still_good(server, smiling):
    """Whatever the test did, the server goes on and has had no error of its own."""
    yield
    assert server.process.poll() is None
    assert server.still_serves(smiling)
    assert server.errors.read_text() == ""


pytestmark = pytest.mark.usefixtures("still_good")


def refused(response, status, code):
    assert response.status_code == status
    content = response.json()["error"]
    assert content["code"] == code
    assert content["message"].endswith(".")
    assert "\n" not in content["message"]


def memory(server):
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        pytest.skip("memory is looked up in /proc")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024


def test_without_the_token_nothing_is_told(server):
    for path in ("/", "/overlay", "/static/app.js", "/v1/models", "/metrics", "/openapi.json", "/v1/videos/x"):
        refused(httpx.get(server.base + path), 401, "no_token")
    refused(httpx.get(server.base + "/?token=wrong"), 401, "wrong_token")
    refused(httpx.get(server.base + "/v1/models", headers={"Authorization": "Bearer wrong"}), 401, "no_token")
    for path in ("/v1/stream", "/v1/watch"):
        with pytest.raises(InvalidStatus, match=r"403|401"):
            server.socket(path, headers={})
        with pytest.raises(InvalidStatus, match="401"):
            server.socket(path, headers={"Origin": server.base})
    assert httpx.get(server.base + "/healthz").json() == {"status": "ok"}
    assert httpx.get(server.base + "/readyz").status_code == 200


def test_the_address_gives_a_cookie_and_hides_the_token(server, smiling):
    with httpx.Client(base_url=server.base) as browser:
        answer = browser.get(f"/?token={server.token}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        given = answer.headers["set-cookie"]
        assert "HttpOnly" in given
        assert "samesite=strict" in given.lower()
        assert server.token not in given
        assert browser.get("/v1/models").status_code == 200
        # A browser's request that changes something says where it comes from.
        refused(browser.post("/v1/detect", files={"image": smiling}), 403, "wrong_origin")
        done = browser.post("/v1/detect", files={"image": smiling}, headers={"Origin": server.base})
        assert done.status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with server.socket(headers={"Cookie": cookie, "Origin": server.base}) as stream:
        assert ask(stream, frame(0, 0.0, smiling))["type"] == "result"
    with pytest.raises(InvalidStatus, match="403"):
        server.socket(headers={"Cookie": cookie})


MALFORMED = ('prefs={"a":1}', "a[b]=1", "x", "=", "k=v=w", 'q="unclosed', "n=a b,c", "path=/@:<>")


def test_the_cookie_is_found_among_malformed_ones(server):
    """Cookies are shared by all ports of a host: other local programs set what they like."""
    given = httpx.get(f"{server.base}/?token={server.token}").headers["set-cookie"].partition(";")[0]
    for others in (MALFORMED, *((one,) for one in MALFORMED)):
        joined = "; ".join(others)
        for cookies in (f"{joined}; {given}", f"{given}; {joined}", f"{joined}; {given}; {joined}"):
            assert httpx.get(f"{server.base}/v1/models", headers={"Cookie": cookies}).status_code == 200, cookies
    name = given.partition("=")[0]
    for wrong in (f"{name}=", f"{name}=wrong", f"{name}", '{name}="', "; ".join(MALFORMED)):
        refused(httpx.get(f"{server.base}/v1/models", headers={"Cookie": wrong}), 401, "no_token")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "https://127.0.0.1", "http://127.0.0.1:1", "x"])
def test_another_page_is_refused(server, smiling, origin):
    headers = {**server.bearer, "Origin": origin}
    refused(httpx.post(server.base + "/v1/detect", files={"image": smiling}, headers=headers), 403, "wrong_origin")
    refused(httpx.delete(server.base + "/v1/videos/x", headers=headers), 403, "wrong_origin")
    for path in ("/v1/stream", "/v1/watch"):
        with pytest.raises(InvalidStatus, match="403"):
            server.socket(path, headers=headers)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.2", "a@127.0.0.1", "[::1", "", "x y"]
)
def test_another_name_is_refused(server, host):
    headers = {**server.bearer, "Host": host}
    for path in ("/v1/models", f"/?token={server.token}", "/static/app.js"):
        refused(httpx.get(server.base + path, headers=headers), 421, "wrong_host")
    with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
        raw.sendall(
            f"GET /v1/stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {server.token}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert b" 101 " not in raw.recv(4096).splitlines()[0]


def test_every_answer_has_the_protective_headers(server):
    with server.client() as client:
        for answer in (client.get("/"), client.get("/static/style.css"), client.get("/nothing"), client.post("/")):
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "camera=(self)" in answer.headers["permissions-policy"]
            assert "server" not in answer.headers
            assert "access-control-allow-origin" not in answer.headers


def test_a_frame_that_is_too_large(server, smiling):
    with server.socket() as stream:
        assert ask(stream, frame(1, 0.0, smiling + bytes(3_000_000)))["code"] == "too_large"
        assert ask(stream, frame(2, 0.1, smiling))["type"] == "result"
        with pytest.raises(ConnectionClosed):  # with 1009, where that still arrives
            stream.send(frame(3, 0.2, bytes(9_000_000)))
            hear(stream)


def test_too_many_pixels_are_refused_before_they_are_decoded(server):
    large, bomb = png(6500, 4000), png(12_000, 12_000)
    assert len(bomb) < 2_000_000
    before = memory(server)
    with server.socket() as stream:
        assert ask(stream, frame(1, 0.0, large))["code"] == "too_many_pixels"
        assert ask(stream, frame(2, 0.0, bomb))["code"] == "too_many_pixels"
    with server.client() as client:
        done = client.post("/v1/detect", files=[("image", ("a.png", large)), ("image", ("b.png", bomb))]).json()
    assert [result["error"]["code"] for result in done["results"]] == ["too_many_pixels"] * 2
    assert memory(server) - before < 200  # MB; the bomb alone would take 432


def test_a_picture_that_holds_more_than_its_header_says(server):
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    before = memory(server)
    with server.socket() as stream:
        assert ask(stream, frame(1, 0.0, png(64, 64, data)))["type"] in ("result", "error")
    assert memory(server) - before < 200


def test_garbage_ends_a_stream_in_the_end(server):
    with server.socket() as stream:
        answers = [ask(stream, frame(number, 0.0, bytes([number]) * 100)) for number in range(19)]
        assert {answer["code"] for answer in answers} == {"bad_image"}
        stream.send(frame(19, 0.0, b"garbage"))
        with pytest.raises(ConnectionClosed, match="1008"):
            for _ in range(3):
                hear(stream)


def test_a_flood_ends_a_stream(server):
    with server.socket(max_queue=None) as stream, pytest.raises(ConnectionClosed):
        for _ in range(100_000):
            stream.send(b"x")


def test_uploads_are_bounded(server):
    with server.client() as client:
        head = {"Content-Length": str(10**10), "Content-Type": "multipart/form-data; boundary=x"}
        with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
            lines = [f"{name}: {value}" for name, value in {**server.bearer, **head}.items()]
            raw.sendall("\r\n".join(["POST /v1/videos HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode())
            assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")

        def endless():
            yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            for _ in range(200):
                yield bytes(1 << 20)

        try:
            answer = client.post("/v1/detect", content=endless(), headers={"Content-Type": head["Content-Type"]})
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            pass  # the connection was ended while we were still sending
        else:
            refused(answer, 413, "too_large")
        many = [("image", (f"{number}.jpg", b"x")) for number in range(17)]
        refused(client.post("/v1/detect", files=many), 400, "bad_request")


def test_path_tricks(server):
    with server.client() as client:
        for path in (
            "/static/../api.py",
            "/static/%2e%2e/api.py",
            "/static/..%2fapi.py",
            "/static//etc/passwd",
            "/static/%00",
            "/v1/videos/..%2f..%2fetc/results.csv",
            "/v1/videos/%2e%2e",
        ):
            answer = client.get(path)
            assert answer.status_code in (400, 404), path
            assert "import" not in answer.text
            assert "root:" not in answer.text


@pytest.mark.parametrize("name", ["../../x.jpg", "..\\..\\x.jpg", "/etc/x.jpg", "C:\\x.jpg", "\x1b]0;x.jpg"])
def test_names_lose_their_folders(server, smiling, name):
    boundary = "frontier"
    quoted = name.replace("\\", "\\\\").encode()
    body = (
        b'--frontier\r\nContent-Disposition: form-data; name="image"; filename="'
        + quoted
        + b'"\r\n\r\n'
        + smiling
        + b"\r\n--frontier--\r\n"
    )
    with server.client() as client:
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        (result,) = client.post("/v1/detect", content=body, headers=kind).json()["results"]
    assert not set("/\\\x1b") & set(result["name"])
    assert result["name"].endswith("x.jpg")


def test_two_hundred_connections(server, smiling):
    waiting = []
    try:
        for _ in range(200):
            raw = socket.create_connection(("127.0.0.1", server.port), 5)
            raw.settimeout(5)
            waiting.append(raw)
        time.sleep(0.5)
        said = []
        for raw in waiting:
            raw.settimeout(0.05)
            try:
                said.append(raw.recv(100))
            except TimeoutError:
                said.append(None)
            except ConnectionError:
                said.append(b"")
        assert sum(answer is None for answer in said) <= 128
        assert sum(answer is not None and answer.startswith(b"HTTP/1.1 503") for answer in said) >= 72
    finally:
        for raw in waiting:
            raw.close()
    time.sleep(0.3)


def test_half_open_connections_are_ended(server, smiling):
    began = time.monotonic()
    stream = server.socket()
    starts = [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"\x16\x03\x01\x02\x00\x01\x00"]
    raws = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in starts]
    late = socket.create_connection(("127.0.0.1", server.port), 5)
    try:
        for raw, start in zip(raws, starts, strict=True):
            raw.sendall(start)
            raw.settimeout(20)
        # The second request on a connection is half open.
        late.settimeout(20)
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in late.recv(4096)
        late.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        for raw in (*raws, late):
            while raw.recv(4096):
                pass
    finally:
        for raw in (*raws, late):
            raw.close()
    assert time.monotonic() - began < 15
    with stream:  # its header came in time
        assert ask(stream, frame(0, 0.0, smiling))["type"] == "result"


HANDSHAKE = (
    "GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize("before", ["", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
def test_every_way_to_a_websocket_is_counted_once(server, before):
    """Connections that became WebSockets give their place back, also where the handshake came pipelined."""
    request = (before + HANDSHAKE.format(token=server.token)).encode()
    for _ in range(140):
        with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
            raw.sendall(request)
            answer = b""
            while b" 101 " not in answer and b"HTTP/1.1 503" not in answer:
                part = raw.recv(4096)
                assert part, answer
                answer += part
            assert b" 101 " in answer
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset


def test_a_slow_upload_keeps_its_connection(server, smiling):
    """The time for a header does not bound the request."""
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'

    def slowly():
        yield head + smiling[:100]
        time.sleep(6)
        yield smiling[100:200]
        time.sleep(6)
        yield smiling[200:] + b"\r\n--x--\r\n"

    with server.client() as client:
        answer = client.post(
            "/v1/detect", content=slowly(), headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert answer.json()["results"][0]["faces"]


def test_other_machines_need_a_token(smilecam_command):
    for arguments in (["--host", "0.0.0.0"], ["--host", "0.0.0.0", "--token", "short"], ["--ssl-keyfile", "x"]):
        done = smilecam_command("watch", "--no-browser", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "--token" in done.stderr or "--ssl-certfile" in done.stderr


def test_on_all_addresses_with_a_token(tmp_path):
    secret = "a secret of some length".replace(" ", "-")
    with serving(tmp_path, "--host", "0.0.0.0", "--token", secret, "--allow-host", "smile.example") as server:
        base = f"http://127.0.0.1:{server.port}"
        for host, status in (("smile.example", 200), ("10.1.2.3", 200), ("evil.example", 421), ("localhost:9", 200)):
            assert httpx.get(base + "/v1/models", headers={**server.bearer, "Host": host}).status_code == status
        assert httpx.get(base + "/v1/models").status_code == 401
        assert server.stop()[0] == 130


def test_https(tmp_path, smiling):
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    try:
        subprocess.run(
            [*openssl, "-keyout", "k.pem", "-out", "c.pem", "-addext", "subjectAltName=IP:127.0.0.1"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("needs the openssl command")
    files = ["--ssl-certfile", tmp_path / "c.pem", "--ssl-keyfile", tmp_path / "k.pem"]
    with serving(tmp_path, *files) as server:
        assert server.base.startswith("https://")
        import ssl

        trusted = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
        with httpx.Client(base_url=server.base, verify=trusted) as browser:
            answer = browser.get(f"/?token={server.token}")
            assert "secure" in answer.headers["set-cookie"].lower()
            done = browser.post("/v1/detect", files={"image": smiling}, headers={"Origin": server.base})
            assert done.json()["results"][0]["faces"][0]["smiling"]
    done = subprocess.run(
        [sys.executable, "-m", "smilecam", "watch", "--no-browser", "--ssl-certfile", __file__],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
