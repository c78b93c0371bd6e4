"""Write the bill of materials of the image's Python packages, as CycloneDX in JSON.

    nox -s sbom                    # into dist/sbom.json

The packages of packaging/requirements-web.lock and smilecam itself are installed into an environment of their own and
listed with versions and licences by `cyclonedx-py`. The image's libraries of the system are in its file
/usr/share/smilecam/os-packages.txt.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "packaging/requirements-web.lock"


def install(environment: Path) -> Path:
    """Install what the image holds; returns the environment's Python."""
    venv.create(environment, with_pip=False, symlinks=sys.platform != "win32")
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)], check=True)
    subprocess.run([*pip, "--no-deps", str(ROOT)], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist/sbom.json")
    output = parser.parse_args().output.resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder))
        subprocess.run([sys.executable, "-m", "cyclonedx_py", "environment", str(python), "--pyproject",
                        str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-reproducible",
                        "--of", "JSON", "--sv", "1.6", "--output-file", str(output)], check=True)  # fmt: skip
    components = json.loads(output.read_text("utf-8"))["components"]
    unlicensed = sorted(component["name"] for component in components if not component.get("licenses"))
    print(f"{output.name}: {len(components)} packages, without a licence: {', '.join(unlicensed) or 'none'}")


if __name__ == "__main__":
    main()
