import json
import threading
import time
from contextlib import ExitStack

import pytest
from served import ask, counter, frame, hear, jpeg, serving
from websockets.exceptions import InvalidStatus


def show(stream, picture, frames, start=0, step=0.1, wait=0.03):
    answers = []
    for number in range(start, start + frames):
        answers.append(ask(stream, frame(number, number * step, picture)))
        time.sleep(wait)
    return answers


def show_until_found(stream, picture, frames):
    """At least so many frames, and on until the detector, which searches beside the stream, has found a face."""
    answers = show(stream, picture, frames)
    while not answers[-1]["faces"] and len(answers) < 10 * frames:
        answers += show(stream, picture, 1, start=len(answers))
    return answers


def test_a_smile_and_its_end(server, smiling, serious):
    with server.socket() as stream:
        answers = show(stream, smiling, 12) + show(stream, serious, 20, start=12)
    assert [answer["seq"] for answer in answers] == list(range(32))
    assert [answer["frame"] for answer in answers] == list(range(32))
    assert answers[11]["time"] == pytest.approx(1.1)
    assert (answers[0]["width"], answers[0]["height"]) == (480, 480)
    seen = [answer["faces"][0] for answer in answers[:12] if answer["faces"]]
    assert seen[-1]["smiling"]
    assert seen[-1]["smile"] > 0.9
    x1, y1, x2, y2 = seen[-1]["box"]
    assert 0 <= x1 < x2 <= 480
    assert 0 <= y1 < y2 <= 480
    events = [event["event"] for answer in answers for event in answer["events"]]
    assert events[:2] == ["smile_start", "smile_end"]
    assert not any(face["smiling"] for face in answers[-1]["faces"])
    assert all(0 < answer["server_ms"] < 20_000 for answer in answers)


def test_settings_act_at_once_and_tracks_stay(server, serious):
    with server.socket() as stream:
        shown = show_until_found(stream, serious, 12)
        calm = shown[-1]["faces"][0]
        assert not calm["smiling"]
        assert calm["smile"] > 0.00002
        wanted = {"threshold": 0, "smoothing": 0, "min_smile": 0, "hysteresis": 0}
        said = ask(stream, json.dumps({"type": "settings", **wanted}))
        assert said["type"] == "settings"
        assert said["threshold_in_force"] == 0
        assert {name: said[name] for name in wanted} == wanted
        after = show(stream, serious, 4, start=len(shown))
    assert after[-1]["faces"][0]["smiling"]
    assert after[-1]["faces"][0]["track"] == calm["track"]


def test_another_model_gives_its_own_reading(server, smiling):
    with server.socket() as stream:
        shown = show_until_found(stream, smiling, 10)
        first = shown[-1]["faces"][0]
        said = ask(stream, json.dumps({"type": "settings", "model": "lenet", "policy": "strict"}))
        assert (said["model"], said["policy"]) == ("lenet", "strict")
        assert said["threshold_in_force"] != 0.4772
        second = show(stream, smiling, 2, start=len(shown))[-1]["faces"][0]
    assert second["smile"] != first["smile"]
    assert second["track"] == first["track"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"threshold": 1.5},
        {"threshold": "high"},
        {"threshold": True},
        {"smoothing": -1},
        {"smoothing": float("nan")},
        {"model": "../../etc/passwd"},
        {"policy": "happy"},
        {"detector": "none"},
        {"operating_point": 3},
        {"unknown": 1},
        {"relative": 1},
    ],
)
def test_settings_that_make_no_sense_change_nothing(server, wanted):
    with server.socket() as stream:
        before = ask(stream, '{"type":"settings"}')
        refused = ask(stream, json.dumps({"type": "settings", "min_pause": 3, **wanted}))
        assert (refused["type"], refused["code"]) == ("error", "bad_settings")
        assert ask(stream, '{"type":"settings"}') == before


