"""Build the image of packaging/Dockerfile, and check what is promised of it.

    python packaging/check_image.py                       # docker, else podman
    python packaging/check_image.py --engine buildah      # no daemon, no registry: needs root and mmdebstrap

Checked: at most 400 MB, not root, no shell; with a root file system that cannot be written and only /tmp in memory,
`detect` finds the smile of the README's picture without a network, and `watch` gets ready, asks for its token and ends
at SIGINT. With buildah the base is made of Debian's packages, and the image is run by `unshare` and `chroot`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGE = "localhost/smilecam"
BASE = "localhost/debian-python"
DEBIAN = "trixie"
SIZE_LIMIT = 400_000_000
PICTURE = ROOT / "docs/images/smilecam.jpg"
USER = 10001


class Docker:
    """docker or podman: the image is built on the base that the Dockerfile names, and run as its first lines say."""

    def __init__(self, program: str) -> None:
        self.program = program

    def build(self) -> None:
        """Build the image."""
        # The health check is part of Docker's image format only.
        form = ["--format", "docker"] if self.program == "podman" else []
        run(self.program, "build", *form, "-f", "packaging/Dockerfile", "-t", IMAGE, ".")

    def inspect(self) -> tuple[int, str]:
        """Size in bytes without compression, and user."""
        (facts,) = json.loads(output(self.program, "image", "inspect", IMAGE))
        return facts["Size"], facts["Config"]["User"]

    @contextlib.contextmanager
    def root(self) -> Iterator[Path]:
        """A copy of the image's files."""
        container = output(self.program, "create", IMAGE).strip()
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            run(self.program, "export", "--output", str(archive), container)
            run("tar", "-xf", str(archive), "-C", folder)
            run(self.program, "rm", container)
            yield Path(folder)

    def command(self, arguments: list[str], port: int | None = None) -> list[str]:
        """A run of Python in the image: without a network, or with a port on loopback."""
        network = ["--network", "none"] if port is None else ["-p", f"127.0.0.1:{port}:{port}"]
        return [self.program, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",  # noqa: S108
                "--security-opt", "no-new-privileges", *network, "-e", "SMILECAM_TOKEN",
                "-v", f"{PICTURE.parent}:/work:ro", "--entrypoint", "python3", IMAGE, *arguments]  # fmt: skip


class Buildah:
    """buildah with chroot isolation, on a base of Debian's packages."""

    ISOLATED = ("--isolation", "chroot")

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.program = ("buildah", "--root", str(storage / "storage"), "--runroot", str(storage / "run"),
                        "--storage-driver", "vfs")  # fmt: skip
        self.mounted: Path | None = None

    def build(self) -> None:
        """Build the base where it is not there, and the image."""
        self._build_base()
        certificates = os.environ.get("PIP_CERT")
        proxy = ["--build-arg", "PIP_CERT=/run/ca.crt", "--volume", f"{certificates}:/run/ca.crt:ro"]
        run(*self.program, "bud", *self.ISOLATED, "--format", "docker", "-f", "packaging/Dockerfile",
            "--build-arg", f"BASE={BASE}", *(proxy if certificates else []), "-t", IMAGE, ".")  # fmt: skip

    def _build_base(self) -> None:
        if BASE in output(*self.program, "images", "--format", "{{.Name}}").split():
            return
        context = self.storage / "base"
        context.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", "--variant=minbase", "--include=ca-certificates,python3,python3-pip,binutils",
            DEBIAN, str(context / "base.tar"))  # fmt: skip
        (context / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n", "utf-8")
        run(*self.program, "bud", *self.ISOLATED, "-t", BASE, str(context))

    def inspect(self) -> tuple[int, str]:
        """Size in bytes without compression, and user."""
        facts = json.loads(output(*self.program, "inspect", "--type", "image", IMAGE))
        with self.root() as root:
            size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())
        return size, facts["OCIv1"]["config"]["User"]

    @contextlib.contextmanager
    def root(self) -> Iterator[Path]:
        """The image's files themselves."""
        container = output(*self.program, "from", IMAGE).strip()
        try:
            self.mounted = Path(output(*self.program, "mount", container).strip())
            yield self.mounted
        finally:
            run(*self.program, "rm", container)

    def command(self, arguments: list[str], port: int | None = None) -> list[str]:
        """In a mount namespace of its own the root is made read-only; everything there ends with the process."""
        script = (
            'set -e; root=$1; picture=$2; user=$3; shift 3; mount --bind "$root" "$root"; '
            'mkdir -p "$root/work" "$root/dev" "$root/proc"; mount --bind "$picture" "$root/work"; '
            'mount --rbind /dev "$root/dev"; mount -t proc proc "$root/proc"; mount -t tmpfs tmpfs "$root/tmp"; '
            'mount -o remount,ro,bind "$root"; '
            'exec chroot --userspec="$user" "$root" "$@"'
        )
        network = ["--net"] if port is None else []
        return ["unshare", "--mount", *network, "env", "-i", "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
                f"SMILECAM_TOKEN={os.environ['SMILECAM_TOKEN']}", "PYTHONPATH=/opt/smilecam", "HOME=/tmp",
                "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "sh", "-c", script, "-",
                str(self.mounted), str(PICTURE.parent), f"{USER}:{USER}", "/usr/bin/python3", *arguments]  # fmt: skip


