"""Videos that the browser cannot play, shown as a copy that the server makes."""

from __future__ import annotations

import io
import json

import av
import browsing
import numpy as np
import pytest
from browsing import drop, until
from served import until as job_until

from smilecam.opencv import cv2


@pytest.fixture(scope="module")
def old_avi(portraits, tmp_path_factory):
    """MPEG-4 Part 2 in AVI, of 1200 x 600 pixels: a second without a smile, a second and a half with one."""
    path = tmp_path_factory.mktemp("old") / "old camera.avi"
    astronaut, hopper = (cv2.resize(portrait, (600, 600)) for portrait in portraits)
    wall = np.full((600, 600, 3), 120, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1200, 600, "yuv420p", 4_000_000
        for number in range(50):
            image = np.hstack([wall, hopper if number < 20 else astronaut])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_a_copy_is_made_only_where_it_is_asked_for(server, old_avi):
    with server.client() as client:
        files = {"video": old_avi.read_bytes()}
        without, wanted = (client.post("/v1/videos", files=files, params=query).json()["id"] for query in QUERIES)
        done = job_until(client, without, {"done", "failed"})
        assert (done["status"], done["width"], done["height"]) == ("done", 1200, 600)
        assert "preview" not in done
        assert client.get(f"/v1/videos/{without}/preview.mp4").json()["error"]["code"] == "no_preview"
        assert job_until(client, wanted, {"done", "failed"})["preview"] is True
        answer = client.get(f"/v1/videos/{wanted}/preview.mp4")
        assert answer.headers["content-type"] == "video/mp4"
        lines = client.get(f"/v1/videos/{wanted}/results.jsonl").text.splitlines()
        with av.open(io.BytesIO(answer.content)) as copy:
            frames = list(copy.decode(video=0))
            assert copy.streams.video[0].codec_context.name == "h264"
        assert (frames[0].width, frames[0].height) == (960, 480)
        times = [line["time"] for line in map(json.loads, lines) if line["type"] == "frame"]
        assert [frame.time for frame in frames] == pytest.approx(times, abs=0.002)
        assert client.delete(f"/v1/videos/{wanted}").status_code == 200
        assert client.get(f"/v1/videos/{wanted}/preview.mp4").status_code == 404
        assert client.post("/v1/videos", files=files, params={"preview": "1"}).status_code == 400
        image = {"image": cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()}
        assert client.post("/v1/detect", files=image, params={"preview": "true"}).status_code == 400


QUERIES = ({}, {"preview": "true"})


def test_a_copy_that_grows_too_large_is_given_up_and_the_results_stay(tmp_path):
    from smilecam.results import FrameResult
    from smilecam.server.decoding.preview import Preview
    from smilecam.sources.base import SourceOptions
    from smilecam.sources.open import open_source
    from smilecam.sources.resolve import find_sources

    random = np.random.default_rng(1)
    path = tmp_path / "preview" / "preview.mp4"
    path.parent.mkdir()
    preview = Preview(path, 100_000)
    with open_source(find_sources("synthetic:640x480@30?seconds=1")[0], SourceOptions()) as source:
        preview.begin(source)
        for frame in source:
            frame._image = random.integers(0, 255, (480, 640, 3), np.uint8)
            for repeat in range(4):
                preview.write(frame, FrameResult("x", 4 * frame.number + repeat, frame.number + repeat / 4, ()))
    preview.end()
    preview.close()
    assert list(path.parent.iterdir()) == []


ORANGE_AT = """() => {
  const canvas = document.getElementById("overlay");
  const {data, width} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [left, right] = [width, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 250 || data[at] < 220 || data[at + 2] > 30) continue;
    const x = (at / 4) % width;
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  }
  return [left / width, right / width];
}"""


def test_a_video_that_the_browser_cannot_play_is_shown_by_the_server(open_window, old_avi):
    page = open_window(bypass_csp=True)
    drop(page, old_avi, type_of="video/x-msvideo")
    page.wait_for_selector("#seek-bar:not([hidden])", timeout=60_000)
    assert page.text_content("#status-text") == "1 smile"
    assert page.is_hidden("#blank")
    assert "copy by the server" in page.text_content("#note-text")
    assert page.evaluate("document.getElementById('video').videoWidth") == 960
    page.locator("#seek").focus()
    page.keyboard.press("End")
    page.wait_for_selector("#people .person.smiling")
    # The boxes are in pixels of the video itself: the face is in the middle of its right half.
    left, right = page.evaluate(ORANGE_AT)
    assert 0.5 < left < right < 0.95
    assert (left + right) / 2 == pytest.approx(0.75, abs=0.08)
    page.keyboard.press("Home")
    until(page, "document.querySelector('#people .state')?.textContent === 'Not smiling'")
    page.click("#main")
    until(page, "document.getElementById('video').currentTime > 0.5")
    browsing.fits_in_both_themes(page, "copy")


def test_mpeg_transport_streams_too(open_window, old_avi, tmp_path):
    """Some systems take the ending .ts for a text."""
    path = tmp_path / "recording.ts"
    with av.open(str(old_avi)) as source, av.open(str(path), "w", format="mpegts") as target:
        stream = target.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 480, 240, "yuv420p", 2_000_000
        for frame in source.decode(video=0):
            frame = frame.reformat(480, 240)
            frame.pts = None
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    page = open_window()
    drop(page, path, type_of="text/vnd.trolltech.linguist")
    page.wait_for_selector("#seek-bar:not([hidden])", timeout=60_000)
    assert page.is_visible("#main")
    assert page.evaluate("document.getElementById('video').videoWidth") == 480
