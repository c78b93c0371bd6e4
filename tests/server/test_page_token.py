"""The page that asks for the token, and a server that was restarted with another one."""

from __future__ import annotations

import re

import browsing
import httpx
import live_page
import pytest
from browsing import until

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def base(page_server):
    return page_server.address.partition("/?")[0]


@pytest.fixture(scope="module")
def token(page_server):
    return page_server.address.partition("token=")[2]


def test_browsers_get_a_form_and_programs_json(base):
    for path in ("/", "/?token=wrong"):
        page = httpx.get(base + path, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert '<form method="post" action="/">' in page.text
        assert ("alert" in page.text) == ("wrong" in path)
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers
    assert httpx.get(base + "/").json()["error"]["code"] == "no_token"
    for path in ("/v1/models", "/static/app.js", "/nothing"):
        assert httpx.get(base + path, headers=BROWSER).json()["error"]["code"] == "no_token"


def test_the_form_takes_the_token_from_its_own_page_only(base, token):
    own = {"Origin": base}
    entered = httpx.post(base + "/", data={"token": token}, headers={**own, **BROWSER})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert token not in cookie + str(entered.url)
    assert httpx.get(base + "/", headers={"Cookie": cookie.partition(";")[0], **BROWSER}).status_code == 200
    assert httpx.post(base + "/", data={"token": token}, headers=own).status_code == 204
    for origin in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}):
        refused = httpx.post(base + "/", data={"token": token}, headers=origin)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "wrong_origin")
        assert "set-cookie" not in refused.headers
    wrong = httpx.post(base + "/", data={"token": "wrong"}, headers=own)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "wrong_token")
    assert "set-cookie" not in wrong.headers
    assert httpx.post(base + "/", data={"token": token, "x": "y"}, headers=own).status_code == 400
    assert httpx.post(base + "/", content=b"\xff=\xff", headers=own).status_code in (400, 401)
    assert httpx.post(base + "/", content=b"token=" + b"x" * 5000, headers=own).status_code == 413
    other = httpx.post(base + "/", data={"token": token}, headers={**own, "Host": "evil.example"})
    assert other.json()["error"]["code"] == "wrong_host"


def test_the_form_in_a_browser(open_window, base, token):
    plain = open_window(base + "/", ignore=["status of 401"])
    # Its style is in force, so the policy allows it; nothing else is.
    assert plain.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "18px"
    page = open_window(base + "/", ignore=["status of 401"], bypass_csp=True)
    assert page.title() == "Smilecam: token"
    assert page.evaluate("document.activeElement.id") == "token"
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert page.url == base + "/"
    browsing.fits_in_both_themes(page, "token")
    page.fill("#token", f" {token} ")
    page.click("button")
    page.wait_for_selector("#use-camera")
    assert page.url == base + "/"
    until(page, "document.getElementById('status-text').textContent === 'Ready'")


def test_a_server_with_another_token_is_told_from_a_lost_one(open_window, tmp_path):
    ignore = ["WebSocket connection", "ERR_CONNECTION_REFUSED", "status of 401"]
    source = "synthetic:face?seconds=60"
    first = live_page.Server(source)
    try:
        page = open_window(first.address, ignore=ignore, bypass_csp=True)
        page.wait_for_selector("#people .person", timeout=15_000)
        first.kill()
        until(page, "document.getElementById('status-text').textContent === 'No server'")
        frames = int(re.search(r"[\d,]+", page.text_content("#results-count"))[0].replace(",", ""))
        with live_page.serving(source, port=first.port, token="another-token-for-tests"):
            until(page, "document.getElementById('status-text').textContent === 'New token'", timeout=15_000)
            page.click("#note-action")
            browsing.check_axe(page, "#token-dialog")
            page.fill("#token", "only-for-tests-of-the-page")
            page.keyboard.press("Enter")
            until(page, "!document.getElementById('token-wrong').hidden")
            page.screenshot(path=browsing.SCREENSHOTS / "token_dialog.png")
            page.fill("#token", "another-token-for-tests")
            page.keyboard.press("Enter")
            page.wait_for_selector("#status[data-state=live]", timeout=15_000)
            page.wait_for_selector("#token-dialog:not([open])", state="attached")
            assert page.is_hidden("#note")
            after = int(re.search(r"[\d,]+", page.text_content("#results-count"))[0].replace(",", ""))
            assert after >= frames  # what was seen before is still there
    finally:
        first.stop()
