"""How this copy of smilecam was installed, and the line that adds packages to it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

NAME = "smilecam"


def install_command(extra: str) -> str:
    """The line for a terminal that installs the packages of an extra into this environment.

    It names the folder, archive or repository that smilecam was installed from, where that is still there, and else
    the packages themselves.
    """
    return package_command(*_requirements(extra))


def package_command(*arguments: str) -> str:
    """The line for a terminal that installs packages into this environment.

    Args:
        arguments: of ``pip install``.
    """
    command = [*_installer(), *arguments]
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)


def _installer() -> list[str]:
    """What installs into this environment, which need not have pip: venv --without-pip, uv."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    if _made_by_uv():
        return ["uv", "pip", "install", "--python", sys.executable]
    return ["python" if os.name == "nt" else "python3", "-m", "pip", "--python", sys.executable, "install"]


def _made_by_uv() -> bool:
    try:
        lines = (Path(sys.prefix) / "pyvenv.cfg").read_text("utf-8").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)


def _requirements(extra: str) -> Sequence[str]:
    try:
        found = distribution(NAME)
    except PackageNotFoundError:  # run from its source alone
        return [f"{Path(__file__).parents[2]}[{extra}]"]
    return _origin(found, extra) or _packages(found, {extra}) or [f"{NAME}[{extra}]"]


def _origin(found: Distribution, extra: str) -> list[str]:
    """The requirement that installs the same smilecam with an extra: by PEP 610, what pip and uv note down."""
    try:
        noted: Any = json.loads(found.read_text("direct_url.json") or "null")
        url = urlsplit(noted["url"])
    except (ValueError, TypeError, KeyError):
        return []
    if "vcs_info" in noted:
        repository = f"{noted['vcs_info'].get('vcs', 'git')}+{noted['url']}"
        return [f"{NAME}[{extra}] @ {repository}@{noted['vcs_info'].get('commit_id', 'HEAD')}"]
    if url.scheme != "file":
        return [f"{NAME}[{extra}] @ {noted['url']}"]
    path = Path(url2pathname(url.path))
    if "archive_info" in noted:
        return [f"{path}[{extra}]"] if path.is_file() else []
    if not (path / "pyproject.toml").is_file():
        return []
    editable = ["-e"] if noted.get("dir_info", {}).get("editable") else []
    return [*editable, f"{path}[{extra}]"]


def _packages(found: Distribution, extras: set[str]) -> list[str]:
    """The packages of extras themselves, from the metadata of the installed smilecam."""
    packages: list[str] = []
    for line in found.requires or []:
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        if not any(f"extra == {quote}{extra}{quote}" in marker for extra in extras for quote in "'\""):
            continue
        name, bracket, rest = requirement.partition("[")
        if name.strip() == NAME and bracket:
            packages += _packages(found, {part.strip() for part in rest.partition("]")[0].split(",")})
        else:
            packages.append(requirement)
    return list(dict.fromkeys(packages))
