"""Write the help texts of all commands into docs/commands.md; a test holds them against the program.

python docs/update_help.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "commands.md"


def help_of(match: re.Match[str]) -> str:
    """The block of one command, with its help as it is now."""
    name = match.group(1)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", *name.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    return f"```text\n$ {name} --help\n{done.stdout}```"


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    PAGE.write_text(re.sub(r"```text\n\$ (smilecam.*?) --help\n.*?```", help_of, text, flags=re.DOTALL), "utf-8")