def run(*command: str) -> None:
    """Run a program, with its output on standard error."""
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr)


def output(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout


def check(met: bool, text: str) -> None:
    """Print what was found; end with exit code 1 where it is not as promised."""
    print(f"{'ok' if met else 'FAILED'}: {text}", flush=True)
    if not met:
        sys.exit(1)


def check_image(engine: Docker | Buildah, packages: Path) -> None:
    """Check the image that was built, and write down which packages of the system it holds."""
    size, user = engine.inspect()
    check(size <= SIZE_LIMIT, f"{size / 1e6:.0f} MB, at most {SIZE_LIMIT / 1e6:.0f}")
    check(user.split(":")[0] == str(USER), f"its user is {user}")
    with engine.root() as root:
        shells = [path for name in ("bin", "usr/bin", "sbin", "usr/sbin") for path in (root / name).glob("*sh")]
        check(not shells, "no shell")
        packages.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / "usr/share/smilecam/os-packages.txt", packages)
        writable = "import os; print(os.getuid(), os.access('/', os.W_OK), os.access('/tmp', os.W_OK))"
        seen = output(*engine.command(["-c", writable])).split()
        check(seen == [str(USER), "False", "True"], f"user {seen[0]}, can write / {seen[1]}, /tmp {seen[2]}")
        found = output(*engine.command(["-m", "smilecam", "detect", f"/work/{PICTURE.name}"])).strip()
        check("2 faces: smile" in found and "no smile" in found, f"without a network: {found}")
        check_server(engine)


def check_server(engine: Docker | Buildah) -> None:
    """The page gets ready, is closed to those without the token, and ends at SIGINT."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = "127.0.0.1" if isinstance(engine, Buildah) else "0.0.0.0"  # noqa: S104
    arguments = ["-m", "smilecam", "watch", "--no-browser", "--host", address, "--port", str(port), "synthetic:face"]
    with subprocess.Popen(engine.command(arguments, port), stdout=subprocess.DEVNULL) as process:
        try:
            began = time.monotonic()
            while (status := answer(f"http://127.0.0.1:{port}/readyz")) != 200 and time.monotonic() < began + 60:
                time.sleep(0.2)
            check(status == 200, f"ready after {time.monotonic() - began:.1f} s")
            status = answer(f"http://127.0.0.1:{port}/api/status")
            check(status == 401, f"without the token: {status}")
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
    check(code == 130, f"ends at SIGINT with exit code {code}")


def answer(url: str) -> int:
    """The status of an answer; 0 without one."""
    try:
        with urllib.request.urlopen(url, timeout=4) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = next((name for name in ("docker", "podman", "buildah") if shutil.which(name)), "docker")
    parser.add_argument("--engine", choices=["docker", "podman", "buildah"], default=here)
    parser.add_argument("--storage", type=Path, default=ROOT / "build/image", help="with buildah: folder for layers")
    parser.add_argument("--packages", type=Path, default=ROOT / "build/os-packages.txt", help="for packaging/sbom.py")
    options = parser.parse_args()
    os.environ["SMILECAM_TOKEN"] = os.urandom(16).hex()
    engine = Buildah(options.storage.resolve()) if options.engine == "buildah" else Docker(options.engine)
    engine.build()
    check_image(engine, options.packages)


if __name__ == "__main__":
    main()
