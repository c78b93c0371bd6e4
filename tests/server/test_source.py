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
        first = {"type": "source", "name": "long clip.mp4", "live": False, "duration": pytest.approx(10, abs=0.2)}
        assert {**texts[0], "state": ""} == {**first, "state": ""}
        assert (texts[1]["type"], texts[1]["min_smile"]) == ("settings", 0.3)
        numbers = [head["seq"] for head in heads]
        assert numbers == sorted(set(numbers))
        assert heads[-1]["time"] - heads[0]["time"] == pytest.approx(took, abs=1.0)
        assert all(jpeg.startswith(b"\xff\xd8\xff") for _, jpeg in frames)
        assert sum(bool(head["faces"]) for head in heads) > 8  # detection runs beside the stream
        assert {event["event"] for head in heads for event in head["events"]} & {"smile_start", "smile_end"}
        assert any("figures" in head and head["figures"]["rate"] > 0 for head in heads)
        assert [hear(stuck)["type"], hear(stuck)["type"]] == ["source", "settings"]
        while isinstance(message := stuck.recv(5), str):
            assert json.loads(message)["state"] == "playing"
        assert shown(message)[0]["seq"] <= numbers[-1]
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


@pytest.fixture
def played(tmp_path, long_clip):
    """A server of its own: what is played is one for all viewers."""
    with serving(tmp_path, long_clip) as server:
        yield server


def states(texts):
    return [text["state"] for text in texts if text["type"] == "source"]


def next_text(viewer, **wanted):
    """The next message of text that has these values; frames before it are acknowledged."""
    while True:
        message = viewer.recv(20)
        if isinstance(message, bytes):
            viewer.send(json.dumps({"type": "ack", "seq": shown(message)[0]["seq"]}))
            continue
        text = json.loads(message)
        if all(text.get(name) == value for name, value in wanted.items()):
            return text


def test_a_recorded_video_begins_with_its_first_viewer_and_can_be_paused_and_moved_through(played):
    time.sleep(1.0)
    assert played.get("/v1/models").json()["source"]["state"] == "waiting"
    assert httpx.get(played.base + "/readyz").status_code == 200
    with played.socket("/v1/watch") as viewer, played.socket("/v1/watch") as other:
        frames, texts = take(viewer, 3)
        assert frames[0][0]["time"] < 0.5
        assert "playing" in states(texts)
        viewer.send('{"type":"pause"}')
        next_text(other, type="source", state="paused")
        next_text(viewer, state="paused")
        with pytest.raises(TimeoutError):  # at most the frame that was on its way
            for _ in range(3):
                message = viewer.recv(1.0)
                if isinstance(message, bytes):
                    last = shown(message)[0]
                    viewer.send(json.dumps({"type": "ack", "seq": last["seq"]}))
        # Moved while it stands still: the frame there is shown, and it goes on from there.
        viewer.send('{"type":"seek","time":7.0}')
        ((moved, _),), _ = take(viewer, 1)
        assert moved["time"] == pytest.approx(7.0, abs=0.11)
        assert moved["section"] == 2
        viewer.send('{"type":"play"}')
        frames, _ = take(viewer, 5)
        times = [head["time"] for head, _ in frames]
        assert times == sorted(times)
        assert 7.0 < times[-1] < 9.0
        viewer.send('{"type":"seek","time":1}')
        viewer.send('{"type":"seek","time":9.6}')
        assert next_text(viewer, state="ended")["ended"]
        viewer.send('{"type":"play"}')
        next_text(viewer, state="playing")
        frames, _ = take(viewer, 4)
        assert frames[-1][0]["time"] < 2
        viewer.send('{"type":"seek","time":1e300}')
        assert next_text(viewer, type="error")["code"] == "bad_message"
        viewer.send('{"type":"seek"}')
        assert next_text(viewer, type="error")["code"] == "bad_message"
        viewer.send('{"type":"seek","time":100}')
        next_text(viewer, state="ended")
    assert played.errors.read_text() == ""
    code, seconds = played.stop()
    assert code == 130
    assert seconds < 5


def test_it_stands_still_while_nobody_watches(played):
    with played.socket("/v1/watch") as viewer:
        frames, _ = take(viewer, 3)
    time.sleep(2)
    with played.socket("/v1/watch") as viewer:
        again, _ = take(viewer, 3)
    assert again[-1][0]["time"] - frames[-1][0]["time"] < 1


def test_a_live_source_has_no_position():
    from smilecam.server.problems import Problem
    from smilecam.server.source_thread import SourceThread
    from smilecam.server.stream_settings import Models, Settings
    from smilecam.server.ws.broadcast import Broadcast
    from smilecam.sources.base import SourceOptions
    from smilecam.sources.open import open_source
    from smilecam.sources.resolve import find_sources

    models = Models("smilenet")
    with open_source(find_sources("synthetic:64x48@10")[0], SourceOptions(realtime=True)) as source:
        broadcast = Broadcast(SourceThread(source, models, Settings("smilenet")), None)
        for kind in ("play", "pause", "seek"):
            with pytest.raises(Problem, match="live") as refused:
                broadcast.control(kind, 1.0)
            assert (refused.value.status, refused.value.code) == (409, "not_recorded")
        assert broadcast.describe() == {"name": source.ref.name, "live": True}


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
