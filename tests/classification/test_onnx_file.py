"""Model files that must be refused, each with the word that names what is wrong."""

import hashlib
import json

import numpy as np
import pytest

from smilecam.classification import classifier, onnx_file
from smilecam.classification.classifier import SmileClassifier, model_names, model_path
from smilecam.classification.model_info import METADATA_KEY, parse_model_info
from smilecam.errors import ModelFileError, UsageProblem
from smilecam.presets import OperatingPoint

onnx = pytest.importorskip("onnx", reason='needs the "train" extra')


@pytest.fixture
def model():
    return onnx.load(model_path("lenet"))


@pytest.fixture
def refused(tmp_path):
    """Save a model and give the reason for which it is refused."""

    def reason(model) -> str:
        path = tmp_path / "broken.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        with pytest.raises(ModelFileError) as caught:
            SmileClassifier(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return reason


def set_info(model, **changes):
    entry = next(prop for prop in model.metadata_props if prop.key == METADATA_KEY)
    content = json.loads(entry.value)
    for key, value in changes.items():
        if value is ...:
            del content[key]
        else:
            content[key] = value
    entry.value = json.dumps(content)
    return model


@pytest.mark.parametrize("name", model_names())
def test_packaged_models_pass_the_checks_that_they_are_spared(name, monkeypatch):
    content = model_path(name).read_bytes()
    assert hashlib.sha256(content).hexdigest() in classifier.CHECKED
    monkeypatch.setattr(classifier, "CHECKED", frozenset())
    tried = []
    check = SmileClassifier._check_network
    monkeypatch.setattr(SmileClassifier, "_check_network", lambda self, content: tried.append(check(self, content)))
    SmileClassifier(name)
    assert tried == [None]
    assert onnx_file.check_model(content) == onnx_file.model_metadata(content)


def test_a_packaged_name_spares_no_checks(tmp_path, monkeypatch):
    """Only the content counts: a file in the place of a packaged model is checked as any other."""
    content = bytearray(model_path("smilenet").read_bytes())
    (tmp_path / "smilenet.onnx").write_bytes(content[:-1])
    monkeypatch.setattr(classifier, "WEIGHTS", tmp_path)
    with pytest.raises(ModelFileError, match="damaged"):
        SmileClassifier("smilenet")


def test_packaged_model_is_accepted():
    info = SmileClassifier("lenet").info
    assert info.name == "lenet"
    assert info.input.size == 28


def test_external_data(model, refused, tmp_path):
    onnx.save(model, tmp_path / "x.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert "external data" in refused((tmp_path / "x.onnx").read_bytes())


def test_external_data_inside_an_attribute(model, refused):
    tensor = onnx.TensorProto(name="t", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["unused"], value=tensor))
    assert "external data" in refused(model)


def test_external_data_inside_a_subgraph(model, refused):
    tensor = onnx.TensorProto(name="t", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    branch = onnx.GraphProto(name="branch", initializer=[tensor])
    node = onnx.helper.make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch)
    model.graph.node.append(node)
    assert "the operator 'If'" in refused(model)
    node.op_type = "Identity"  # which takes no branch; the runtime would not look at it
    del model.graph.node[-1]
    model.graph.node.append(node)
    assert "external data" in refused(model)


@pytest.mark.parametrize(
    "content", [b"", b"hello, I am a text\n" * 50, b"\x00" * 1000, b"\xff" * 1000, b"\x0a\xff\xff\xff\xff\x0f"]
)
def test_no_onnx_at_all(refused, content):
    assert "not an ONNX file" in refused(content)


def test_cut_short(model, refused):
    assert "damaged" in refused(model.SerializeToString()[:-1000])


def test_over_the_limit(model, refused, monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_MODEL_BYTES", 2**20)
    assert "over the limit of 1 MiB" in refused(model)


def test_graphs_nested_without_end(model, refused):
    def record(number, content):
        length, size = bytearray(), len(content)
        while size >= 0x80:
            length.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes([number << 3 | 2]) + bytes(length) + bytes([size]) + content

    graph = b""
    for _ in range(30):  # a graph in an attribute (6) of a node (5) of a graph (1)
        graph = record(1, record(5, record(6, graph)))
    assert "deeper" in refused(model.SerializeToString() + record(7, graph))


def test_external_data_behind_a_field_number_that_others_cut_short(model, refused):
    """ONNX Runtime reads a tag's lower 32 bits: field 13 + 2**29 is field 13 to it."""

    def varint(value):
        out = bytearray()
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes([*out, value])

    hidden = varint(((14 + 2**29) << 3) | 0) + varint(1)
    tensor = model.graph.initializer[0].SerializeToString() + hidden
    graph = varint((5 << 3) | 2) + varint(len(tensor)) + tensor
    content = model.SerializeToString() + varint((7 << 3) | 2) + varint(len(graph)) + graph
    assert "not an ONNX file, or is damaged" in refused(content)


def test_millions_of_records(model, refused):
    assert "more than 200,000 records" in refused(model.SerializeToString() + b"\x08\x00" * 300_000)


def test_metadata_nested_without_end(model, refused):
    onnx.helper.set_model_props(model, {METADATA_KEY: "[" * 200_000})
    assert "not valid JSON" in refused(model)


def test_format_of_the_runtime_itself(refused):
    assert "not an ONNX file" in refused(b"\x18\x00\x00\x00ORTM" + b"\x00" * 100)


def test_no_metadata(model, refused):
    del model.metadata_props[:]
    assert "no 'smilecam' metadata" in refused(model)


def test_metadata_is_no_json(model, refused):
    onnx.helper.set_model_props(model, {METADATA_KEY: "{"})
    assert "not valid JSON" in refused(model)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"format": 99}, "format"),
        ({"name": ...}, "name"),
        ({"version": 3}, "version"),
        ({"commit": ...}, "commit"),
        ({"policies": ...}, "policies"),
        ({"policies": {}}, "default policy"),
        ({"policies": {"broad": 3}}, "not described"),
        ({"default_policy": ...}, "default_policy"),
        ({"default_policy": "none"}, "default policy"),
        ({"input": ...}, "input"),
        ({"input": {"size": 28.5, "normalization": "unit"}}, "input"),
        ({"input": {"size": 28, "normalization": "magic"}}, "normalization"),
        ({"input": {"size": 100_000, "normalization": "unit"}}, "size"),
        ({"input": {"size": 32, "normalization": "unit"}}, "faces is"),
        ({"crops": {}}, "crop"),
        ({"crops": {"haar": 3}}, "crop"),
        ({"crops": {"haar": {"side": 0, "shift_x": 0, "shift_y": 0}}}, "side"),
        ({"crops": {"haar": {"side": 0.74, "shift_x": 0}}}, "shift_y"),
        ({"training": ...}, "training"),
        ({"metrics": []}, "metrics"),
    ],
)
def test_metadata_that_makes_no_sense(model, refused, changes, word):
    assert word in refused(set_info(model, **changes))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"thresholds": {"balanced": 0.5, "accuracy": 0.5}}, "precision"),
        ({"thresholds": {"balanced": 1.5, "accuracy": 0.5, "precision": 0.5}}, "balanced"),
        ({"thresholds": {"balanced": "0.5", "accuracy": 0.5, "precision": 0.5}}, "balanced"),
        ({"thresholds": {"balanced": 10**400, "accuracy": 0.5, "precision": 0.5}}, "balanced"),
        ({"thresholds": {"balanced": float("nan"), "accuracy": 0.5, "precision": 0.5}}, "balanced"),
        ({"thresholds": ...}, "thresholds"),
        ({"weights": []}, "weighs no output"),
        ({"weights": [1.0]}, "disagree"),
        ({"weights": [1.0, "2"]}, "weight 1"),
        ({"weights": [float("inf"), 1.0]}, "weight 0"),
        ({"offset": ...}, "offset"),
        ({"costs": ...}, "costs"),
        ({"source": ...}, "source"),
    ],
)
def test_policies_that_make_no_sense(model, refused, changes, word):
    content = json.loads(model.metadata_props[0].value)["policies"]
    for key, value in changes.items():
        if value is ...:
            del content["strict"][key]
        else:
            content["strict"][key] = value
    assert word in refused(set_info(model, policies=content))


