"""The docs site: Markdown of this folder, the API reference from the docstrings, the tutorials.

    python -m sphinx -W --keep-going docs build/docs

builds it from the root of the repository, without a network (extra: docs). ``NAVIGATION`` below lists its pages: one
that is missing there, or a link that leads nowhere, fails the build. The Markdown stays plain, to be read on a code
host as well; what only the site needs is added by ``docs_pages.py``.

The tutorials are run while the site is built, as far as what they need is installed and at hand. With
``SMILECAM_DOCS_RUN=0`` they are shown without results.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import docs_pages  # noqa: E402

import smilecam  # noqa: E402

NAVIGATION = {
    "Start": ["usage", "gallery", "examples", "integrations", "commands"],
    "Tutorials": ["tutorials/smile_shutter", "tutorials/own_photos", "tutorials/train_lenet"],
    "Live page": ["web", "static-page"],
    "Archives": ["scan", "scale"],
    "Python": ["api/index", "api/detector", "api/results", "api/streams", "api/errors", "api/modules"],
    "Networks": ["model-card", "accuracy", "training", "performance"],
    "Project": ["architecture", "reliability", "security", "contributing", "conduct", "changes"],
}
"""Heading of the side bar -> pages below it."""

project = "smilecam"
author = "the smilecam authors"
copyright = "the smilecam authors, MIT licence"  # noqa: A001 - Sphinx's name
release = version = smilecam.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "docs_api", "docs_pages"]
exclude_patterns = ["models", "**/.ipynb_checkpoints", "_build"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|np|collections|pathlib|typing|fractions|torch|types)\..*"),  # no inventory without a network
    ("py:.*", r"(Any|Path|Fraction|Literal|ndarray|dtype|uint8|optional)"),
    ("py:.*", r"smilecam\.[a-z].*"),  # the package's inner modules; its public names must be found
]
docs_pages_navigation = NAVIGATION

# Markdown as code hosts read it.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

# Tutorials.
nb_execution_mode = "off" if os.environ.get("SMILECAM_DOCS_RUN") == "0" else "force"
nb_execution_excludepatterns = docs_pages.cannot_run(HERE / "tutorials")
nb_execution_in_temp = True
nb_execution_timeout = 1200
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # they would come from another host

# API reference.
autodoc_member_order = "bysource"
autoclass_content = "both"
autodoc_typehints = "signature"
autodoc_type_aliases = {name: f"smilecam.types.{name}" for name in ("Image", "GreyImage")}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Pages.
html_theme = "furo"
html_title = f"smilecam {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0067a3", "color-brand-content": "#0067a3"},
    "dark_css_variables": {"color-brand-primary": "#6cbcf0", "color-brand-content": "#6cbcf0"},
}
pygments_style, pygments_dark_style = "friendly", "github-dark"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
