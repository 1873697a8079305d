from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from cosimo import Space
from cosimo.encode import OnnxEncoder, load_encoder, tally
from cosimo.encode.texts.bert_graph import bert_shape, build_graph
from cosimo.encode.texts.int8_graph import LARGEST, cached_int8, rounded
from cosimo.errors import DataError, PassportMismatch
from encode.tiny_bert import CONFIG, write_tiny_bert

TEXTS = ["a man plays the guitar", "", "The cat sleeps.", "naïve café", "the " * 40, "x" * 30, "music? music! 42", "a"]


def graph_of(nodes, weights, *, inputs=("x",), width=None):
    """An ONNX model of these nodes over float inputs (n, t, i)."""
    initializers = [numpy_helper.from_array(W, name) for name, W in weights.items()]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "t", width]) for name in inputs]
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", given, out, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(model, folder: Path) -> Path:
    onnx.save(model, folder / "graph.onnx")
    return folder / "graph.onnx"


def operators(file):
    return {node.op_type for node in onnx.load(file).graph.node}


def product_of(x, W):
    """The formula, entry by entry: x (n, i) with one scale for all of it, W (i, j) with one for each column."""
    low, high = min(0.0, x.min()), max(0.0, x.max())
    scale = np.float32((high - low) / 255)
    zero = np.rint(-low / scale)
    qx = np.clip(np.rint(x / scale) + zero, 0, 255)
    y = np.empty((len(x), W.shape[1]))
    for j in range(W.shape[1]):
        column = np.abs(W[:, j]).max() / LARGEST or 1.0
        for n in range(len(x)):
            y[n, j] = scale * column * sum((qx[n, i] - zero) * np.rint(W[i, j] / column) for i in range(len(W)))
    return y


def test_product_equals_the_formula(tmp_path, home):
    rng = np.random.default_rng(0)
    W = (rng.normal(size=(12, 5)) * [1, 10, 0.01, 1, 0]).astype(np.float32)
    x = rng.normal(1, 2, size=(7, 12)).astype(np.float32)
    file = cached_int8(saved(graph_of([helper.make_node("MatMul", ["x", "W"], ["y"])], {"W": W}), tmp_path))
    assert operators(file) == {"DynamicQuantizeMatMul"}
    (y,) = onnxruntime.InferenceSession(file).run(None, {"x": x[None]})
    np.testing.assert_allclose(y[0], product_of(x, W), rtol=1e-5, atol=1e-5)
    assert np.abs(y[0] - x @ W)[:, [0, 3]].max() > 1e-3  # it is not the float product


def test_sums_of_two_never_overflow_16_bits():
    q, _ = rounded(np.random.default_rng(0).normal(size=(50, 20)))
    assert np.abs(q.astype(int)).max() * 2 * 255 < 2**15


def test_rounding_is_undone_by_the_scale():
    W = np.random.default_rng(0).normal(size=(50, 20)) * np.logspace(-3, 3, 20)
    q, scale = rounded(W)
    assert np.abs(q * scale - W).max(axis=0) == pytest.approx(scale / 2, rel=0.2)


def test_tiny_bert_has_no_float_product_left(tiny_bert, home):
    encoder = OnnxEncoder.from_folder(tiny_bert, precision="int8")
    graph = onnx.load(encoder._session.file).graph
    used = {node.op_type for node in graph.node}
    assert {"DynamicQuantizeMatMul", "QAttention"} <= used
    assert not used & {"MatMul", "Attention", "Gemm"}
    assert {name for node in graph.node for name in node.input if name} >= {tensor.name for tensor in graph.initializer}


def test_close_to_fp32_and_not_equal(tiny_bert, home):
    X = OnnxEncoder.from_folder(tiny_bert).encode(TEXTS)
    Y = OnnxEncoder.from_folder(tiny_bert, precision="int8").encode(TEXTS)
    assert (X * Y).sum(axis=1).min() > 0.97
    assert np.abs(X - Y).max() > 1e-4


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_same_bits_alone_and_in_any_batch(tiny_bert, home, threads):
    encoder = OnnxEncoder.from_folder(tiny_bert, precision="int8", threads=threads)
    alone = np.concatenate([OnnxEncoder.from_folder(tiny_bert, precision="int8").encode([text]) for text in TEXTS])
    rng = np.random.default_rng(0)
    for batch_size in (None, 1, 3, 100):
        order = rng.permutation(len(TEXTS))
        X = encoder.encode([TEXTS[i] for i in order], batch_size=batch_size)
        np.testing.assert_array_equal(X, alone[order])
    T = encoder.encode_tokens(TEXTS, layers=(0, -1))
    for i, text in enumerate(TEXTS):
        np.testing.assert_array_equal(T[i], encoder.encode_tokens([text], layers=(0, -1))[0])


def test_minilm_has_the_same_bits_alone_and_in_any_batch(minilm_files):
    encoder = load_encoder("minilm", precision="int8")
    texts = [f"{a} {b} {'and so on ' * n}" for n in (0, 1, 7) for a in ("A man", "Nobody") for b in ("sings", "fell.")]
    X = encoder.encode(texts)
    np.testing.assert_array_equal(X[::-1], encoder.encode(texts[::-1], batch_size=2))
    np.testing.assert_array_equal(X, np.concatenate([encoder.encode([text]) for text in texts]))


