"""Make packaging/requirements-*.lock anew: exact versions with the hashes of their files, by `uv pip compile`.

    nox -s lock                    # from pyproject.toml and constraints.txt
    python packaging/lock.py --check    # with uv at hand: exit code 1 where a lock is out of date

A lock holds for Linux, macOS and Windows and every Python that pyproject.toml allows. It is installed by
`pip install --require-hashes --only-binary :all: -r FILE`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

# Extras of `all` whose packages are not in the lock of the tests: PyTorch and Ray are gigabytes, for few of the tests.
LEFT_OUT = ("train", "ray")
# Lock -> groups of [dependency-groups] that it holds.
GROUPS = {
    "build": ("build",),
    "tools": ("release", "audit", "workflows"),
}


def extras(pyproject: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Lock -> the extras whose packages it holds."""
    (everything,) = pyproject["project"]["optional-dependencies"]["all"]
    named = re.findall(r"[\w-]+", everything.split("[")[1])
    return {"web": ("web",), "dev": tuple(name for name in named if name not in LEFT_OUT)}


def compile_lock(name: str, pyproject: dict[str, Any]) -> str:
    """The text of a lock."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
               "--no-annotate", "--no-header", "--constraints", "constraints.txt"]  # fmt: skip
    given = ""
    if name in GROUPS:
        command.append("-")
        given = "\n".join(entry for group in GROUPS[name] for entry in pyproject["dependency-groups"][group])
    else:
        command += ["pyproject.toml", *(f"--extra={extra}" for extra in extras(pyproject)[name])]
    done = subprocess.run(command, cwd=ROOT, input=given, stdout=subprocess.PIPE, check=True, text=True)
    return f"# Made by nox -s lock.\n{done.stdout}"


def main() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    stale = []
    for name in (*extras(pyproject), *GROUPS):
        path = ROOT / "packaging" / f"requirements-{name}.lock"
        text = compile_lock(name, pyproject)
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8")
    print(f"{'out of date' if '--check' in sys.argv else 'made anew'}: {', '.join(stale) or 'none'}")
    sys.exit(1 if stale and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
