"""One word, one meaning: home-made words that the field has its own for do not come back as names in the code."""

import ast
import re
from pathlib import Path

import smilecam

ROOT = Path(smilecam.__file__).parent

# Home-made word -> the field's.
WORDS = {
    "ahead": "prefetch",
    "arrived": "capture time",
    "between": "interpolated",
    "beyond": "debounce",
    "bridge": "max age",
    "calm": "temporal smoothing",
    "decide": "state",
    "decided": "state",
    "card": "synthetic source",
    "complain": "warn",
    "cover": "anonymise, occlude",
    "covered": "anonymised, occluded",
    "distinct": "NMS",
    "enough": "stop run",
    "film": "video, offline",
    "films": "videos",
    "figures": "stats, metrics",
    "gentle": "annealing",
    "hall": "broadcast",
    "learner": "train state",
    "likeness": "similarity",
    "look": "redetect, roi",
    "looks": "redetect, roi",
    "moved": "translated",
    "near": "roi, redetect",
    "newcomer": "new track",
    "observation": "stream item",
    "opinion": "soft targets",
    "opinions": "soft targets",
    "outcome": "run report",
    "overlap": "iou",
    "paced": "realtime",
    "parts": "regions, split",
    "people": "tracks",
    "person": "track",
    "persons": "tracks",
    "picture": "image",
    "pictures": "images",
    "reading": "run",
    "readings": "probabilities",
    "said": "logged",
    "say": "log, announce",
    "scene": "motion gate",
    "search": "detect",
    "searched": "detected",
    "session": "web sessions only",
    "sound": "audio",
    "stretch": "window",
    "stretches": "windows",
    "suspects": "label issues",
    "tell": "notify",
    "told": "notified",
    "trail": "tracklet",
    "trails": "tracklets",
    "turn": "rotation",
    "turns": "rotations",
    "twin": "NMS",
    "twins": "NMS",
    "undeveloped": "undecoded",
    "view": "variant",
    "views": "variants",
    "watch": "the command alone",
    "watching": "broadcast, handle",
    "way": "audio mode",
}

# Names in which such a word has the field's meaning, or that users know: (module, name) -> why.
ALLOWED = {
    ("cli/watch.py", "watch"): "the command",
    ("data/splits.py", "near_duplicates"): "the field's term",
    ("data/splits.py", "NEAR_DUPLICATE"): "the field's term",
    ("server/service.py", "session"): "a web session",
    ("server/ws/browser_stream.py", "StreamSession"): "a web session",
    ("training/recipe.py", "stretch"): "a key of recipes: width against height",
}

NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def defined_names(path):
    """Names that a module defines: of modules, classes, functions, arguments, variables and attributes."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def home_made_names():
    for path in ROOT.rglob("*.py"):
        place = path.relative_to(ROOT).as_posix()
        for name in defined_names(path):
            for word in {part.lower() for part in NAME.findall(name)} & set(WORDS):
                yield (place, name), word


def test_names_use_the_fields_words():
    wrong = {
        f"{place}: {name} ({word} -> {WORDS[word]})"
        for (place, name), word in home_made_names()
        if (place, name) not in ALLOWED
    }
    assert sorted(wrong) == []


def test_every_exception_is_needed():
    assert set(ALLOWED) <= {found for found, _ in home_made_names()}


# Modules of these names would be twice there with two meanings.
ONCE = {
    "live",
    "online",
    "offline",
    "cross_validation",
    "smiles",
    "settings",
    "watching",
    "policies",
    "figures",
    "stats",
}


def test_a_module_name_has_one_meaning():
    names = [path.stem for path in ROOT.rglob("*.py")]
    assert [name for name in ONCE if names.count(name) > 1] == []
