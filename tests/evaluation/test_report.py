import re

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason='needs the "report" extra')

import itertools

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.evaluation.label_issues import find_label_issues, write_label_issues
from smilecam.evaluation.report import Report, write_report
from smilecam.evaluation.scored import Scored
from smilecam.evaluation.slices import measure_slices, properties
from smilecam.opencv import cv2


def scored_faces(n=200, names=None):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n)
    probabilities = np.clip(rng.normal(0.2 + 0.6 * labels, 0.25), 0, 1)
    pictures = rng.integers(0, 256, (n, 64, 64)).astype(np.uint8)
    names = names or tuple(f"face {row}.png" for row in range(n))
    return Scored(names, labels, probabilities, probabilities >= 0.5, pictures, rng.integers(20, 200, n))


def page(tmp_path, scored, **changes):
    values = {
        "title": "T",
        "remarks": ["R"],
        "thresholds": {"balanced": 0.5, "at 0.5": 0.5},
        "tables": {},
        "conditions": {},
    }
    write_report(tmp_path / "page.html", Report(scored=scored, **(values | changes)))
    return (tmp_path / "page.html").read_text("utf-8")


def test_the_page_stands_alone(tmp_path):
    text = page(tmp_path, scored_faces(), tables={"caption": [["a", "b"], ["1", "2"]]}, conditions={"commit": "abc"})
    assert text.startswith("<!doctype html>")
    assert text.count("<svg") == 5
    assert "src=" in text
    assert all(source.startswith("data:image/jpeg;base64,") for source in re.findall(r'src="([^"]*)"', text))
    assert not re.findall(r'(?:href|src)="(?:https?:|/|\.)', text)
    assert "<script" not in text
    assert "confusion" in text.lower()
    assert "<td>1</td><td>2</td>" in text
    assert "<dt>commit</dt><dd>abc</dd>" in text


def test_names_cannot_break_the_page(tmp_path):
    names = tuple(f"<script>alert({row})</script>" for row in range(200))
    text = page(tmp_path, scored_faces(names=names), title="<b>", remarks=["<i>"], conditions={"<u>": "<s>"})
    assert "<script" not in text
    for tag in ("<b>", "<i>", "<u>", "<s>"):
        assert tag not in text
    assert "&lt;script&gt;" in text


def test_a_network_without_errors(tmp_path):
    scored = scored_faces()
    right = Scored(
        scored.names, scored.labels, scored.labels * 0.98 + 0.01, scored.labels == 1, scored.images, scored.sides
    )
    assert "No error." in page(tmp_path, right)


def test_slices_hold_every_face_once():
    scored = scored_faces()
    slices = measure_slices(scored)
    for name, values in properties(scored).items():
        parts = [part for part in slices if part.property == name]
        assert sum(part.n for part in parts) == 200
        assert parts[0].low == pytest.approx(values.min(), abs=1e-3)
        assert all(one.high <= other.low for one, other in itertools.pairwise(parts))
        assert all(40 <= part.n <= 60 for part in parts)
    right = sum(part.accuracy * part.n for part in slices if part.property == "brightness")
    assert right == pytest.approx((scored.smiling == (scored.labels == 1)).sum())


def test_a_slice_of_one_class_has_no_area():
    scored = scored_faces()
    sides = np.where(scored.labels == 1, 100, 50) + np.arange(200) % 2
    part = measure_slices(
        Scored(scored.names, scored.labels, scored.probabilities, scored.smiling, scored.images, sides)
    )
    ends = [one for one in part if one.property == "size"]
    assert ends[0].auc is None
    assert ends[0].balanced_accuracy is None


def test_blur_and_darkness_are_seen():
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (64, 64)).astype(np.uint8)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2)
    dark = (sharp // 4).astype(np.uint8)
    pictures = np.stack([sharp, blurred, dark])
    seen = properties(
        Scored(("a", "b", "c"), np.array([0, 1, 0]), np.zeros(3), np.zeros(3, bool), pictures, np.ones(3, int))
    )
    assert seen["sharpness"][1] < 0.5 * seen["sharpness"][0]
    assert seen["brightness"][2] < 0.5 * seen["brightness"][0]
    assert seen["sharpness"][2] == pytest.approx(seen["sharpness"][0], rel=0.1)


def test_label_issues_are_the_surest_contradictions(tmp_path):
    labels = np.array([0, 1, 1, 0, 0])
    probabilities = np.array([0.95, 0.02, 0.4, 0.99, 0.1])
    pictures = np.zeros((5, 64, 64), np.uint8)
    scored = Scored(tuple("abcde"), labels, probabilities, probabilities >= 0.5, pictures, np.full(5, 64))
    assert find_label_issues(scored).tolist() == [3, 1, 0]
    assert scored.worst(2).tolist() == [3, 1]
    write_label_issues(scored, tmp_path / "out")
    lines = (tmp_path / "out" / "label_issues.csv").read_text().splitlines()
    assert lines == ["name,label,probability", "d,0,0.9900", "b,1,0.0200", "a,0,0.9500"]
    assert cv2.imread(str(tmp_path / "out" / "contact_sheet_label_issues.png")) is not None


def test_report_of_a_model(material, tmp_path, capfd):
    page = tmp_path / "page.html"
    command = ["evaluate", "--data", str(material / "genki4k_public"), "--boxes", "haar", "--policy", "strict"]
    assert call([*command, "--operating-point", "precision", "--report", str(page)]) == exit_codes.DONE
    out, err = capfd.readouterr()
    assert "policy strict" in out
    assert f"wrote {page}" in err
    text = page.read_text("utf-8")
    assert "Beware" not in text
    assert "not_smile/" in text


@pytest.mark.parametrize("option", ["--report", "--json"])
def test_report_never_replaces_the_data_or_the_model(material, tmp_path, option):
    import shutil

    from smilecam.classification.classifier import model_path

    model = tmp_path / "model.onnx"
    shutil.copy(model_path("lenet"), model)
    command = ["evaluate", "--data", str(material / "fer2013_validation"), "--model", str(model), option, str(model)]
    assert call(command) == exit_codes.USAGE
    assert model.read_bytes() == model_path("lenet").read_bytes()


@pytest.mark.parametrize("option", ["--report", "--json"])
def test_outputs_without_a_name_or_with_the_same(tmp_path, option):
    for label in ("smile", "not_smile"):
        (tmp_path / label).mkdir()
        cv2.imwrite(str(tmp_path / label / "x.png"), np.zeros((30, 30), np.uint8))
    assert call(["evaluate", "--data", str(tmp_path), option, ""]) == exit_codes.USAGE
    same = str(tmp_path / "same")
    assert call(["evaluate", "--data", str(tmp_path), "--report", same, "--json", same]) == exit_codes.USAGE