def small_network(shape_in, shape_out, nodes, weights=(), kind=1):
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in weights]
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info("faces", kind, shape_in)],
        [onnx.helper.make_tensor_value_info("log_odds", kind, shape_out)],
        tensors,
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def with_info(network, model):
    onnx.helper.set_model_props(network, {METADATA_KEY: model.metadata_props[0].value})
    return network


def test_output_of_another_shape(model, refused):
    nodes = [onnx.helper.make_node("Identity", ["faces"], ["log_odds"])]
    network = with_info(small_network(["batch", 1, 28, 28], ["batch", 1, 28, 28], nodes), model)
    assert "log_odds is" in refused(network)


OUTPUTS = len(SmileClassifier("lenet").info.policy().calibration.weights)
"""Of the packaged network whose description the small ones get."""


def test_fixed_batch(model, refused):
    weights = [("w", np.zeros((784, OUTPUTS), np.float32))]
    nodes = [
        onnx.helper.make_node("Flatten", ["faces"], ["flat"]),
        onnx.helper.make_node("MatMul", ["flat", "w"], ["log_odds"]),
    ]
    assert "faces is" in refused(with_info(small_network([1, 1, 28, 28], [1, OUTPUTS], nodes, weights), model))


def test_output_that_is_not_finite(model, refused):
    weights = [("w", np.full((784, OUTPUTS), np.inf, np.float32))]
    nodes = [
        onnx.helper.make_node("Flatten", ["faces"], ["flat"]),
        onnx.helper.make_node("MatMul", ["flat", "w"], ["log_odds"]),
    ]
    network = with_info(small_network(["batch", 1, 28, 28], ["batch", OUTPUTS], nodes, weights), model)
    assert "finite log odds" in refused(network)


