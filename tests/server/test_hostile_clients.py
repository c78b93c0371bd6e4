"""Clients that know the token and mean harm: by names, paths, ranges, settings, and answers that they do not read."""

import json
import threading
import time

import psutil
import pytest
from served import ask, frame, until


@pytest.mark.parametrize("name", ["x\r\nSet-Cookie: a=b.mp4", "../../etc/passwd.mp4", '"><script>.mp4', "\x00.mp4"])
def test_names_of_uploads_reach_no_header_and_no_path(server, clip, name):
    with server.client() as client:
        started = client.post("/v1/videos", files={"video": (name, clip.read_bytes())})
        assert started.status_code == 202
        key = started.json()["id"]
        assert not set("/\r\n\0") & set(started.json()["name"])
        assert until(client, key, ("done", "failed"))["status"] == "done"
        results = client.get(f"/v1/videos/{key}/results.vtt")
        assert results.headers["content-disposition"] == 'attachment; filename="smiles.vtt"'
        assert "set-cookie" not in results.headers
        client.delete(f"/v1/videos/{key}")


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "....//app.py", "%00", "a" * 3000])
def test_paths_lead_out_of_no_folder(server, path):
    assert server.get(f"/static/{path}").status_code == 404


def test_thousands_of_ranges_are_answered_with_the_whole(server):
    ranges = {"Range": "bytes=" + "0-0," * 3000 + "1-2"}
    assert server.get("/static/app.js", headers=ranges).content == server.get("/static/app.js").content


def test_a_stream_that_changes_its_model_all_the_time_and_reads_nothing_harms_no_other(server, smiling):
    process, ending = psutil.Process(server.process.pid), threading.Event()

    def flood():
        with server.socket(max_queue=1, ping_interval=None, close_timeout=1) as stream:
            for number in range(10_000):
                if ending.wait(0.01):
                    return
                model = ("smilenet", "lenet")[number % 2]
                stream.send(json.dumps({"type": "settings", "model": model, "policy": None}))
                stream.send(frame(number, number / 25, smiling))

    with server.socket() as stream:
        ask(stream, json.dumps({"type": "settings", "model": "lenet", "policy": None}))  # loaded before it is measured
        ask(stream, frame(0, 0.0, smiling))
        memory = process.memory_info().rss
        flooding = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
        for thread in flooding:
            thread.start()
        end, answers = time.monotonic() + 3, 0
        while time.monotonic() < end:
            answers += ask(stream, frame(answers + 1, (answers + 1) / 25, smiling))["type"] == "result"
    ending.set()
    for thread in flooding:
        thread.join(20)
    assert answers > 5
    assert process.memory_info().rss - memory < 100e6
    assert server.still_serves(smiling)
