"""The docs site: built in strict mode, complete, and without anything from another host."""

import re
import shutil
import subprocess
import sys

import pytest

import smilecam

pytest.importorskip("sphinx", reason='needs the "docs" extra')

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*\ssrc=["'](?:https?:)?//"""
    r"""|<link\b(?![^>]*rel=["'](?:canonical|license)["'])[^>]*\shref=["'](?:https?:)?//"""
    r"""|@import\b[^;]*//|url\(["']?(?:https?:)?//|fetch\(["'](?:https?:)?//|import\(["'](?:https?:)?//"""
)
"""What makes a browser load something from another host; links that a reader follows are not among it."""


@pytest.fixture(scope="module")
def build(environment):
    """Build the site from a folder of documents, the tutorials not run."""

    def run(root, site):
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(site)]
        return subprocess.run(
            command,
            cwd=root,
            env=environment | {"SMILECAM_DOCS_RUN": "0"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def site(build, root, tmp_path_factory):
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(root, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_nothing_is_loaded_from_another_host(site):
    pages = [path for path in site.rglob("*") if path.suffix in (".html", ".css", ".js")]
    assert len(pages) > 30
    assert [(path.name, found[0]) for path in pages if (found := LOADED.search(path.read_text("utf-8")))] == []


def test_the_pattern_finds_what_is_loaded_from_elsewhere():
    for text in (
        '<script async src="https://cdn.example/x.js">',
        "<link rel='stylesheet' href='//fonts.example/x.css'>",
        "@import url(https://fonts.example/x.css);",
        "src: url(//fonts.example/x.woff2)",
    ):
        assert LOADED.search(text)
    assert not LOADED.search('<a href="https://example.org/">')


def test_every_public_name_is_documented(site):
    text = "".join(path.read_text("utf-8") for path in (site / "api").glob("*.html"))
    missing = {name for name in smilecam.__all__ if f'id="smilecam.{name}"' not in text}
    assert missing == {"__version__"}


def test_links_of_the_repository_lead_to_pages_of_the_site(site, root):
    web = (site / "web.html").read_text("utf-8")
    assert 'href="security.html' in web
    security = (site / "security.html").read_text("utf-8")
    assert 'href="web.html#security"' in security
    assert "says how each of these is tested" in security
    examples = (site / "examples.html").read_text("utf-8")
    for script in (root / "examples").glob("*.py"):
        anchor = re.sub("[._]", "-", script.name)
        assert examples.count(f'href="#{anchor}"') > 1, script.name  # in the table, not only beside its heading
    assert "results." in (site / "tutorials" / "smile_shutter.html").read_text("utf-8")


def test_a_lost_page_and_a_dead_link_fail_the_build(build, root, tmp_path):
    shutil.copytree(root / "docs", tmp_path / "docs")
    shutil.copytree(root / "examples", tmp_path / "examples")
    for path in root.glob("*.md"):
        shutil.copy(path, tmp_path)
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n\n[nowhere](usage.md#no-such-heading), [gone](gone.md)\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "lost.md" in done.stderr
    assert "toctree" in done.stderr
    assert "no-such-heading" in done.stderr
    assert "gone.md" in done.stderr
