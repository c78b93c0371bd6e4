"""The tasks of the project: `nox --list` shows them, `nox -s NAME` runs one in an environment of its own.

In an environment that has everything already, such as the README's `.venv`: `.venv/bin/nox --no-venv -s NAME`.
What follows `--` is passed on, as in `nox -s tests -- tests/tracking -x`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "fast"]
nox.options.error_on_missing_interpreters = True

PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGING = Path("packaging")
DIST = Path("dist")

# Rooms whose tests start no server, browser, cluster or training, and take a minute together.
FAST_TESTS = ("tests/classification", "tests/detection", "tests/tracking", "tests/sinks", "tests/test_architecture.py",
              "tests/test_drawing.py", "tests/test_packaging.py", "tests/test_properties.py",
              "tests/test_public_api.py", "tests/test_words.py")  # fmt: skip


def install(session: nox.Session, *packages: str) -> None:
    """Install in the versions of constraints.txt; with --no-venv everything is expected to be there."""
    if session.virtualenv.is_sandboxed:
        session.install("-c", "constraints.txt", *packages)


def install_group(session: nox.Session, group: str) -> None:
    """Install a group of `[dependency-groups]`, without the package itself."""
    install(session, *nox.project.dependency_groups(PROJECT, group))


def install_lock(session: nox.Session, name: str) -> None:
    """Install exactly the files whose hashes a lock lists."""
    if session.virtualenv.is_sandboxed:
        session.install(
            "--require-hashes", "--only-binary", ":all:", "-r", str(PACKAGING / f"requirements-{name}.lock")
        )


def run_python(session: nox.Session, *arguments: str) -> None:
    """Run the environment's Python; with --no-venv the one that nox itself runs on."""
    session.run("python" if session.virtualenv.is_sandboxed else sys.executable, *arguments)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and common mistakes, by ruff; changes nothing."""
    install_group(session, "lint")
    run_python(session, "-m", "ruff", "check", ".")
    run_python(session, "-m", "ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, by mypy in its strict mode."""
    install(session, "-e", ".[all]")
    run_python(session, "-m", "mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite. Real data: SMILECAM_TEST_DATA names its folder; without it those tests are skipped."""
    install(session, "-e", ".[all]")
    run_python(session, "-m", "pytest", "-q", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """The tests of the rooms that need neither server nor browser: a minute."""
    install(session, "-e", ".[all]")
    run_python(session, "-m", "pytest", "-q", *(session.posargs or FAST_TESTS))


@nox.session
def coverage(session: nox.Session) -> None:
    """The whole suite with the share of code that it runs; fails below the floor of pyproject.toml."""
    install(session, "-e", ".[all]")
    run_python(session, "-m", "pytest", "-q", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def locked_tests(session: nox.Session) -> None:
    """The suite with the locked packages, as the workflows run it: no training, no Ray, no private data."""
    install_lock(session, "build")
    install_lock(session, "dev")
    if session.virtualenv.is_sandboxed:
        session.install("--no-deps", "--no-build-isolation", "-e", ".")
    run_python(session, "-m", "pytest", "-q", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """What takes an hour: fuzzing, 5,000 damaged files, signals at random moments, long runs (docs/reliability.md)."""
    install(session, "-e", ".[all]")
    session.run("python", "benchmarks/fuzz.py", "--seconds", "60")
    session.run("python", "benchmarks/mutations.py", "--tries", "5000")
    session.run("python", "benchmarks/faults.py", "--tries", "200")
    for part in ("frames", "online", "sessions", "reconnects", "abandoned"):
        session.run("python", "benchmarks/soak.py", part)


@nox.session
def demo(session: nox.Session) -> None:
    """The demonstration of the README; its last line is `demo correct`."""
    install(session, ".[demo]")
    run_python(session, "-m", "smilecam", "demo", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The docs site, into build/docs; a warning is an error."""
    install(session, "-e", ".[all]")
    run_python(session, "-m", "sphinx", "-W", "--keep-going", "docs", "build/docs", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """The page without a server, by npm, into site/dist; with YuNet where `smilecam models fetch yunet` put it."""
    install(session, ".[web]")
    with session.chdir("site"):
        session.run("npm", "ci", external=True)
        session.run("npm", "test", external=True)
        python = str(Path(session.bin, "python")) if session.virtualenv.is_sandboxed else sys.executable
        session.run("npm", "run", "build", external=True, env={"PYTHON": python})


@nox.session
def wheel(session: nox.Session) -> None:
    """Wheel and source archive, into dist/, by the build backend of packaging/requirements-build.lock."""
    install_lock(session, "build")
    install_lock(session, "tools")
    shutil.rmtree(DIST, ignore_errors=True)
    run_python(session, "-m", "build", "--no-isolation", "--outdir", str(DIST), ".")


@nox.session
def release_check(session: nox.Session) -> None:
    """Everything that must be true of dist/ before a release. `-- --tag v0.1.0` also holds it against the tag."""
    install_lock(session, "build")
    install_lock(session, "tools")
    run_python(session, str(PACKAGING / "release_check.py"), *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """The workflows: their form by schema, and what an attacker could use by zizmor; without the network."""
    install_lock(session, "tools")
    files = sorted(str(path) for path in Path(".github/workflows").glob("*.yml"))
    run_python(session, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    session.run("zizmor", "--offline", ".github")


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the locked packages; needs the network, and fails where it cannot ask for one."""
    install_lock(session, "tools")
    for name in ("web", "dev", "tools"):
        lock = str(PACKAGING / f"requirements-{name}.lock")
        run_python(session, "-m", "pip_audit", "--strict", "--disable-pip", "--requirement", lock, *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Make packaging/*.lock anew from pyproject.toml and constraints.txt; needs the network."""
    session.install("uv>=0.9,<1")
    run_python(session, str(PACKAGING / "lock.py"), *session.posargs)


@nox.session
def sbom(session: nox.Session) -> None:
    """The bill of materials of the image, into dist/sbom.json (CycloneDX)."""
    install_lock(session, "tools")
    run_python(session, str(PACKAGING / "sbom.py"), *session.posargs)


@nox.session(venv_backend="none")
def image(session: nox.Session) -> None:
    """The image, by docker, podman or buildah; then its size, user and a run of it are checked."""
    run_python(session, str(PACKAGING / "check_image.py"), *session.posargs)
