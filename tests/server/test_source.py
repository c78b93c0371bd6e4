import json
import time

import httpx
import pytest
from served import hear, serving, shown


@pytest.fixture(scope="module")
def watched(tmp_path_factory, long_clip):
    with serving(tmp_path_factory.mktemp("watched"), long_clip, "--min-smile", "0.3") as server:
        yield server


def take(viewer, count):
    """So many frames, each acknowledged; and what was said between them."""
    frames, texts = [], []
    while len(frames) < count:
        message = viewer.recv(20)
        if isinstance(message, str):
            texts.append(json.loads(message))
            continue
        frames.append(shown(message))
        viewer.send(json.dumps({"type": "ack", "seq": frames[-1][0]["seq"]}))
    return frames, texts


def test_viewers_of_the_servers_source(watched):
    """A viewer sees what comes, at the source's pace; one that acknowledges nothing gets one frame and harms nobody."""
    with watched.socket("/v1/watch") as stuck, watched.socket("/v1/watch") as viewer:
        began = time.monotonic()
        frames, texts = take(viewer, 30)
        took = time.monotonic() - began
        heads = [head for head, _ in frames]
        assert texts[0] == {"type": "source", "name": "long clip.mp4", "live": True}
        assert (texts[1]["type"], texts[1]["min_smile"]) == ("settings", 0.3)
        numbers = [head["seq"] for head in heads]
        assert numbers == sorted(set(numbers))
        assert heads[-1]["time"] - heads[0]["time"] == pytest.approx(took, abs=1.0)
        assert all(jpeg.startswith(b"\xff\xd8\xff") for _, jpeg in frames)
        assert sum(bool(head["faces"]) for head in heads) > 15
        assert {event["event"] for head in heads for event in head["events"]} & {"smile_start", "smile_end"}
        assert any("figures" in head and head["figures"]["rate"] > 0 for head in heads)
        assert [hear(stuck)["type"], hear(stuck)["type"]] == ["source", "settings"]
        assert shown(stuck.recv(5))[0]["seq"] <= numbers[-1]
        with pytest.raises(TimeoutError):
            stuck.recv(0.5)
        stuck.send('{"type":"settings","threshold":0.9}')
        assert hear(stuck)["threshold_in_force"] == 0.9
        _, texts = take(viewer, 3)
        assert [text["threshold_in_force"] for text in texts if text["type"] == "settings"] == [0.9]
        viewer.send('{"type":"settings","threshold":7}')
        _, texts = take(viewer, 3)
        assert [text["code"] for text in texts if text["type"] == "error"] == ["bad_settings"]
        assert httpx.get(watched.base + "/readyz").status_code == 200
    assert watched.get("/v1/models").json()["source"]["name"] == "long clip.mp4"


def test_the_end_of_a_file_is_told_and_later_viewers_see_the_last_frame(watched):
    with watched.socket("/v1/watch") as viewer:
        while True:
            message = viewer.recv(20)
            if isinstance(message, str):
                if json.loads(message).get("ended"):
                    break
                continue
            viewer.send(json.dumps({"type": "ack", "seq": shown(message)[0]["seq"]}))
    with watched.socket("/v1/watch") as late:
        assert hear(late)["ended"]
        assert hear(late)["type"] == "settings"
        assert shown(late.recv(5))[0]["faces"]
    assert watched.errors.read_text() == ""
    code, seconds = watched.stop()
    assert code == 130
    assert seconds < 5


def test_without_a_source_there_is_nothing_to_watch(server):
    with pytest.raises(Exception, match="404"):
        server.socket("/v1/watch")


def test_ctrl_c_with_everything_open(tmp_path, clip, smiling):
    with serving(tmp_path, "synthetic:640x480@30?seconds=60") as server:
        with server.socket("/v1/watch") as viewer, server.socket() as stream:
            take(viewer, 2)
            stream.send('{"type":"settings"}')
            code, seconds = server.stop()
        assert code == 130
        assert seconds < 5  # 2 s on a machine that has nothing else to do
        assert server.errors.read_text() == "smilecam: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing.mp4"], 3),
        (["--model", "nothing"], 4),
        (["--policy", "nothing"], 2),
        (["picture.png"], 2),
        (["--host", "203.0.113.7", "--token", "x" * 20], 1),
    ],
)
def test_what_cannot_be_begun_ends_in_one_line(smilecam_command, tmp_path, noise, arguments, code):
    from smilecam.sources.images import save_image

    save_image(tmp_path / "picture.png", noise)
    done = smilecam_command("watch", "--port", "0", "--no-browser", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)


def test_a_port_that_is_taken(smilecam_command, server):
    done = smilecam_command("watch", "--no-browser", "--port", str(server.port))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert str(server.port) in done.stderr
