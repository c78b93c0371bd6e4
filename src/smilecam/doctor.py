"""What ``smilecam doctor`` looks at: whether everything that a run needs is here and works."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from smilecam.errors import ModelFileError, SmilecamError
from smilecam.installation import package_command

PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "av", "click")
OPTIONAL = {
    "web": ("starlette", "uvicorn", "websockets"),
    "train": ("torch", "onnx"),
    "report": ("matplotlib",),
    "scan": ("pyarrow", "fsspec"),
    "ray": ("pyarrow", "fsspec", "ray"),
    "heif": ("pillow-heif",),
    "mqtt": ("paho-mqtt",),
}
"""Extra -> packages that it brings."""

DRAWN_FACE = "synthetic:face:320x240@15?seconds=4&smile=alternate"


class State(Enum):
    """What a check found."""

    GOOD = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        name: what was looked at.
        state: how it is.
        text: for the user, with paths.
        advice: what to do about it; empty where nothing is to do.
        facts: for a bug report: no path, and no name of the user or of a device.
    """

    name: str
    state: State
    text: str
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding for a bug report."""
        return {"name": self.name, "state": self.state.value, **self.facts}


def examine() -> Iterator[Finding]:
    """All findings, one after another; a check that fails in an unforeseen way is a problem by itself."""
    for name, check in CHECKS.items():
        try:
            yield check()
        except Exception as error:  # noqa: BLE001 - a diagnosis goes on, whatever is broken
            kind = type(error).__name__
            yield Finding(name, State.PROBLEM, f"{kind}: {error}", "install smilecam again", {"error": kind})


def _versions() -> Finding:
    from smilecam.provenance import versions

    found = versions(*PACKAGES)
    missing = [package for package in PACKAGES if package not in found]
    extras = [extra for extra, packages in OPTIONAL.items() if set(packages) <= set(versions(*packages))]
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    facts = {
        "versions": found,
        "extras": extras,
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    if missing:
        return Finding("versions", State.PROBLEM, f"missing: {', '.join(missing)}", "install smilecam again", facts)
    return Finding("versions", State.GOOD, f"{text}; extras: {', '.join(extras) or 'none'}", facts=facts)


def _codecs() -> Finding:
    from smilecam.sinks.encoder import missing_encoders
    from smilecam.sources.container import missing_decoders

    missing = sorted({*missing_encoders(), *missing_decoders()})
    facts = {"missing": missing}
    if missing:
        advice = package_command("--force-reinstall", "av")
        return Finding("codecs", State.PROBLEM, f"missing: {', '.join(missing)}", advice, facts)
    return Finding("codecs", State.GOOD, "all that are used are here", facts=facts)


def _models() -> Finding:
    from smilecam.classification.classifier import SmileClassifier, model_names, model_path

    hashes, broken = {}, []
    for name in model_names():
        hashes[name] = hashlib.sha256(model_path(name).read_bytes()).hexdigest()
        try:
            SmileClassifier(name)
        except ModelFileError:
            broken.append(name)
    facts = {"sha256": hashes, "broken": broken}
    if broken or not hashes:
        return Finding(
            "models", State.PROBLEM, f"broken: {', '.join(broken) or 'all'}", "install smilecam again", facts
        )
    text = ", ".join(f"{name} {digest[:12]}" for name, digest in hashes.items())
    return Finding("models", State.GOOD, text, facts=facts)


def _detectors() -> Finding:
    from smilecam.detection.registry import DETECTORS, resolve_detector

    states = {spec.name: spec.is_available() for spec in DETECTORS.values()}
    damaged = [spec for spec in DETECTORS.values() if spec.file and spec.file.damage()]
    chosen = resolve_detector()
    facts = {"available": states, "damaged": [spec.name for spec in damaged], "auto": chosen.spec.name}
    text = "; ".join(f"{spec.name}: {spec.state()}" for spec in DETECTORS.values())
    if damaged and damaged[0].file:
        return Finding("face detectors", State.PROBLEM, text, damaged[0].file.fetch_command, facts)
    state = State.NOTE if chosen.fallback else State.GOOD
    return Finding("face detectors", state, text, chosen.fallback, facts)


def _providers() -> Finding:
    from smilecam.onnx_runtime import providers

    found = providers()
    text = f"the CPU is used; this ONNX Runtime also has {', '.join(found[:-1]) or 'no other provider'}"
    return Finding("processors", State.GOOD, text, facts={"providers": found})


def _cameras() -> Finding:
    from smilecam.sources.camera import list_cameras

    found = list_cameras()
    sizes = [f"{camera.width}x{camera.height}" for camera in found]
    facts = {"cameras": sizes}
    if not found:
        advice = "if there is one: close other programs that use it, and allow this terminal to use cameras"
        return Finding("cameras", State.NOTE, "none opens", advice, facts)
    text = ", ".join(f"{camera.index} ({size})" for camera, size in zip(found, sizes, strict=True))
    return Finding("cameras", State.GOOD, text, facts=facts)


def _folders() -> Finding:
    from smilecam.storage import data_folder

    places = {"data": data_folder(), "temporary": _temporary_folder(), "current": Path.cwd()}
    closed = [name for name, place in places.items() if place is None or not _is_writable(place)]
    text = ", ".join(f"{name} {place or 'none'}" for name, place in places.items())
    facts = {"not_writable": closed}
    if closed:
        advice = (
            f"the {' and the '.join(closed)} folder cannot be written: change its owner, or SMILECAM_DATA or TMPDIR"
        )
        return Finding("folders", State.PROBLEM if "temporary" in closed else State.NOTE, text, advice, facts)
    return Finding("folders", State.GOOD, text, facts=facts)


def _temporary_folder() -> Path | None:
    """Where temporary files are made; None where there is no such place."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself can be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def _whole_pass() -> Finding:
    """A drawn face, detected, classified, decided, drawn, encoded and decoded again."""
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.pipeline.run_sources import RunReport, run_sources
    from smilecam.sinks.annotated import AnnotatedOutput
    from smilecam.sinks.jsonl import JsonLines
    from smilecam.sources.pyav import open_file
    from smilecam.sources.resolve import find_sources

    if _temporary_folder() is None:
        return Finding("whole pass", State.PROBLEM, "needs a folder for temporary files", "see above")
    refs, report = find_sources(DRAWN_FACE), RunReport()
    with tempfile.TemporaryDirectory(prefix="smilecam-") as folder:
        video, lines = Path(folder) / "out.mp4", Path(folder) / "out.jsonl"
        try:
            with SmileDetector() as detector:
                run_sources(refs, detector, [JsonLines(str(lines)), AnnotatedOutput({refs[0]: video})], report)
            with open_file(refs[0], video) as written:
                frames = sum(1 for _ in written)
        except SmilecamError as error:
            return Finding("whole pass", State.PROBLEM, str(error), "see above", {"error": type(error).__name__})
        smiles = lines.read_text("utf-8").count('"event": "smile_start"')
    facts = {"frames": frames, "smiles": smiles}
    if frames != 60 or smiles == 0:
        return Finding("whole pass", State.PROBLEM, f"{frames} of 60 frames, {smiles} smiles", "report this", facts)
    return Finding("whole pass", State.GOOD, f"{frames} frames of a drawn face, {smiles} smiles", facts=facts)


CHECKS: dict[str, Callable[[], Finding]] = {
    "versions": _versions,
    "codecs": _codecs,
    "models": _models,
    "face detectors": _detectors,
    "processors": _providers,
    "cameras": _cameras,
    "folders": _folders,
    "whole pass": _whole_pass,
}
"""In the order in which they run: a later one may need what an earlier one looks at."""
