"""Tables of the results of benchmarks/video.py and benchmarks/flicker.py, and of their targets.

Used by those scripts and by docs/update_figures.py; standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from targets import Row, load

Figures = dict[str, Any]

NAMES = {
    "decode_only": "decoding only",
    "opencv_decode": "decoding only, OpenCV",
    "tutorial_keras": "tutorial loop, Keras",
    "tutorial_onnx": "tutorial loop, ONNX Runtime",
    "fer": "`fer` package",
    "smile_cascade": "OpenCV's `haarcascade_smile`",
}

MODES = {"film": "recorded video", "live": "live stream"}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def variant(name: str) -> str:
    """Label of a configuration."""
    return NAMES.get(name, ", ".join(f"`{part}`" for part in name.split("_")))


def film_table(found: Figures) -> str:
    """Throughput on recorded video: every clip and configuration."""
    rows = [
        [
            clip,
            variant(name),
            f"{row['frames_per_second']:.1f}",
            f"{row['of_decode_only']:.3f}",
            f"{row['times_tutorial']:.1f}",
            f"{row['cpu_seconds_per_video_second']:.3f}",
            _or_dash(row.get("cpu_of_decode_only"), "{:.2f}"),
            _or_dash(row["peak_rss_mb"], "{:.0f}"),
        ]
        for clip, variants in found["clips"].items()
        for name, row in variants.items()
    ]
    header = [
        "clip",
        "configuration",
        "frames/s",
        "relative to decoding only",
        "speedup over tutorial",
        "CPU s per video s",
        "CPU relative to decoding only",
        "peak memory, MB",
    ]
    return markdown(header, rows) if rows else ""


def live_table(found: Figures) -> str:
    """Latency and drops on live streams: every clip and configuration."""
    rows = []
    for clip, variants in found["live"].items():
        for name, row in variants.items():
            pressed = row["overloaded"]
            cells = [_latency(row), f"{row['dropped']} of {row['frames']}", f"{row['core_share']:.1%}"]
            of_pressed = [f"{pressed['dropped']} of {pressed['frames']}", _latency(pressed)]
            rows.append([clip, variant(name), *cells, *of_pressed])
    header = ["clip", "configuration", "latency p50 / p95 / p99, ms", "dropped", "CPU, of one core"]
    return markdown([*header, "dropped at 8x", "latency at 8x p50 / p95 / p99, ms"], rows) if rows else ""


def rest_table(found: Figures) -> str:
    """Many streams, memory, startup."""
    rows = []
    for clip, detectors in found["many"].items():
        for name, row in detectors.items():
            kept = f"{row['kept_up']} of {row['streams']} without drops"
            dropped = f"{row['dropped']} of {row['frames']} frames dropped"
            late = f"latency p50 / p95 / p99 {_latency(row)} ms, {row['core_share']:.0%} of one core"
            rows.append([f"{row['streams']} streams of {clip}, `{name}`", f"{kept}, {dropped}, {late}"])
    for clip, detectors in found["soak"].items():
        for name, row in detectors.items():
            early, end = (_or_dash(row[key], "{:.1f}") for key in ("rss_mb_at_tenth", "rss_mb_at_end"))
            most = _or_dash(row["peak_rss_mb"], "{:.1f}")
            what = f"live stream of {row['frames']} frames of {clip}, `{name}`"
            rows.append([what, f"{early} MB after 10 %, {end} MB at the end, peak {most} MB"])
    if found["start"]:
        names = {"python": "python -c pass", "help": "smilecam --help", "photo": "smilecam detect PHOTO"}
        names |= {"result": "import smilecam, first result of a photo"} if "result" in found["start"] else {}
        rows += [[f"startup: `{text}`", f"{found['start'][name]:.2f} s"] for name, text in names.items()]
    return markdown(["measurement", "result"], rows) if rows else ""


def flicker_table(found: Figures) -> str:
    """False state changes and delays, with temporal smoothing and frame by frame."""
    rows = []
    for mode, ways in found["modes"].items():
        for way, row in ways.items():
            smiles = row["smiles"]
            late = max((smile["since_delay"] for smile in smiles if smile["since_delay"] is not None), default=None)
            told = max((smile["told_delay"] for smile in smiles if smile["told_delay"] is not None), default=None)
            changes = [f"{row['false_changes']}", f"{row['per_minute']:.2f}"]
            seen = f"{sum(smile['since_delay'] is not None for smile in smiles)} of {len(smiles)}"
            rows.append([MODES[mode], way, *changes, seen, _or_dash(late, "{:+.2f}"), _or_dash(told, "{:+.2f}")])
    header = ["mode", "state", "false changes", "per minute", "smiles detected"]
    return markdown([*header, "latest onset, s", "latest report, s"], rows)


def targets_table(found: Figures) -> str:
    """Targets of throughput, latency, memory and startup, and results."""
    return _targets([*_film_targets(found), *_live_targets(found)])


def _targets(rows: Sequence[Row]) -> str:
    return markdown(
        ["measurement", "target", "result", "met"],
        [[row.what, row.wanted, row.found, "yes" if row.met else "no"] for row in rows],
    )


def performance_targets() -> str:
    """Targets and results from docs/figures/video.json, flicker.json and training_time.json."""
    found, flicker = load("figures/video.json"), load("figures/flicker.json")
    training = training_targets(load("figures/training_time.json")["rows"])
    return _targets([*_film_targets(found), *_live_targets(found), *_flicker_targets(flicker), *training])


def measured_with() -> str:
    """Commits, machine and sizes behind the results in docs/performance.md."""
    found, flicker = load("figures/video.json"), load("figures/flicker.json")
    of_run = found["settings"]
    modes: dict[str, list[str]] = {}
    for mode, commit in flicker["commits"].items():
        modes.setdefault(commit[:10], []).append(MODES[mode])
    commits = " and ".join(f"{commit} ({', '.join(of_commit)})" for commit, of_commit in modes.items())
    return (
        f"Measured at commit {found['commit'][:10]} on {found['machine']}: {of_run['rounds']} rounds of at least "
        f"{found['n']} frames,\n{of_run['live_seconds']:g} s of each live stream.\nFlicker at commit {commits}: "
        f"{flicker['n']} labelled frames.\nNo seed: nothing is random."
    )


DEFAULT = ("yunet_smilenet", "haar_smilenet")
"""Configurations that ``--detector auto`` stands for, the first where its file is."""


def _default(variants: Figures) -> tuple[str, Figures]:
    name = next(name for name in DEFAULT if name in variants)
    return variant(name.partition("_")[0]), variants[name]


def _film_targets(found: Figures) -> Iterator[Row]:
    clips = list(found["clips"].items())
    if not clips:
        return
    (small, of_small), (large, of_large) = clips[0], clips[-1]
    for name in ("haar_smilenet", "yunet_smilenet"):
        if (row := of_small.get(name)) is None:
            continue
        what = f"{small}, {variant(name.partition('_')[0])}"
        times, slow = row["times_tutorial"], row["tutorial"]
        met = times >= 80 and slow == "tutorial_keras"
        yield Row(f"{what}, speedup over {variant(slow)}", "at least 80", f"{times:.1f}", met)
        yield _share(f"{what}, throughput relative to decoding only", 0.6, row["of_decode_only"])
        if (cpu := row.get("cpu_of_decode_only")) is not None:
            yield Row(f"{what}, CPU time relative to decoding only", "at most 1.8", f"{cpu:.2f}", cpu <= 1.8)
    name, row = _default(of_large)
    yield _share(f"{large}, {name}, throughput relative to decoding only", 0.8, row["of_decode_only"])


def _share(what: str, wanted: float, found: float) -> Row:
    return Row(what, f"at least {wanted:.0%}", f"{found:.0%}", found >= wanted)


def _live_targets(found: Figures) -> Iterator[Row]:
    for at, (clip, variants) in enumerate(found["live"].items()):
        for name in ("haar_smilenet", "yunet_smilenet"):
            if name in variants:
                yield _live_target(clip, name, variants[name], 0.1 if at == 0 else 0.25)
    for clip, detectors in found["many"].items():
        for name, row in detectors.items():
            met = row["kept_up"] == row["streams"] and row["latency_ms"]["p99"] <= 60
            text = f"{row['kept_up']} of {row['streams']} without drops, {row['latency_ms']['p99']:.1f} ms"
            what = f"{row['streams']} streams, 640x480 at 15 frames/s, {clip}, `{name}`"
            yield Row(what, "all without drops, p99 at most 60 ms", text, met)
    for detectors in found["soak"].values():
        row = detectors["haar"]
        early, end, most = row["rss_mb_at_tenth"], row["rss_mb_at_end"], row["peak_rss_mb"]
        text = f"{most:.0f} MB, {end - early:+.1f} MB from 10 % to the end"
        what = f"memory, live stream of {row['frames']:,} frames"
        yield Row(what, "at most 300 MB, flat", text, most <= 300 and end <= 1.02 * early)
    starts = (
        ("help", "`smilecam --help`", 0.2),
        ("result", "`import smilecam` to the first result of a photo", 0.4),
        ("photo", "`smilecam detect` on one photo", 1.0),
    )
    for name, text, wanted in starts:
        if (seconds := found["start"].get(name)) is not None:
            yield Row(f"startup, {text}", f"at most {wanted:g} s", f"{seconds:.2f} s", seconds <= wanted)


def _live_target(clip: str, name: str, row: Figures, share: float) -> Row:
    late, beyond = row["latency_ms"], row["core_share"] - row.get("core_share_decoding", 0.0)
    met = late["p99"] <= 8 and row["dropped"] == 0 and beyond <= share
    wanted = f"p99 at most 8 ms, no drops, at most {share:.0%} of one core beyond decoding"
    text = f"{late['p99']:.1f} ms, {row['dropped']} dropped, {beyond:.1%}"
    return Row(f"live stream, 640x480 at 30 frames/s, {clip}, {variant(name.partition('_')[0])}", wanted, text, met)


def _flicker_targets(found: Figures) -> Iterator[Row]:
    for mode, ways in found["modes"].items():
        row = ways["smoothed"]
        yield Row(
            f"false state changes per minute, {MODES[mode]}",
            "at most 1",
            f"{row['per_minute']:.2f}",
            row["per_minute"] <= 1,
        )
        delays = [smile["since_delay"] for smile in row["smiles"]]
        told = [smile["told_delay"] for smile in row["smiles"]]
        met = all(delay is not None and delay <= 0.4 for delay in delays)
        known = [delay for delay in delays if delay is not None]
        text = f"{len(known)} of {len(delays)}, onset at most {max(known, default=0):+.2f} s after the label's"
        text += f", report {max((delay for delay in told if delay is not None), default=0):+.2f} s"
        yield Row(f"labelled smiles detected, {MODES[mode]}", "all, within 0.4 s of their onset", text, met)


def training_targets(rows: Sequence[Figures]) -> Iterator[Row]:
    """Time of training against Keras; one that never reached the accuracy counts with all its epochs."""
    of = {name: [row for row in rows if row["recipe"] == name] for name in ("classic", "fast", "keras")}
    if not of["keras"]:
        return
    reached = {name: sum(row["epoch"] is not None for row in runs) for name, runs in of.items()}
    for name in ("classic", "fast"):
        ratios = []
        for key in ("seconds", "cpu_seconds"):
            spent = {which: sum(row[key] for row in of[which]) for which in (name, "keras")}
            ratios.append(spent[name] / spent["keras"])
        n = len(of[name])
        text = (
            f"{ratios[0]:.2f}, CPU time {ratios[1]:.2f} (`{name}` reached it in {reached[name]} of {n} runs, Keras in "
            f"{reached['keras']}: the others count in full)"
        )
        met = ratios[0] <= 1 / 8 and reached[name] == n
        yield Row(f"training to .9149, `{name}`, time relative to Keras", "at most 1/8", text, met)


def _latency(row: Figures) -> str:
    return " / ".join(f"{row['latency_ms'][name]:.1f}" for name in ("p50", "p95", "p99"))


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