def test_operator_that_does_not_exist(model, refused):
    nodes = [onnx.helper.make_node("Teleport", ["faces"], ["log_odds"])]
    network = with_info(small_network(["batch", 1, 28, 28], ["batch", OUTPUTS], nodes), model)
    assert "the operator 'Teleport'" in refused(network)


def test_missing_model_names_the_known_ones(tmp_path):
    with pytest.raises(ModelFileError, match=r"choose .*lenet"):
        SmileClassifier(tmp_path / "none.onnx")


def test_empty_batch():
    assert SmileClassifier("lenet")(np.empty((0, 1, 28, 28), np.float32)).shape == (0,)


def test_a_batch_gives_what_single_faces_give():
    classifier = SmileClassifier("lenet")
    faces = np.random.default_rng(0).normal(size=(5, 1, 28, 28)).astype(np.float32)
    single = np.concatenate([classifier(face[None]) for face in faces])
    assert np.allclose(classifier(faces), single, atol=1e-6)


@pytest.mark.parametrize("name", ["lenet", "smilenet"])
def test_description_survives_its_json_form(name):
    info = SmileClassifier(name).info
    again = parse_model_info(info.to_json())
    assert again == info
    assert list(again.policies) == list(info.policies) == ["broad", "strict"]


def test_policies_answer_differently():
    faces = np.random.default_rng(0).normal(size=(50, 1, 64, 64)).astype(np.float32)
    broad, strict = SmileClassifier("smilenet"), SmileClassifier("smilenet", "strict")
    assert np.array_equal(broad.outputs(faces), strict.outputs(faces))
    assert np.abs(broad(faces) - strict(faces)).max() > 0.05
    with pytest.raises(UsageProblem, match="no policy 'mild': choose broad, strict"):
        SmileClassifier("smilenet", "mild")


@pytest.mark.parametrize("name", ["lenet", "smilenet"])
def test_operating_points_are_in_order(name):
    for policy in SmileClassifier(name).info.policies.values():
        assert 0 < policy.threshold() <= policy.threshold(point=OperatingPoint.ACCURACY) + 0.05
        assert policy.threshold(point=OperatingPoint.ACCURACY) < policy.threshold(point=OperatingPoint.PRECISION) < 1
        assert policy.costs["precision"]["precision"] >= 0.979  # the threshold is rounded
        assert policy.threshold(0.25) == 0.25
        with pytest.raises(UsageProblem):
            policy.threshold(1.5)


@pytest.mark.parametrize("name", ["lenet", "smilenet"])
def test_packaged_model_says_where_it_comes_from(name):
    info = SmileClassifier(name).info
    assert all(len(source["content_digest"]) == 64 for source in info.training["data"]["sources"])
    assert info.metrics["validation"]["at_0.5"]["n"] > 500
    assert info.training["recipe"]["name"]
    assert len(info.commit) == 40
    assert "/" not in json.dumps(info.training["data"]["sources"])
