"""Write the bill of materials of the image, as CycloneDX in JSON.

    nox -s sbom                                        # Python packages, into dist/sbom.json
    nox -s sbom -- --system build/os-packages.txt      # and the system's, as packaging/check_image.py writes them

The packages of packaging/requirements-web.lock and smilecam itself are installed into an environment of their own and
listed with versions and licences by `cyclonedx-py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from urllib.parse import quote

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


def system_components(listed: Path) -> list[dict[str, str]]:
    """The Debian packages, and the Python, that the image's files come from: "name version" a line."""
    found = []
    for line in listed.read_text("utf-8").splitlines():
        name, version = line.split(" ")
        kind = "generic" if name == "python" else "deb/debian"
        url = f"pkg:{kind}/{quote(name, safe='')}@{quote(version, safe='')}"
        found.append({"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist/sbom.json")
    parser.add_argument("--system", type=Path, help="the image's file usr/share/smilecam/os-packages.txt")
    options = parser.parse_args()
    output = options.output.resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder))
        subprocess.run([sys.executable, "-m", "cyclonedx_py", "environment", str(python), "--pyproject",
                        str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-reproducible",
                        "--of", "JSON", "--sv", "1.6", "--output-file", str(output)], check=True)  # fmt: skip
    bill = json.loads(output.read_text("utf-8"))
    unlicensed = sorted(entry["name"] for entry in bill["components"] if not entry.get("licenses"))
    print(
        f"{output.name}: {len(bill['components'])} Python packages, no licence given: {', '.join(unlicensed) or 'none'}"
    )
    if options.system:
        added = system_components(options.system)
        bill["components"] += added
        output.write_text(json.dumps(bill, indent=2) + "\n", "utf-8")
        print(f"{output.name}: {len(added)} packages of the system")


if __name__ == "__main__":
    main()
