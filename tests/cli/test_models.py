"""``smilecam models``: real web servers on loopback, the real file, and everything that can go wrong with it."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smilecam.detection.files import YUNET_FILE
from smilecam.download import download, without_password
from smilecam.errors import DownloadError, ModelFileError

FILE = "yunet_n_640_640.onnx"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Where the file will be, in a data folder of the test's own."""
    monkeypatch.setenv("SMILECAM_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "models" / FILE


@contextmanager
def serving(answer):
    """A web server that answers with ``answer(handler)``: its address, and the headers of the requests that came."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append((self.path, dict(self.headers)))
            answer(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", requests
        finally:
            server.shutdown()
            thread.join()


def sends(content, length=None):
    def answer(handler):
        handler.send_response(200)
        if length != "none":
            handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def refuses(code):
    return lambda handler: handler.send_error(code)


def nothing_left(kept):
    return not kept.parent.exists() or list(kept.parent.iterdir()) == []


def test_fetch_over_http_then_list(smilecam_command, yunet_model, kept):
    assert "not fetched: smilecam models fetch yunet" in smilecam_command("models", "list").stdout
    with serving(sends(yunet_model.read_bytes())) as (address, _):
        done = smilecam_command("models", "fetch", "yunet", "--from", f"{address}/{FILE}")
    assert (done.returncode, done.stderr) == (0, "")
    assert kept.read_bytes() == yunet_model.read_bytes()
    assert [file.name for file in kept.parent.iterdir()] == [FILE]
    assert str(kept) in done.stdout
    shown = smilecam_command("models", "list").stdout
    assert f"yunet  {kept}" in shown
    assert "not fetched" not in shown


def test_list_shows_what_the_networks_say_of_themselves(smilecam_command, kept):
    shown = smilecam_command("models", "list").stdout
    from smilecam.classification.classifier import SmileClassifier

    for name in ("smilenet", "lenet"):
        info = SmileClassifier(name).info
        assert f"{name}, version {info.version}" in shown
        assert f"{info.input.size}x{info.input.size} pixels" in shown
        for policy in info.policies.values():
            assert ", ".join(f"{point.value} {of:.3f}" for point, of in policy.thresholds.items()) in shown
    assert f"smilenet, version {SmileClassifier('smilenet').info.version}, the default" in shown
    assert shown.count(", the default") == 3  # a network, and a policy of each


def test_fetch_from_a_file_at_hand(smilecam_command, yunet_model, kept):
    done = smilecam_command("models", "fetch", "yunet", "--from", yunet_model)
    assert done.returncode == 0
    assert kept.read_bytes() == yunet_model.read_bytes()
    assert YUNET_FILE.load() == kept.read_bytes()
    # What is there and right is not downloaded again: this address would fail.
    assert YUNET_FILE.fetch(urls=("http://127.0.0.1:9/x",)) == kept


def test_another_file_at_hand_leaves_the_good_one(smilecam_command, yunet_model, kept, tmp_path):
    YUNET_FILE.fetch(str(yunet_model))
    other = tmp_path / "other.onnx"
    other.write_bytes(yunet_model.read_bytes()[:-1])
    for wrong in (other, tmp_path / "none.onnx"):
        done = smilecam_command("models", "fetch", "yunet", "--from", wrong)
        assert done.returncode == 4
        assert done.stderr.count("\n") == 1
        assert wrong.name in done.stderr
    assert kept.read_bytes() == yunet_model.read_bytes()


WRONG = [
    ("altered", lambda good: sends(good[:-1] + b"?"), 4, "is not the YuNet file"),
    ("truncated", lambda good: sends(good[:1000], len(good)), 1, "broke off after 1,000 of 317,466 bytes"),
    ("cut short without a length", lambda good: sends(good[:1000], "none"), 4, "is not the YuNet file"),
    ("too large, as it says", lambda good: sends(b"x", 10**9), 1, "over the limit of 0.3 MiB"),
    ("too large, unsaid", lambda good: sends(good * 4, "none"), 1, "sends more than 0.3 MiB"),
    ("missing", lambda good: refuses(404), 1, "the server answers 404"),
    ("empty", lambda good: sends(b""), 4, "is not the YuNet file"),
    (
        "another protocol",
        lambda good: lambda handler: handler.wfile.write(b"\x16\x03\x01nonsense\r\n\r\n"),
        1,
        "cannot",
    ),
]


@pytest.mark.parametrize(("answer", "code", "text"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_servers_that_fail(smilecam_command, yunet_model, kept, answer, code, text):
    with serving(answer(yunet_model.read_bytes())) as (address, _):
        done = smilecam_command("models", "fetch", "yunet", "--from", f"{address}/{FILE}")
    assert done.returncode == code
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert nothing_left(kept)


def test_silent_server_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match="no answer in time"):
            download(address, tmp_path / "x", 100, instead="wait", timeout=0.3)


def test_dripping_server_is_given_up(tmp_path):
    ended = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not ended.wait(0.05):
            handler.wfile.write(b"x")

    with serving(drip) as (address, _):
        with pytest.raises(DownloadError, match="takes too long"):
            download(f"{address}/x", tmp_path / "x", 10**6, instead="wait", timeout=5, patience=0.4)
        ended.set()


def test_no_server(smilecam_command, kept):
    done = smilecam_command("models", "fetch", "yunet", "--from", "http://127.0.0.1:9/x")
    assert done.returncode == 1
    assert "check the network" in done.stderr
    assert nothing_left(kept)


@pytest.mark.parametrize("address", ["http://", "http://[::1/x", "http://127.0.0.1:port/x", "HTTP://127.0.0.1:9/a b"])
def test_addresses_that_are_none(smilecam_command, kept, address):
    done = smilecam_command("models", "fetch", "yunet", "--from", address)
    assert done.returncode == 1
    assert done.stderr.startswith("smilecam: ")
    assert "internal error" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_name_and_password_are_sent_and_never_shown(smilecam_command, yunet_model, kept):
    with serving(sends(yunet_model.read_bytes())) as (address, requests):
        good = smilecam_command(
            "models", "fetch", "yunet", "--from", address.replace("//", "//me:se%2Fcret@") + "/f?a=1"
        )
    assert good.returncode == 0
    assert requests[0][0] == "/f?a=1"
    assert requests[0][1]["Authorization"] == "Basic bWU6c2UvY3JldA=="
    with serving(refuses(403)) as (address, _):
        for user in ("me:secret@", "me:sec/ret@", "me:sec#ret@", "me:sec?ret@", "me:se@cret@"):
            done = smilecam_command(
                "models", "fetch", "yunet", "--from", address.replace("//", f"//{user}") + "/f?key=ab12"
            )
            assert done.returncode == 1
            for secret in ("me:", "secret", "ret@", "sec", "ab12"):
                assert secret not in done.stderr + done.stdout


def test_addresses_are_shown_without_secrets():
    assert without_password("https://a:b@host/x.onnx?key=1") == "https://host/x.onnx"
    assert without_password("https://host/x.onnx") == "https://host/x.onnx"


def test_next_address_is_tried_when_the_file_is_another(yunet_model, kept):
    good = yunet_model.read_bytes()
    with (
        serving(sends(good[::-1])) as (older, older_asked),
        serving(refuses(404)) as (gone, gone_asked),
        serving(sends(good)) as (right, _),
        serving(sends(good)) as (unneeded, unneeded_asked),
    ):
        urls = tuple(f"{address}/{FILE}" for address in (older, gone, right, unneeded))
        assert YUNET_FILE.fetch(urls=urls) == kept
        assert (len(older_asked), len(gone_asked), len(unneeded_asked)) == (1, 1, 0)
        assert kept.read_bytes() == good
        kept.unlink()
        with pytest.raises(ModelFileError, match="is not the YuNet file"):
            YUNET_FILE.fetch(urls=urls[:1])
        with pytest.raises(DownloadError, match="404"):
            YUNET_FILE.fetch(urls=urls[:2])
    assert nothing_left(kept)


def test_pinned_addresses_name_whole_commits():
    for url in YUNET_FILE.urls:
        host, owner, repository, commit, *path = url.removeprefix("https://").split("/")
        assert (host, owner, repository) == ("raw.githubusercontent.com", "ShiqiYu", "libfacedetection.train")
        assert len(commit) == 40
        assert set(commit) <= set("0123456789abcdef")
        assert path == ["onnx", FILE]


def test_damaged_file_is_said_and_fetched_anew(smilecam_command, yunet_model, kept):
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"x" * YUNET_FILE.size)
    assert "is not the YuNet file" in smilecam_command("models", "list").stdout
    with serving(sends(yunet_model.read_bytes())) as (address, _):
        YUNET_FILE.fetch(urls=(f"{address}/x",))
    assert kept.read_bytes() == yunet_model.read_bytes()


def test_missing_file_says_what_to_do(kept):
    with pytest.raises(ModelFileError, match="run smilecam models fetch yunet"):
        YUNET_FILE.load()


def test_data_folder_that_cannot_be_written(smilecam_command, yunet_model, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SMILECAM_DATA", str(blocked))
    done = smilecam_command("models", "fetch", "yunet", "--from", yunet_model)
    assert done.returncode == 1
    assert done.stderr.startswith("smilecam: cannot make the folder")
