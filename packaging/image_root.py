"""The file system of the image: a Python, smilecam with what it needs, and the system libraries that these load.

    python3 packaging/image_root.py ROOT SITE

runs in the build stage of the image. SITE holds the installed packages (pip install --target); they and the standard
library of the Python that runs this are copied into ROOT without what only developers need, then every library that
`ldd` names. ROOT gets no shell, no package manager and no pip. The Debian packages that the copied files come from are
listed in ROOT/usr/share/smilecam/os-packages.txt, as "name version" a line.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PACKAGES = "opt/smilecam"
USER = 10001
CASCADES = ("haarcascade_frontalface_default.xml", "haarcascade_eye.xml")

# Modules of the standard library that a server never imports.
STANDARD_LIBRARY_LEFT_OUT = (
    "test", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "lib2to3", "pydoc_data", "venv",
    "site-packages", "dist-packages", "config-*", "lib-dynload/_test*", "lib-dynload/_tkinter*",
)  # fmt: skip
# Parts of packages that are for developers or for other languages. libonnxruntime is for programs in C: the Python
# module has the whole runtime in itself.
PACKAGES_LEFT_OUT = (
    "bin", "numpy/f2py", "numpy/distutils", "numpy/**/tests", "numpy/**/*.a", "onnxruntime/transformers",
    "onnxruntime/tools", "onnxruntime/quantization", "onnxruntime/datasets", "onnxruntime/backend",
    "onnxruntime/capi/libonnxruntime.so.*", "**/*.pyi", "**/*.pxd", "**/__pycache__",
)  # fmt: skip
FILES_OF_THE_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/UTC")


def copy_python(root: Path) -> None:
    """The interpreter under its own path, its standard library, and /usr/bin/python3 as a link to it."""
    interpreter = Path(sys.executable).resolve()
    _copy(interpreter, root)
    link = root / "usr/bin/python3"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(interpreter)
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, root / library.relative_to("/"), symlinks=True, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    _remove(root / library.relative_to("/"), STANDARD_LIBRARY_LEFT_OUT)


def copy_packages(site: Path, root: Path) -> None:
    """The installed packages, with the two cascades that smilecam loads and without symbols in PyAV's modules."""
    target = root / PACKAGES
    shutil.copytree(site, target, symlinks=True)
    _remove(target, PACKAGES_LEFT_OUT)
    for cascade in (target / "cv2/data").glob("*.xml"):
        if cascade.name not in CASCADES:
            cascade.unlink()
    # Only these: wheels' bundled libraries have been patched and do not survive `strip`.
    subprocess.run(["strip", "--strip-unneeded", *(target / "av").rglob("*.so")], check=True)


def copy_libraries(root: Path) -> set[Path]:
    """Every system library that a program or library in `root` loads; returns their paths."""
    found: set[Path] = set()
    binaries = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and _is_elf(path)]
    for binary in binaries:
        listed = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
        if "not found" in listed:
            sys.exit(f"{binary}: {listed}")
        found.update(Path(name) for name in re.findall(r"(/\S+) \(0x", listed) if not Path(name).is_relative_to(root))
    for library in sorted(found):
        _copy(library, root)
    return found


def write_system_files(root: Path) -> None:
    """Certificates, one user without a home or shell, and a place for temporary files."""
    for name in FILES_OF_THE_SYSTEM:
        if Path(name).exists():
            _copy(Path(name), root)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(f"smilecam:x:{USER}:{USER}:smilecam:/tmp:/nonexistent\n", "utf-8")
    (root / "etc/group").write_text(f"smilecam:x:{USER}:\n", "utf-8")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


def write_os_packages(root: Path, files: set[Path]) -> None:
    """Which Debian packages the files come from, for the bill of materials."""
    names = {str(Path(sys.executable).resolve()), *FILES_OF_THE_SYSTEM}
    for file in files:
        # dpkg may know a file of /usr/lib as /lib, or the other way round.
        names |= {str(file), str(file.resolve()), str(file).removeprefix("/usr"), "/usr" + str(file)}
    owners = subprocess.run(["dpkg-query", "--search", *sorted(names)], capture_output=True, text=True).stdout
    packages = sorted({line.split(": ")[0] for line in owners.splitlines() if not line.startswith("diversion")})
    shown = subprocess.run(["dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *packages],
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    listed = root / "usr/share/smilecam/os-packages.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"python {sys.version.split()[0]}\n{shown}", "utf-8")


def _copy(path: Path, root: Path) -> None:
    """Copy what `path` leads to, under the name `path` with its folder's links resolved as the system has them."""
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy2(path.resolve(), target)


def _remove(folder: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for path in list(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def main() -> None:
    root, site = (Path(argument).resolve() for argument in sys.argv[1:3])
    copy_python(root)
    copy_packages(site, root)
    libraries = copy_libraries(root)
    write_system_files(root)
    write_os_packages(root, libraries)


if __name__ == "__main__":
    main()
