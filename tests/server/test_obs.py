"""The overlay for OBS: how it is admitted, what it is sent, and what is seen of it in Chromium."""

import json
import re
import sys
import time

import httpx
import numpy as np
import pytest
from browsing import check_axe, collect_console
from served import serving, shown

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.opencv import cv2

ALWAYS = "synthetic:face:640x480@15?faces=2&smile=always&seconds=3600"
TOKEN = "a-token-of-tests-0123456789"


@pytest.fixture(scope="module")
def smiling_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("obs"), ALWAYS, "--token", TOKEN) as server:
        yield server


@pytest.fixture
def open_overlay(browser, smiling_server):
    """Open the overlay in a window of its own; at the end nothing may have been logged."""
    contexts, logged = [], []

    def open_page(query="", base=None, ignore=(), **options):
        context = browser.new_context(**{"viewport": {"width": 640, "height": 480}} | options)
        contexts.append(context)
        page = context.new_page()
        collect_console(page, logged, ignore)
        page.goto(f"{base or smiling_server.base}/overlay?token={TOKEN}{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert logged == []


def pixels(page):
    """The page without a background: uint8 (height, width, 4), blue, green, red and opacity."""
    return cv2.imdecode(np.frombuffer(page.screenshot(omit_background=True), np.uint8), cv2.IMREAD_UNCHANGED)


def orange(image):
    """Where the colour of a smile is, opaque."""
    return (np.abs(image.astype(int) - (0, 159, 230, 255)) < 12).all(axis=2)


def test_the_token_is_exchanged_and_the_choices_stay(smiling_server):
    base = smiling_server.base
    with httpx.Client() as client:
        assert client.get(f"{base}/overlay").status_code == 401
        assert client.get(f"{base}/overlay?token=wrong-token-0123456789").status_code == 401
        given = client.get(f"{base}/overlay?token={TOKEN}&labels=0&x=%22%3E%3Cb%3E")
        assert given.status_code == 303
        assert given.headers["location"] == "/overlay?labels=0&x=%22%3E%3Cb%3E"
        page = client.get(f"{base}{given.headers['location']}")
        assert page.status_code == 200
        assert TOKEN not in page.text
        strange = {"sec-fetch-site": "cross-site"}
        moved = client.get(f"{base}/overlay?token={TOKEN}&meter=0&boxes=1", headers=strange)
        assert 'url=/overlay?meter=0&amp;boxes=1"' in moved.text
        assert client.get(f"{base}/?token={TOKEN}").headers["location"] == "/"


def test_without_a_source_there_is_no_overlay(server):
    refused = server.get("/overlay")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "no_source"
    assert "smilecam watch SOURCE" in refused.json()["error"]["message"]


def test_results_come_without_images_where_none_are_wanted(smiling_server):
    def take(viewer, count):
        taken = []
        while len(taken) < count:
            message = viewer.recv(20)
            if isinstance(message, bytes):
                taken.append(shown(message))
                viewer.send(json.dumps({"type": "ack", "seq": taken[-1][0]["seq"]}))
        return taken

    with smiling_server.socket("/v1/watch?images=0") as results, smiling_server.socket("/v1/watch") as viewer:
        for head, jpeg in take(results, 5):
            assert jpeg == b""
            assert (head["width"], head["height"]) == (640, 480)
        assert all(jpeg.startswith(b"\xff\xd8\xff") for _, jpeg in take(viewer, 5))
        viewer.close()
        assert all(jpeg == b"" for _, jpeg in take(results, 5))


def test_only_boxes_meter_and_badge_are_seen(open_overlay):
    page = open_overlay()
    assert page.url.endswith("/overlay")
    page.get_by_text("Everyone smiles: 2 of 2").wait_for(timeout=20_000)
    page.get_by_role("status").wait_for()
    page.wait_for_timeout(600)
    image = pixels(page)
    opacity = image[:, :, 3]
    assert (opacity[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
    assert 0.75 < (opacity == 0).mean() < 0.98
    across = orange(image)
    assert across[:60].any()  # the badge
    assert across[-60:].any()  # the meter, filled
    columns = np.flatnonzero(across[120:400].sum(axis=0) > 60)  # the upright sides of two boxes
    assert len(columns) >= 4
    assert columns.max() - columns.min() > 250


def test_parts_can_be_left_out(open_overlay):
    page = open_overlay("&badge=0&meter=0&labels=0&mirror=1")
    for _ in range(50):
        image = pixels(page)
        if orange(image)[120:400].any():
            break
        page.wait_for_timeout(200)
    assert orange(image)[120:400].any()
    assert not (image[-60:, :, 3] > 0).any()
    assert page.inner_text("#badge") == ""
    empty = open_overlay("&badge=0&meter=0&labels=0&boxes=0")
    empty.wait_for_timeout(2000)
    assert (pixels(empty)[:, :, 3] == 0).all()


def test_it_is_accessible(open_overlay):
    page = open_overlay(bypass_csp=True)
    page.get_by_text("Everyone smiles: 2 of 2").wait_for(timeout=20_000)
    check_axe(page)


def test_nothing_is_seen_while_the_server_is_away(open_overlay, tmp_path):
    with serving(tmp_path, ALWAYS, "--token", TOKEN) as server:
        page = open_overlay("&badge=1", base=server.base, ignore=["WebSocket connection"])
        page.get_by_text("Everyone smiles: 2 of 2").wait_for(timeout=20_000)
        server.stop()
        page.get_by_text("Everyone smiles").wait_for(state="hidden", timeout=10_000)
        page.wait_for_timeout(300)
        assert (pixels(page)[:, :, 3] == 0).all()


def test_the_server_notifies_too(tmp_path):
    note = tmp_path / "note.py"
    note.write_text("import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')")
    notes = tmp_path / "notes"
    command = f"'{sys.executable}' '{note}' '{notes}' {{event}}"
    source = "synthetic:face:320x240@15?seconds=4"
    with serving(tmp_path, source, "--on-smile", command, "--on-smile-end", command) as server:
        deadline = time.monotonic() + 30
        while not notes.exists() or notes.read_text().count("\n") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        code, seconds = server.stop()
    assert notes.read_text().split() == ["smile_start", "smile_end"]
    assert code == exit_codes.INTERRUPTED
    assert seconds < 8


def test_notifications_need_a_source(capsys):
    assert call(["watch", "--no-browser", "--webhook", "http://127.0.0.1:9/"]) == exit_codes.USAGE
    assert "name a SOURCE" in capsys.readouterr().err


def test_the_address_of_the_overlay_is_printed(tmp_path):
    with serving(tmp_path, ALWAYS) as server:
        line = server.process.stdout.readline()
    assert re.fullmatch(rf"The overlay for OBS is at {server.base}/overlay\?token={server.token}\n", line)
