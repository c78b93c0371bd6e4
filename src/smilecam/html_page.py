"""One self-contained HTML file: no other file and no host is named in it, and none could be reached from it."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence


def page(
    title: str, body: Sequence[str], style: str, script: str = "", *, inline_styles: bool = False, media: bool = False
) -> str:
    """A whole page with a strict content security policy.

    Args:
        title: of the page, as text.
        body: its content, as HTML.
        style: its only style sheet.
        script: its only script; empty for none.
        inline_styles: whether elements of the body have styles of their own, as the plots of Matplotlib.
        media: whether videos beside the file may be played.
    """
    policy = {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'" if inline_styles else _digest(style),
        "script-src": _digest(script) if script else "'none'",
        "img-src": "data:",
        "media-src": "'self' file:" if media else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    rules = html.escape("; ".join(f"{name} {value}" for name, value in policy.items()))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{rules}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{html.escape(title)}</title><style>{style}</style></head>",
            "<body>",
            *body,
            *([f"<script>{script}</script>"] if script else []),
            "</body></html>",
            "",
        ]
    )


def _digest(text: str) -> str:
    """The source expression that allows this very text, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def table(caption: str, rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is its header, scrollable where it is wider than the page; all cells are text."""
    header, *body = [[html.escape(cell) for cell in row] for row in rows]
    return markup_table(html.escape(caption), header, body)


def markup_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Like ``table``, of cells that are HTML."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    lines = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    content = f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="wide" role="region" tabindex="0" aria-label="{caption}"><table>{content}</table></div>'


def data_image(content: bytes, kind: str) -> str:
    """The address of an image that is part of the page.

    Args:
        content: the image file.
        kind: its format, as "jpeg".
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
