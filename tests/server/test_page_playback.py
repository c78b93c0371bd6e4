"""``smilecam watch clip.mp4`` in the browser: begins with the first viewer, pauses, seeks, plays again."""

from __future__ import annotations

import browsing
import live_page
import pytest
from browsing import until


@pytest.fixture(scope="module")
def page_server(long_clip):
    with live_page.serving(str(long_clip), "--detector", "haar") as server:
        yield server


STATUS = "document.getElementById('status-text').textContent"
POSITION = "Number(document.getElementById('seek').value)"


def test_pause_seek_and_play_again(open_window):
    page = open_window(bypass_csp=True)
    until(page, f"{STATUS} === 'Playing'", timeout=15_000)
    page.wait_for_selector("#people .person", timeout=15_000)
    assert page.get_attribute("#seek", "max") == "10"
    page.click("#main")
    until(page, f"{STATUS} === 'Paused'")
    page.wait_for_timeout(300)
    stands = page.evaluate(POSITION)
    page.wait_for_timeout(400)
    assert page.evaluate(POSITION) == stands
    assert page.text_content("#main-text") == "Play"
    # Blurred images stay as they are: their faces are known.
    page.keyboard.press("b")
    page.wait_for_timeout(1800)
    assert "veiled" not in page.get_attribute("#stage", "class").split()
    page.keyboard.press("b")
    # The bar moves the video also while it stands still, for every viewer.
    other = open_window()
    until(other, f"{STATUS} === 'Paused'", timeout=15_000)
    assert other.text_content("#main-text") == "Play"
    page.locator("#seek").focus()
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('clock').textContent.startsWith('0:02.')")
    until(other, "document.getElementById('clock').textContent.startsWith('0:02.')")
    page.wait_for_selector("#people .person:not(.smiling)")
    page.keyboard.press("k")
    until(page, f"{STATUS} === 'Playing' && {POSITION} > 2.3")
    page.keyboard.press("End")
    until(page, f"{STATUS} === 'Ended'", timeout=15_000)
    assert page.text_content("#main-text") == "Play again"
    browsing.fits_in_both_themes(page, "playback")
    # The events of a recorded video lead to their moments.
    first = page.locator("#event-list .go").first
    page.click("#main")
    until(page, f"{STATUS} === 'Playing' && {POSITION} < 2", timeout=5000)
    first.click()
    until(other, f"{STATUS} === 'Playing'")