def exported(folder):
    """The model as an ONNX file of somebody else, its first output the states of the last layer."""
    model = onnx.load_from_string(build_graph(folder / "model.safetensors", bert_shape(CONFIG)))
    last = f"hidden_{CONFIG['num_hidden_layers']}"
    model.graph.node.append(helper.make_node("Identity", [last], ["last_hidden_state"]))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, None))
    (folder / "onnx").mkdir()
    (folder / "model.safetensors").unlink()
    onnx.save(model, folder / "onnx" / "model.onnx")
    return folder / "onnx" / "model.onnx"


def test_exported_model_runs_alike(tiny_bert, home):
    X = OnnxEncoder.from_folder(tiny_bert, precision="int8").encode(TEXTS)
    exported(tiny_bert)
    np.testing.assert_array_equal(OnnxEncoder.from_folder(tiny_bert, precision="int8").encode(TEXTS), X)


def test_made_once_and_again_when_damaged(tiny_bert, home):
    encoder = OnnxEncoder.from_folder(tiny_bert, precision="int8")
    file, made = encoder._session.file, encoder._session.file.stat().st_mtime_ns
    assert OnnxEncoder.from_folder(tiny_bert, precision="int8")._session.file == file
    assert file.stat().st_mtime_ns == made
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    OnnxEncoder.from_folder(tiny_bert, precision="int8")
    assert file.read_bytes() == content


def test_attention_that_is_not_plain_stays_as_it_is(tmp_path, home):
    rng = np.random.default_rng(0)
    weights = {
        "W": rng.normal(size=(8, 24)).astype(np.float32),
        "b": np.zeros(24, np.float32),
        "V": rng.normal(size=(8, 8)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Attention", ["x", "W", "b"], ["a"], domain="com.microsoft", num_heads=2, scale=0.1),
        helper.make_node("MatMul", ["a", "V"], ["y"]),
    ]
    model = graph_of(nodes, weights, width=8)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert operators(cached_int8(saved(model, tmp_path))) == {"Attention", "DynamicQuantizeMatMul"}


@pytest.mark.parametrize(
    ("node", "weights"),
    [
        (helper.make_node("MatMul", ["x", "z"], ["y"]), {}),
        (helper.make_node("MatMul", ["x", "W"], ["y"]), {"W": np.ones((4, 4), np.float64)}),
        (helper.make_node("Add", ["x", "W"], ["y"]), {"W": np.ones((4, 4), np.float32)}),
    ],
    ids=["of activations", "in double precision", "sum"],
)
def test_nothing_to_convert_is_said(tmp_path, home, node, weights):
    file = saved(graph_of([node], weights, inputs=("x", "z")), tmp_path)
    with pytest.raises(DataError, match="no matrix product with a constant weight"):
        cached_int8(file)


def test_weights_in_other_files_are_not_read(tiny_bert, home):
    file = exported(tiny_bert)
    onnx.save_model(onnx.load(file), file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(DataError, match=r"no matrix product|external data"):
        OnnxEncoder.from_folder(tiny_bert, precision="int8")


def test_what_is_no_graph_is_said(tmp_path, home):
    (tmp_path / "model.onnx").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match="no ONNX model that can be read"):
        cached_int8(tmp_path / "model.onnx")


class TestSpace:
    def test_precision_is_a_fact_and_other_precisions_are_refused(self, tiny_bert, home):
        fp32, int8 = (Space.load(tiny_bert, precision=precision) for precision in ("fp32", "int8"))
        assert int8.passport.facts["encoder"]["precision"] == "int8"
        assert not fp32.passport.compare(int8.passport)

    def test_saved_space_comes_back_with_its_precision_and_dimensions(self, tiny_bert, home, tmp_path):
        space = Space.load(tiny_bert, precision="int8", truncate_dim=8)
        space.save(tmp_path / "saved")
        again = Space.load(tmp_path / "saved")
        assert (again.encoder.precision, again.dim) == ("int8", 8)
        np.testing.assert_array_equal(again.encode(TEXTS), space.encode(TEXTS))
        with pytest.raises(PassportMismatch, match="precision"):
            Space.load(tmp_path / "saved", precision="fp32")

    @pytest.mark.parametrize("settings", [{"precision": "int8"}, {"device": "cuda"}], ids=str)
    def test_tables_have_neither_precision_nor_device(self, home, tmp_path, settings):
        from cosimo.encode import StaticEncoder
        from encode.tiny_bert import VOCABULARY, tiny_tokenizer

        StaticEncoder(np.eye(len(VOCABULARY)), tiny_tokenizer().to_str()).save(tmp_path / "static")
        with pytest.raises(DataError, match="table"):
            Space.load(tmp_path / "static", **settings)

    def test_int8_on_a_device_is_refused(self, tiny_bert, home):
        with pytest.raises(DataError, match="int8 runs on the processor"):
            Space.load(tiny_bert, precision="int8", device="cuda")


def test_truncation_is_counted(tmp_path, home):
    encoder = OnnxEncoder.from_folder(write_tiny_bert(tmp_path / "short", max_tokens=5), precision="int8")
    with tally() as seen:
        encoder.encode(["the cat sleeps and the man plays", "a"])
    assert (seen.cut, seen.limit) == (1, 5)
