"""How docstrings become the API reference: a Sphinx extension beside autodoc and napoleon."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python._object import PyObject
from sphinx.util.inspect import TypeAliasForwardRef

LONG_DEFAULT = re.compile(r"SourceOptions\(open_timeout=[^()]*\)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    # Inside other types Sphinx shows the object that stands for the alias, not its name.
    TypeAliasForwardRef.__repr__ = lambda alias: alias.name  # type: ignore[method-assign]
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _docstring, priority=400)  # before napoleon
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _signature(
    _app: Sphinx, _what: str, _name: str, _thing: object, _options: object, signature: str | None, result: str | None
) -> tuple[str | None, str | None]:
    """Shorten a default that repeats a whole dataclass; leave out how to make what programs do not make."""
    if signature is None:
        return None, result
    made_inside = signature == "(*args, **kwargs)" or "SourceRef" in signature
    return "" if made_inside else LONG_DEFAULT.sub("SourceOptions()", signature), result


def _docstring(_app: Sphinx, what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    """Keep napoleon from taking the first words of an attribute's text, up to a colon, for its type."""
    if what in ("attribute", "property", "data") and lines and lines[0]:
        lines.insert(0, "\\ ")  # an escaped space: nothing, for reStructuredText
