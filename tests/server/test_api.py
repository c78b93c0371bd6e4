import csv
import io
import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
from served import serving, until

from smilecam import SmileDetector
from smilecam.opencv import cv2


def test_models(server):
    content = server.get("/v1/models").json()
    assert {model["name"] for model in content["models"]} == {"smilenet", "lenet"}
    for model in content["models"]:
        assert [policy["name"] for policy in model["policies"]] == ["broad", "strict"]
        assert all(0 < policy["threshold"] < 1 for policy in model["policies"])
    assert content["detectors"][0] == "haar"
    assert content["default"]["model"] == "smilenet"
    assert content["source"] is None
    assert content["limits"]["max_pixels"] == 25_000_000


def test_detect_is_what_the_library_says(server, astronaut, hopper):
    files, expected = [], []
    for picture, form in ((astronaut, ".jpg"), (hopper, ".png"), (astronaut, ".webp")):
        content = cv2.imencode(form, picture)[1]
        files.append(("image", (f"face{form}", content.tobytes())))
        expected.append(SmileDetector()(cv2.imdecode(content, cv2.IMREAD_COLOR)))
    with server.client() as client:
        answer = client.post("/v1/detect", files=files)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["name"] for result in results] == ["face.jpg", "face.png", "face.webp"]
    assert [result["faces"] for result in results] == [[f.as_dict() for f in e.faces] for e in expected]
    assert [result["faces"][0]["smiling"] for result in results] == [True, False, True]
    assert (results[0]["height"], results[0]["width"]) == astronaut.shape[:2]


def test_settings_of_a_query(server, serious):
    with server.client() as client:
        usual, low = (
            client.post("/v1/detect", params=query, files={"image": serious}).json()["results"][0]["faces"][0]
            for query in ({}, {"threshold": "0.01"})
        )
        assert (usual["smiling"], low["smiling"]) == (False, True)
        assert usual["smile"] == low["smile"]
        other = client.post("/v1/detect", params={"model": "lenet"}, files={"image": serious}).json()
        assert other["results"][0]["faces"][0]["smile"] != usual["smile"]
        for query in (
            {"threshold": "2"},
            {"threshold": "x"},
            {"model": "none"},
            {"nothing": "1"},
            {"smoothing": "nan"},
        ):
            answer = client.post("/v1/detect", params=query, files={"image": serious})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_settings")
        assert client.post("/v1/detect?threshold=.1&threshold=.2", files={"image": serious}).status_code == 400


def test_one_bad_picture_does_not_spoil_the_others(server, smiling):
    files = [("image", ("a", b"garbage")), ("image", ("b", smiling)), ("image", ("c", smiling[:2000]))]
    with server.client() as client:
        bad, good, cut = client.post("/v1/detect", files=files).json()["results"]
    assert bad["error"]["code"] == cut["error"]["code"] == "bad_image"
    assert good["faces"]


def test_requests_that_make_no_sense(server, smiling):
    with server.client() as client:
        for path in ("/v1/detect", "/v1/videos"):
            assert client.post(path).status_code == 415
            assert client.post(path, json={"image": "x"}).status_code == 415
            assert client.post(path, files={"other": smiling}).status_code == 400
            broken = client.post(path, content=b"x", headers={"Content-Type": "multipart/form-data; boundary=y"})
            assert broken.status_code == 400
            assert set(broken.json()["error"]) == {"code", "message"}
            wrong = client.get(path)
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
            assert wrong.json()["error"]["code"] == "wrong_method"


def test_a_video_from_upload_to_results(server, clip):
    with server.client() as client:
        begun = client.post("/v1/videos", files={"video": ("../my clip.mp4", clip.read_bytes())})
        assert begun.status_code == 202
        key = begun.json()["id"]
        assert begun.headers["location"] == f"/v1/videos/{key}"
        done = until(client, key, {"done", "failed"})
        assert (done["status"], done["progress"], done["frames"], done["name"]) == ("done", 1.0, 20, "my clip.mp4")
        assert done["duration"] == pytest.approx(2.0, abs=0.2)
        lines = [json.loads(line) for line in client.get(f"/v1/videos/{key}/results.jsonl").text.splitlines()]
        table = client.get(f"/v1/videos/{key}/results.csv")
        cues = client.get(f"/v1/videos/{key}/results.vtt")
        assert client.get(f"/v1/videos/{key}/results.exe").status_code == 404
        assert client.delete(f"/v1/videos/{key}").status_code == 200
        assert client.get(f"/v1/videos/{key}").status_code == 404
        assert client.get(f"/v1/videos/{key}/results.csv").status_code == 404
    frames = [line for line in lines if line["type"] == "frame"]
    assert [frame["frame"] for frame in frames] == list(range(20))
    assert {frame["source"] for frame in frames} == {"my clip.mp4"}
    assert [line["event"] for line in lines if line["type"] == "event"][:2] == ["smile_start", "smile_end"]
    assert len(list(csv.DictReader(io.StringIO(table.text)))) == sum(len(frame["faces"]) for frame in frames) > 10
    assert cues.text.startswith("WEBVTT")
    assert re.search(r"00:00:00\.\d+ --> 00:00:0[01]\.\d+\nsmile, person 1", cues.text)
    assert "attachment" in cues.headers["content-disposition"]


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage" * 100, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n"],
)
def test_what_is_no_video_fails(server, content):
    with server.client() as client:
        key = client.post("/v1/videos", files={"video": ("x.mp4", content)}).json()["id"]
        failed = until(client, key, {"done", "failed"})
        assert (failed["status"], failed["error"]["code"]) == ("failed", "bad_video")
        assert "/" not in failed["error"]["message"]
        assert client.get(f"/v1/videos/{key}/results.csv").status_code == 409


