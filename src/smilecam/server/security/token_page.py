"""The page that asks for the token: what a browser gets that opens the server's address without it."""

from __future__ import annotations

import base64
import hashlib
import html

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import Scope

from smilecam.server.problems import Problem

MAX_FORM_BYTES = 4096
"""Of the form with the token."""

_STYLE = """
:root { color-scheme: light dark; --paper: #f5f4f0; --card: #fff; --ink: #1a1d21; --quiet: #5a616b; --edge: #8a8f98;
  --accent: #0067a3; --accent-ink: #fff; --warn: #8c2f00; }
@media (prefers-color-scheme: dark) { :root { --paper: #111317; --card: #1a1d23; --ink: #eceef2; --quiet: #a5adb8;
  --edge: #6d7580; --accent: #6cbcf0; --accent-ink: #08131c; --warn: #ffb48a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--paper);
  color: var(--ink); font: 400 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { width: min(440px, 100%); padding: 28px; border-radius: 18px; background: var(--card);
  box-shadow: 0 6px 24px rgb(20 24 31 / 10%); }
h1 { margin: 0 0 8px; font-size: 22px; line-height: 1.25; }
p { margin: 0 0 18px; color: var(--quiet); }
p.wrong { color: var(--warn); font-weight: 600; }
code { font: 600 14px ui-monospace, monospace; color: var(--ink); }
label { display: block; margin-bottom: 6px; font-weight: 600; }
input { width: 100%; min-height: 44px; margin-bottom: 14px; padding: 0 12px; border: 1px solid var(--edge);
  border-radius: 10px; background: var(--paper); color: var(--ink); font: inherit; }
button { width: 100%; min-height: 44px; border: 0; border-radius: 10px; background: var(--accent);
  color: var(--accent-ink); font: inherit; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Smilecam: token</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>This page needs its token</h1>
{wrong}<p>Open the whole address that <code>smilecam watch</code> printed, or enter the part after
<code>token=</code>.</p>
<form method="post" action="/">
<label for="token">Token</label>
<input type="password" id="token" name="token" autocomplete="current-password" autocapitalize="off" spellcheck="false"
 required autofocus{invalid}>
<button>Open the page</button>
</form>
</main>
</body>
</html>
"""

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    # Not "no-referrer", with which browsers send the form without saying where it comes from.
    "referrer-policy": "same-origin",
    "www-authenticate": "Bearer",
    "connection": "close",
}


def wants_page(scope: Scope) -> bool:
    """Whether a request comes from a browser that is about to show the answer as the page; programs get JSON."""
    if scope["type"] != "http" or scope["path"] != "/":
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def token_page(problem: Problem) -> HTMLResponse:
    """The form, with status 401; it names the problem where a token was given."""
    given = problem.code == "wrong_token"
    wrong = f'<p class="wrong" role="alert">{html.escape(str(problem))}</p>\n' if given else ""
    invalid = ' aria-invalid="true"' if given else ""
    return HTMLResponse(_PAGE.format(style=_STYLE, wrong=wrong, invalid=invalid), problem.status, _HEADERS)
