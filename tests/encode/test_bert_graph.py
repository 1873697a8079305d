import json

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import save_file

from cosimo.encode.texts.bert_graph import bert_shape, build_graph, cached_graph, why_not_bert
from cosimo.errors import DataError
from encode.tiny_bert import CONFIG, VOCABULARY, tiny_weights

SHAPE = bert_shape(CONFIG)


def run(graph, ids, mask):
    session = onnxruntime.InferenceSession(graph)
    return session.run(None, {"input_ids": ids, "attention_mask": mask})


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    ids = rng.integers(5, len(VOCABULARY), size=(3, 11))
    mask = (np.arange(11) < np.array([11, 4, 1])[:, None]).astype(np.int64)
    return ids * mask, mask


def test_every_layer_equals_torch(tiny_bert, batch):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    model = transformers.BertModel.from_pretrained(tiny_bert, add_pooling_layer=False).eval()
    ids, mask = map(torch.tensor, batch)
    with torch.inference_mode():
        theirs = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    ours = run(build_graph(tiny_bert / "model.safetensors", SHAPE), *batch)
    assert len(ours) == len(theirs) == CONFIG["num_hidden_layers"] + 1
    real = batch[1].astype(bool)
    for layer, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        np.testing.assert_allclose(a[real], b.numpy()[real], atol=1e-5, err_msg=f"layer {layer}")


def test_padding_changes_nothing(tiny_bert, batch):
    ids, mask = batch
    graph = build_graph(tiny_bert / "model.safetensors", SHAPE)
    alone = run(graph, ids[1:2, :4], mask[1:2, :4])[-1]
    np.testing.assert_allclose(run(graph, ids, mask)[-1][1, :4], alone[0], atol=1e-5)


def test_head_prefix_and_half_precision(tiny_bert, batch, tmp_path):
    half = {name: tensor.astype(np.float16) for name, tensor in tiny_weights(prefix="bert.").items()}
    save_file(half, tmp_path / "half.safetensors")
    exact = run(build_graph(tiny_bert / "model.safetensors", SHAPE), *batch)[-1]
    rounded = run(build_graph(tmp_path / "half.safetensors", SHAPE), *batch)[-1]
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, exact, atol=0.02)  # weights with 11 bits


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "roberta"}, "model_type is roberta"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is relative_key"),
        ({"hidden_act": "gelu_new"}, "hidden_act is gelu_new"),
        ({"is_decoder": True}, "is_decoder is True"),
    ],
)
def test_other_architectures_are_named(change, reason):
    assert reason in why_not_bert(CONFIG | change)
    assert why_not_bert(CONFIG) is None


def test_missing_tensor_is_one_sentence(tmp_path):
    weights = tiny_weights()
    del weights["encoder.layer.1.output.dense.bias"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match=r"does not hold the weights of a BERT.*encoder\.layer\.1\.output\.dense\.bias"):
        build_graph(tmp_path / "model.safetensors", SHAPE)


def test_damaged_weights_are_one_sentence(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match="does not hold the weights"):
        build_graph(tmp_path / "model.safetensors", SHAPE)


def test_config_without_sizes_is_one_sentence():
    with pytest.raises(DataError, match="num_attention_heads"):
        bert_shape({"num_hidden_layers": 2})


def test_built_once(tiny_bert, home):
    graph = cached_graph(tiny_bert / "model.safetensors", SHAPE)
    assert graph.is_relative_to(home)
    built = graph.stat().st_mtime_ns
    assert cached_graph(tiny_bert / "model.safetensors", SHAPE) == graph
    assert graph.stat().st_mtime_ns == built


@pytest.mark.parametrize("damage", ["flip", "shorten", "forget", "empty"])
def test_damaged_cache_is_rebuilt(tiny_bert, home, damage):
    graph = cached_graph(tiny_bert / "model.safetensors", SHAPE)
    whole = graph.read_bytes()
    half = len(whole) // 2
    if damage == "flip":
        graph.write_bytes(whole[:half] + bytes([whole[half] ^ 255]) + whole[half + 1 :])
    elif damage == "shorten":
        graph.write_bytes(whole[:half])
    elif damage == "forget":
        graph.with_suffix(".sha256").unlink()
    else:
        graph.write_bytes(b"")
    assert cached_graph(tiny_bert / "model.safetensors", SHAPE) == graph
    assert graph.read_bytes() == whole


def test_same_weights_other_shape_is_another_graph(tiny_bert, home):
    other = json.loads(json.dumps(CONFIG)) | {"num_attention_heads": 2}
    weights = tiny_bert / "model.safetensors"
    assert cached_graph(weights, SHAPE) != cached_graph(weights, bert_shape(other))


def test_unwritable_cache_is_one_sentence(tiny_bert, home):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where a folder should be")
    with pytest.raises(DataError, match="COSIMO_HOME"):
        cached_graph(tiny_bert / "model.safetensors", SHAPE)