def test_videos_are_bounded_cancelled_and_leave_nothing(tmp_path, long_clip):
    """Two at a time; a long one is ended in the middle; Ctrl-C ends the other with the process."""
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "TEMP": str(tmp_path / "temporary")}
    content = long_clip.read_bytes()
    with serving(tmp_path, environment=environment) as server, server.client() as client:
        videos = [client.post("/v1/videos", files={"video": content}) for _ in range(3)]
        assert [answer.status_code for answer in videos] == [202, 202, 429]
        assert videos[2].headers["retry-after"]
        first, second = (answer.json()["id"] for answer in videos[:2])
        assert client.get(f"/v1/videos/{first}/results.csv").status_code in (200, 409)
        assert client.delete(f"/v1/videos/{first}").json()["status"] in ("cancelled", "done")
        assert client.get(f"/v1/videos/{second}").status_code == 200
        assert client.post("/v1/videos", files={"video": content}).status_code == 202
        folders = list((tmp_path / "temporary").glob("smilecam-*"))
        assert len(folders) == 1
        assert os.name != "posix" or folders[0].stat().st_mode & 0o077 == 0
        code, seconds = server.stop()
        assert code == 130
        assert seconds < 5  # 2 s on a machine that has nothing else to do
        assert list((tmp_path / "temporary").glob("smilecam-*")) == []
        assert server.errors.read_text() == "smilecam: interrupted\n"


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's files")
@pytest.mark.parametrize("size", [900_000, 3_000_000])  # kept in memory while it is received; written to a file
def test_an_upload_that_fails_leaves_nothing(tmp_path, size):
    """Files cannot grow beyond 500 kB, as if the disk were full."""
    import resource

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serving(tmp_path, environment={**os.environ, "TMPDIR": str(temporary)}) as server:
        process = server.process.pid
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (500_000, most))
        with server.client() as client:
            failed = client.post("/v1/videos", files={"video": bytes(size)})
            assert (failed.status_code, failed.json()["error"]["code"]) == (500, "internal")
            assert {path.name for path in temporary.rglob("*") if path.parent != temporary} == {".server.lock"}
            files = [str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()]
            assert {Path(file).name for file in files if file.startswith(str(temporary))} == {".server.lock"}
            end = time.monotonic() + 5
            while not server.errors.read_text() and time.monotonic() < end:  # reported after the response
                time.sleep(0.05)
            assert server.errors.read_text() == "smilecam: cannot store an upload: File too large\n"
            resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))
            for _ in range(2):  # both places are free
                assert client.post("/v1/videos", files={"video": bytes(size)}).status_code == 202


def test_only_the_last_few_videos_are_kept(server):
    with server.client() as client:
        keys = []
        for _ in range(11):
            keys.append(client.post("/v1/videos", files={"video": b"garbage"}).json()["id"])
            until(client, keys[-1], {"failed"})
        states = [client.get(f"/v1/videos/{key}").status_code for key in keys]
    assert states == [404] * 3 + [200] * 8


def test_metrics_count(server, smiling):
    with server.client() as client:
        before = client.get("/metrics")
        client.post("/v1/detect", files={"image": smiling})
        client.get("/nothing")
        after = client.get("/metrics")
    assert after.headers["content-type"].startswith("text/plain")

    def values(text):
        return {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if not line.startswith("#")}

    grown = {name: value - values(before.text)[name] for name, value in values(after.text).items()}
    assert grown["smilecam_pictures_total"] == 1
    buckets = [value for name, value in values(after.text).items() if "bucket" in name]
    assert buckets == sorted(buckets)
    names = {name.partition("{")[0] for name in values(after.text)}
    assert names == {
        *(f"smilecam_{name}_total" for name in ("frames", "dropped", "pictures", "refused")),
        "smilecam_sessions",
        *(f"smilecam_latency_seconds_{part}" for part in ("bucket", "sum", "count")),
    }


def test_the_openapi_document_holds(server):
    schemathesis = pytest.importorskip("schemathesis", reason='needs the "dev" extra')
    from hypothesis import HealthCheck, Phase, given, settings

    document = server.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) == 11
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=8,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def holds(case):
            case.call_and_validate(base_url=server.base, headers=server.bearer)

        holds()
    assert server.errors.read_text() == ""