@pytest.mark.parametrize(
    "message",
    ["", "[1]", "nonsense", "[" * 4000, '{"type": 1}', '{"type": "unknown"}', '{"type":"settings","x":"' + "x" * 5000],
)
def test_bad_text_is_refused_and_the_stream_goes_on(server, smiling, message):
    with server.socket() as stream:
        assert ask(stream, message)["code"] in ("bad_message",)
        assert ask(stream, frame(0, 0.0, smiling))["type"] == "result"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "bad_message"),
        (b"12345678", "bad_message"),
        (frame(9, float("nan"), b"xx"), "bad_message"),
        (frame(9, -1.0, b"xx"), "bad_message"),
        (frame(9, 1e300, b"xx"), "bad_message"),
        (frame(9, 0.0, b"no picture"), "bad_image"),
        (frame(9, 0.0, b"\xff\xd8\xff\xe0 cut"), "bad_image"),
    ],
)
def test_bad_frames_are_refused_and_the_stream_goes_on(server, smiling, message, code):
    with server.socket() as stream:
        refused = ask(stream, message)
        assert refused["code"] == code
        assert refused.get("seq") == (9 if len(message) >= 12 else refused.get("seq"))
        assert ask(stream, frame(10, 1.0, smiling))["seq"] == 10


def test_whoever_sends_ahead_gets_the_newest(server, smiling):
    before = counter(server, "dropped_total")
    with server.socket() as stream:
        for number in range(40):
            stream.send(frame(number, number / 25, smiling))
        answers = [hear(stream)]
        while answers[-1]["seq"] != 39:
            answers.append(hear(stream))
    numbers = [answer["seq"] for answer in answers]
    assert numbers == sorted(numbers)
    assert answers[-1]["dropped"] == 40 - len(answers)
    assert counter(server, "dropped_total") - before == 40 - len(answers)


def test_a_slow_client_does_not_slow_another(server, smiling, noise):
    large = jpeg(noise, (4000, 3000))  # takes many times as long to decode and search
    with server.socket() as slow, server.socket() as quick:
        stop = threading.Event()

        def load():
            number = 0
            while not stop.is_set():
                ask(slow, frame(number, number * 0.1, large))
                number += 1

        thread = threading.Thread(target=load)
        thread.start()
        try:
            answers = show_until_found(quick, smiling, 30)
        finally:
            stop.set()
            thread.join(20)
    assert answers[-1]["faces"]
    waits = sorted(answer["server_ms"] for answer in answers)
    assert waits[len(waits) // 2] < 500


def test_a_client_that_never_reads_does_not_stop_another(server, smiling):
    with server.socket(max_queue=1) as deaf, server.socket() as other:
        for number in range(200):
            deaf.send(frame(number, number * 0.1, smiling))
        assert show(other, smiling, 5)[-1]["type"] == "result"


def test_eight_sessions_at_five_frames_a_second(server, smiling):
    problems, answers = [], []

    def one(number):
        try:
            with server.socket() as stream:
                for count in range(20):
                    began = time.monotonic()
                    answers.append(ask(stream, frame(count, count * 0.2, smiling)))
                    time.sleep(max(0.0, 0.2 - (time.monotonic() - began)))
        except Exception as error:  # noqa: BLE001 - shown by the test
            problems.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert len(answers) == 160
    assert {answer["type"] for answer in answers} == {"result"}
    assert max(answer["dropped"] for answer in answers) == 0


def test_sessions_are_bounded_and_places_come_free(tmp_path, smiling):
    with serving(tmp_path) as server:
        with ExitStack() as stack:
            for _ in range(32):
                ask(stack.enter_context(server.socket()), '{"type":"settings"}')
            with pytest.raises(InvalidStatus) as program:
                server.socket()
            assert program.value.response.status_code == 503
            assert int(program.value.response.headers["retry-after"]) > 0
            with server.socket(headers={**server.bearer, "Origin": server.base}) as one_more:  # as a page does
                refused = hear(one_more)
                assert (refused["type"], refused["code"]) == ("error", "busy")
                with pytest.raises(Exception, match="1013"):
                    one_more.recv(5)
        for _ in range(50):
            if counter(server, "sessions") == 0:
                break
            time.sleep(0.1)
        assert server.still_serves(smiling)
        assert server.errors.read_text() == ""
