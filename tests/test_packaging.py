"""What is installed is what was decided: locks, constraints, versions, workflows, names that the documents use."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("packaging", reason='needs the "dev" extra')
yaml = pytest.importorskip("yaml", reason='needs the "dev" extra')

from packaging.requirements import Requirement  # noqa: E402
from packaging.utils import canonicalize_name  # noqa: E402

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
LOCKS = sorted(ROOT.glob("packaging/requirements-*.lock"))
SYSTEMS = [{"sys_platform": name, "os_name": "nt" if name == "win32" else "posix", "platform_system": system}
           for name, system in (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))]  # fmt: skip
REMAKE = "make the locks anew: nox -s lock"


def module(name):
    """A program of packaging/, as a module."""
    specification = importlib.util.spec_from_file_location(name, ROOT / f"packaging/{name}.py")
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def entries(lock):
    """Package -> its requirement and hashes."""
    text = lock.read_text("utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line.split("--hash")[0].strip())
            hashes = re.findall(r"--hash=(\S+)", line)
            found[canonicalize_name(requirement.name)] = (requirement, hashes)
    return found


def pins():
    """Package -> version of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines[1:])}


def named(lock):
    """The requirements that a lock is made of; those of the package itself are resolved."""
    locking = module("lock")
    name = lock.stem.removeprefix("requirements-")
    if name in locking.GROUPS:
        wanted = [entry for group in locking.GROUPS[name] for entry in PYPROJECT["dependency-groups"][group]]
    else:
        extras = locking.extras(PYPROJECT)[name]
        wanted = PYPROJECT["project"]["dependencies"] + [entry for extra in extras for entry in EXTRAS[extra]]
    return [requirement for requirement in map(Requirement, wanted) if requirement.name != "smilecam"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_exact_versions_with_hashes_that_agree_with_the_constraints(lock):
    pinned = pins()
    for name, (requirement, hashes) in entries(lock).items():
        (exact,) = requirement.specifier
        assert exact.operator == "==", name
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), name
        assert pinned.get(name, exact.version) == exact.version, f"{name}: {REMAKE}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_what_pyproject_asks_for(lock):
    locked = entries(lock)
    for requirement in named(lock):
        assert canonicalize_name(requirement.name) in locked, f"{requirement.name}: {REMAKE}"
        (exact,) = locked[canonicalize_name(requirement.name)][0].specifier
        assert requirement.specifier.contains(exact.version), f"{requirement}, locked {exact}: {REMAKE}"


@pytest.mark.parametrize("name", ["web", "dev"])
def test_the_constraints_name_everything_locked_for_linux(name):
    pinned = pins()
    for package, (requirement, _) in entries(ROOT / f"packaging/requirements-{name}.lock").items():
        if requirement.marker is None or requirement.marker.evaluate(SYSTEMS[0]):
            assert package in pinned, f"{package} is missing in constraints.txt"


def test_every_lock_is_known():
    locking = module("lock")
    names = {lock.stem.removeprefix("requirements-") for lock in LOCKS}
    assert names == {*locking.GROUPS, *locking.extras(PYPROJECT)}


def test_the_constraints_satisfy_every_requirement():
    pinned = pins()
    wanted = PYPROJECT["project"]["dependencies"] + [entry for extra in EXTRAS.values() for entry in extra]
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        if name != "smilecam":
            assert requirement.specifier.contains(pinned[name]), requirement


def test_the_release_check_finds_one_version(capsys):
    checking = module("release_check")
    report = checking.Report()
    assert checking.check_versions(report, None) == PYPROJECT["project"]["version"]
    checking.check_networks(report)
    assert report.failures == 0, capsys.readouterr().out


@pytest.mark.parametrize("tag", ["v9.9.9", "0.1.0", "v0.1"])
def test_the_release_check_refuses_another_tag(tag):
    checking = module("release_check")
    report = checking.Report()
    checking.check_versions(report, tag)
    assert report.failures > 0


@pytest.mark.parametrize("name", ["smilecam/a.pyc", "smilecam/weights/yunet_n_640_640.onnx", "tests/conftest.py",
                                  "smilecam/data/faces.zip", "smilecam/face.jpg", "a/key.pem"])  # fmt: skip
def test_what_may_not_be_published_is_found(name):
    assert module("release_check").FORBIDDEN.search(name)


@pytest.mark.parametrize("name", ["weights/smilenet.onnx", "server/static/index.html", "server/static/icon.svg",
                                  "training/recipes/classic.toml"])  # fmt: skip
def test_what_belongs_to_the_package_may_be_published(name):
    assert not module("release_check").FORBIDDEN.search(f"smilecam/{name}")


def test_the_citation_has_the_required_parts():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert all(citation[key] for key in ("message", "title", "version", "license", "abstract"))
    assert citation["type"] == "software"
    assert all(author["name"] for author in citation["authors"])
    optional = {"date-released", "keywords", "repository-code", "url", "doi", "identifiers"}
    required = {"cff-version", "message", "title", "version", "license", "abstract", "type", "authors"}
    assert set(citation) <= required | optional


def workflows():
    return sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.name)
def test_actions_are_pinned_and_have_few_rights(path):
    text = path.read_text("utf-8")
    for used in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert set(job["permissions"].items()) <= {("contents", "read"), ("id-token", "write")}
        assert job["timeout-minutes"] <= 90


def test_the_tasks_that_workflows_and_documents_name_exist():
    tasks = set(re.findall(r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text("utf-8"), re.MULTILINE))
    texts = [*workflows(), ROOT / "CONTRIBUTING.md", ROOT / ".ci/run", *(ROOT / "packaging").glob("*.py"),
             *(ROOT / ".github").rglob("*.md")]  # fmt: skip
    found = {
        task
        for text in texts
        for line in re.findall(r"nox(?: --no-venv)? -s ((?:[a-z_]+[ ,]?)+)", text.read_text("utf-8"))
        for task in line.replace(",", " ").split()
    }
    assert {"lint", "types", "wheel", "release_check", "audit"} <= found
    assert found <= tasks


@pytest.mark.skipif(sys.platform == "win32", reason="the script that reads them is for bash")
def test_the_set_up_commands_of_the_readme_are_two():
    text = (ROOT / "README.md").read_text("utf-8")
    for heading in ("### See it work", "### Run the tests"):
        section = text.split(f"\n{heading}\n")[1]
        (command,) = re.search(r"```sh\n(.*?)\n```", section, re.DOTALL).group(1).splitlines()
        assert command.startswith("python3 -m venv --without-pip .venv && ")
