"""Check dist/ before a release: nox -s wheel release_check.

    python packaging/release_check.py [--dist dist] [--tag v0.1.0]

One version in the package, CHANGELOG.md and CITATION.cff; the wheel holds every file of src/smilecam as it is, and
nothing else; no file that may not be published; at most 10 MB; networks as in the model card; licence; a README that
renders; a source archive that builds the same wheel. With --tag the version is the tag's, and it has a date.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIZE_LIMIT = 10_000_000
FORBIDDEN = re.compile(
    r"\.(pyc|pyo|pt|pth|pkl|pickle|h5|npz|npy|jpe?g|png|gif|mp4|avi|mov|mkv|zip|csv|jsonl|pem|key)$"
    r"|(^|/)(tests|\.env|\.git|yunet[^/]*\.onnx|haarcascade[^/]*)(/|$)"
)
CHANGES_HEADING = re.compile(r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)$", re.MULTILINE)


class Report:
    """What was found; the checks go on after a failure."""

    def __init__(self) -> None:
        self.failures = 0

    def check(self, met: bool, text: str, found: object = "") -> None:
        """Print a line; `found` is shown where the check fails."""
        self.failures += not met
        print(f"{'ok' if met else 'FAILED'}: {text}" + (f": {found}" if not met else ""), flush=True)


def read(path: str) -> str:
    """A text of the repository."""
    return (ROOT / path).read_text("utf-8")


def check_versions(report: Report, tag: str | None) -> str:
    """The package, the changes and the citation name one version; a release has one date, too."""
    version = str(tomllib.loads(read("pyproject.toml"))["project"]["version"])
    (imported,) = re.findall(r'^__version__ = "(.+)"$', read("src/smilecam/__init__.py"), re.MULTILINE)
    report.check(imported == version, f"version {version} in pyproject.toml and smilecam.__version__", imported)
    releases = CHANGES_HEADING.findall(read("CHANGELOG.md"))
    headings = re.findall(r"^## .*$", read("CHANGELOG.md"), re.MULTILINE)
    report.check(len(releases) == len(headings), "headings of CHANGELOG.md: ## VERSION (DATE or unreleased)", headings)
    numbers = [tuple(int(part) for part in name.split(".")) for name, _ in releases]
    report.check(numbers == sorted(set(numbers), reverse=True), "releases from new to old", releases)
    report.check(all(date != "unreleased" for _, date in releases[1:]), "older releases have dates", releases)
    report.check(releases[0][0] == version, f"CHANGELOG.md begins with {version}", releases[0])
    cited = dict(re.findall(r'^(version|date-released): "?([^"\n]+)"?$', read("CITATION.cff"), re.MULTILINE))
    report.check(cited.get("version") == version, f"CITATION.cff names {version}", cited)
    dated = releases[0][1]
    report.check(cited.get("date-released", "unreleased") == dated, f"CITATION.cff is as {dated} as the changes", cited)
    if tag is not None:
        report.check(tag == f"v{version}", f"the tag is v{version}", tag)
        report.check(dated != "unreleased", "the release has a date")
    return version


def check_wheel(report: Report, wheel: Path, version: str) -> None:
    """The wheel holds the package as it is in src/, its licence, and nothing else."""
    size = wheel.stat().st_size
    report.check(size <= SIZE_LIMIT, f"{wheel.name}: {size / 1e6:.1f} MB, at most {SIZE_LIMIT / 1e6:.0f}")
    information = f"smilecam-{version}.dist-info/"
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    tracked = tracked_files("src/smilecam")
    source = {name.removeprefix("src/"): (ROOT / name).read_bytes() for name in tracked}
    package = {name: content for name, content in held.items() if not name.startswith(information)}
    report.check(set(package) <= set(source), "only files of src/smilecam", sorted(set(package) - set(source)))
    report.check(set(source) <= set(package), "all files of src/smilecam", sorted(set(source) - set(package)))
    differing = [name for name in set(package) & set(source) if package[name] != source[name]]
    report.check(not differing, "each as it is there", differing)
    licence = held.get(f"{information}licenses/LICENSE", b"")
    report.check(licence == (ROOT / "LICENSE").read_bytes(), "the licence is in the wheel")
    check_names(report, wheel, held)


def check_names(report: Report, archive: Path, names: Iterable[str]) -> None:
    """Nothing that may not be published."""
    forbidden = [name for name in names if FORBIDDEN.search(name)]
    report.check(not forbidden, f"{archive.name}: no data, pictures, caches or keys", forbidden)


def check_networks(report: Report) -> None:
    """The model card gives the SHA-256 of each network that is shipped."""
    card = read("docs/model-card.md")
    for path in sorted((ROOT / "src/smilecam").rglob("*.onnx")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        report.check(f"`{digest}`" in card, f"{path.name} is that of the model card", digest)


def check_source(report: Report, source: Path, wheel: Path) -> None:
    """The source archive holds what a builder needs, and builds the same wheel."""
    with tarfile.open(source) as archive, tempfile.TemporaryDirectory() as folder:
        names = archive.getnames()
        check_names(report, source, names)
        top = names[0].split("/")[0]
        needed = [f"{top}/{name}" for name in ("LICENSE", "README.md", "pyproject.toml")]
        report.check(set(needed) <= set(names), f"{source.name}: licence, README and project file", needed)
        archive.extractall(folder, filter="data")
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, f"{folder}/{top}"]
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode:
            report.check(False, f"{source.name} builds", built.stdout + built.stderr)
            return
        (again,) = Path(folder).glob("*.whl")
        report.check(contents(again) == contents(wheel), f"{source.name} builds the same wheel")


def contents(wheel: Path) -> dict[str, str]:
    """Name -> SHA-256 of each file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def tracked_files(folder: str) -> list[str]:
    """The files of a folder that git knows."""
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return listed.stdout.splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--tag", help="the tag of the release, such as v0.1.0")
    options = parser.parse_args()
    report = Report()
    version = check_versions(report, options.tag)
    check_networks(report)
    wheels, sources = sorted(options.dist.glob("*.whl")), sorted(options.dist.glob("*.tar.gz"))
    names = [path.name for path in (*wheels, *sources)]
    expected = [f"smilecam-{version}-py3-none-any.whl", f"smilecam-{version}.tar.gz"]
    report.check(names == expected, f"dist/ holds {expected[0]} and {expected[1]}", names)
    if names == expected:
        check_wheel(report, wheels[0], version)
        check_source(report, sources[0], wheels[0])
        twine = [sys.executable, "-m", "twine", "check", "--strict", str(wheels[0]), str(sources[0])]
        rendered = subprocess.run(twine, capture_output=True, text=True)
        report.check(rendered.returncode == 0, "the README renders", rendered.stdout + rendered.stderr)
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
