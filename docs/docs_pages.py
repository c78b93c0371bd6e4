"""What the docs site adds to the Markdown of this folder: a Sphinx extension.

The Markdown is written for code hosts: links lead to files of the repository. Here they lead to pages of the site, the
texts of the repository's root become pages, and the scripts of ``examples/`` are shown.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]

ROOT_PAGES = {"SECURITY.md": "security", "CONTRIBUTING.md": "contributing", "CODE_OF_CONDUCT.md": "conduct",
              "CHANGELOG.md": "changes"}  # fmt: skip
"""File in the root of the repository -> the page that shows it."""

SMILES_VARIABLE = "SMILECAM_SMILES"
"""Names the SMILES archive for the tutorials; otherwise they take that of ``smilecam data fetch``."""

NOT_RUN = (
    "> This page was built where the data or the packages of this tutorial were not at hand, so it shows no results. "
    "Run the notebook to see them."
)

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s]+)(?=\))")
"""Where a Markdown link leads, unless that is another host or the same page."""

WHOLE_LINK = re.compile(r"(?<!!)\[([^\]\[]+)\]\((?!\w+:|#)([^)\s]+)\)")
"""The same with its text: of what the site does not show, such as a folder, only the name is left."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("docs_pages_navigation", {}, "env")
    app.connect("source-read", _read)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def cannot_run(tutorials: Path) -> list[str]:
    """Tutorials whose packages or data are missing here, as patterns for myst-nb.

    Args:
        tutorials: their folder. A notebook's metadata lists under ``needs`` what it takes: packages, or ``SMILES``.
    """
    missing = []
    for path in sorted(tutorials.glob("*.ipynb")):
        needs = json.loads(path.read_text("utf-8"))["metadata"].get("smilecam", {}).get("needs", [])
        if not all(_is_here(need) for need in needs):
            missing.append(f"**/{path.name}")
    return missing


def _is_here(need: str) -> bool:
    if need == "SMILES":
        from smilecam import storage
        from smilecam.data.smiles_dataset import archive_path

        named = os.environ.get(SMILES_VARIABLE)
        return Path(named).is_file() if named else archive_path(storage.data_folder()).is_file()
    return importlib.util.find_spec(need) is not None


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    """Change the text of a page as it is read."""
    if app.env.doc2path(page).suffix == ".ipynb":
        source[0] = _notebook(app, page, source[0])
        return
    text, folder = source[0], "docs/" + "/".join(page.split("/")[:-1])
    for name, of_page in ROOT_PAGES.items():
        if page == of_page:
            text, folder = (ROOT / name).read_text("utf-8"), ""
            app.env.note_dependency(str(ROOT / name))
    text = WHOLE_LINK.sub(lambda found: _without_page(found, folder), text)
    text = LINK.sub(lambda found: _on_site(found[1], folder, page), text)
    if page == "index":
        text += _navigation(app.config.docs_pages_navigation)
    if page == "examples":
        text += _scripts(app)
    source[0] = text


def _notebook(app: Sphinx, page: str, text: str) -> str:
    """A tutorial, with a note where it is not run."""
    excluded = f"**/{Path(page).name}.ipynb" in app.config.nb_execution_excludepatterns
    if app.config.nb_execution_mode != "off" and not excluded:
        return text
    notebook = json.loads(text)
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "not-run", "metadata": {}, "source": NOT_RUN})
    return json.dumps(notebook)


def _on_site(target: str, folder: str, page: str) -> str:
    """Where a link of the repository leads on the site.

    Args:
        target: as written, relative to ``folder``.
        folder: of the file that was read, relative to the root of the repository.
        page: that shows it.
    """
    path, mark, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(folder, path)).replace(os.sep, "/")  # noqa: PTH118 - need not exist
    if file in ROOT_PAGES:
        file = f"docs/{ROOT_PAGES[file]}.md"
    elif file == "README.md":
        file = "docs/index.md"
    elif file.startswith("examples/") and file.endswith(".py"):
        file, mark, anchor = "docs/examples.md", "#", file.removeprefix("examples/").replace(".", "")
    at = os.path.dirname(f"docs/{page}")  # noqa: PTH120 - as above
    return os.path.relpath(file, at).replace(os.sep, "/") + mark + anchor


def _without_page(link: re.Match[str], folder: str) -> str:
    """A link as it is, or in words where it leads to a folder, or to a text that is no page of the site."""
    path = os.path.normpath(os.path.join(folder, link[2].partition("#")[0])).replace(os.sep, "/")  # noqa: PTH118
    is_text = "/" not in path and path.endswith(".md") and path not in {*ROOT_PAGES, "README.md"}
    if not (is_text or (ROOT / path).is_dir()) or not (ROOT / path).exists():
        return link[0]
    return f"{link[1]} (`{path}` in the repository)"


def _navigation(navigation: dict[str, list[str]]) -> str:
    trees = (
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])
        for caption, pages in navigation.items()
    )
    return "\n" + "".join(trees)


def _scripts(app: Sphinx) -> str:
    """The scripts themselves, each under its name."""
    shown = []
    for path in sorted((ROOT / "examples").glob("*.py")):
        app.env.note_dependency(str(path))
        shown.append(f"\n## {path.name}\n\n```python\n{path.read_text('utf-8').rstrip()}\n```\n")
    return "".join(shown)
