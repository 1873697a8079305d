import atexit
import json
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from cosimo.encode import OnnxEncoder, TruncationWarning, tally
from cosimo.encode.texts.bert_graph import bert_shape, build_graph
from cosimo.errors import DataError
from encode.tiny_bert import CONFIG, write_tiny_bert

_folder = tempfile.TemporaryDirectory()
atexit.register(_folder.cleanup)
PROMPTS = {"prompts": {"query": "query: ", "document": "passage: "}}

EXAMPLES = [
    OnnxEncoder.from_folder(write_tiny_bert(Path(_folder.name) / "plain")),
    OnnxEncoder.from_folder(
        write_tiny_bert(Path(_folder.name) / "prompted", pooling="max", normalize=False, general=PROMPTS),
        truncate_dim=8,
        threads=1,
    ),
    OnnxEncoder.from_folder(write_tiny_bert(Path(_folder.name) / "rounded"), precision="int8"),
]

TEXTS = [
    "a man plays the guitar",
    "",
    "The cat sleeps.",
    "🙂🙂 emoji",
    "مرحبا بالعالم",
    "the " * 200,
    "a",
    "x" * 300,
    "music? music! 42",
    "naïve café",
] * 2


def quietly(encode, *args, **kwargs):
    with tally():
        return encode(*args, **kwargs)


def sentence_transformer(folder):
    pytest.importorskip("torch")
    library = pytest.importorskip("sentence_transformers")
    return library.SentenceTransformer(str(folder), device="cpu")


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    "pooling", ["mean", "cls", "max", "lasttoken", "weightedmean", ["cls", "mean_sqrt_len_tokens"]]
)
def test_equals_sentence_transformers(tmp_path, pooling, normalize):
    write_tiny_bert(tmp_path, pooling=pooling, normalize=normalize)
    X = quietly(OnnxEncoder.from_folder(tmp_path).encode, TEXTS)
    np.testing.assert_allclose(X, sentence_transformer(tmp_path).encode(TEXTS), atol=1e-5)


def test_minilm_equals_sentence_transformers(minilm_files):
    letters = np.random.default_rng(0)
    subjects = ["A man", "The old woman", "Two dogs", "A plane", "Nobody", "The stock market", "A chef", "The train"]
    verbs = ["is playing", "was cutting", "does not like", "will buy", "fell over", "looks at", "sold"]
    objects = ["the guitar", "an onion", "a big red bus", "the children's book", "3.5% of shares", "snow", "it"]
    texts = [f"{letters.choice(subjects)} {letters.choice(verbs)} {letters.choice(objects)}." for _ in range(200)]
    texts += [
        "",
        "🙂👩‍👩‍👧",
        "مرحبا بالعالم",
        "東京都に住んでいます",
        "word " * 1000,
        "a\n\tb",
        "[MASK] [SEP]",
        "x" * 500,
    ]
    X = quietly(OnnxEncoder.from_folder(minilm_files).encode, texts)
    np.testing.assert_allclose(X, sentence_transformer(minilm_files).encode(texts), atol=1e-4)


def test_prompts_by_role_equal_sentence_transformers(tmp_path):
    write_tiny_bert(tmp_path, general=PROMPTS | {"default_prompt_name": "query"})
    ours, theirs = OnnxEncoder.from_folder(tmp_path), sentence_transformer(tmp_path)
    texts = TEXTS[:4]
    np.testing.assert_allclose(ours.encode(texts, role="query"), theirs.encode_query(texts), atol=1e-5)
    np.testing.assert_allclose(ours.encode(texts, role="document"), theirs.encode_document(texts), atol=1e-5)
    np.testing.assert_allclose(ours.encode(texts), theirs.encode(texts), atol=1e-5)
    assert np.abs(ours.encode(texts, role="query") - ours.encode(texts, role="document")).max() > 0.01


def test_default_prompt_is_not_for_roles(tmp_path):
    write_tiny_bert(tmp_path, general={"prompts": {"query": "query: "}, "default_prompt_name": "query"})
    encoder = OnnxEncoder.from_folder(tmp_path)
    np.testing.assert_array_equal(encoder.encode(["a cat"]), encoder.encode(["a cat"], role="query"))
    assert np.abs(encoder.encode(["a cat"]) - encoder.encode(["a cat"], role="document")).max() > 0.01


def exported(folder, *, output="last_hidden_state", segments=True, integers="int64"):
    """The tiny model as somebody else's exporter may have written it, without its safetensors."""
    model = onnx.load_from_string(build_graph(folder / "model.safetensors", bert_shape(CONFIG)))
    graph, top = model.graph, f"hidden_{CONFIG['num_hidden_layers']}"
    if output == "sentence_embedding":
        graph.initializer.append(helper.make_tensor("first", onnx.TensorProto.INT64, [], [0]))
        graph.node.append(helper.make_node("Gather", [top, "first"], [output], axis=1))
    else:
        graph.node.append(helper.make_node("Identity", [top], [output]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    if segments:
        graph.input.append(helper.make_tensor_value_info("token_type_ids", onnx.TensorProto.INT64, ["n", "t"]))
    if integers == "int32":
        for value in graph.input:
            value.type.tensor_type.elem_type = onnx.TensorProto.INT32
    (folder / "onnx").mkdir()
    (folder / "model.safetensors").unlink()
    onnx.save(model, folder / "onnx" / "model.onnx")


@pytest.mark.parametrize("segments", [True, False])
@pytest.mark.parametrize("output", ["last_hidden_state", "token_embeddings"])
@pytest.mark.parametrize("integers", ["int64", "int32"])
def test_exported_model_is_pooled_alike(tiny_bert, output, segments, integers):
    X = quietly(OnnxEncoder.from_folder(tiny_bert).encode, TEXTS)
    exported(tiny_bert, output=output, segments=segments, integers=integers)
    encoder = OnnxEncoder.from_folder(tiny_bert)
    np.testing.assert_allclose(quietly(encoder.encode, TEXTS), X, atol=1e-6)
    T = quietly(encoder.encode_tokens, TEXTS)
    assert T.values.shape[1] == encoder.dim == 32
    with pytest.raises(DataError, match="only its last one, -1"):
        encoder.encode_tokens(["a"], layers=(0, -1))


def test_exported_model_that_pools_by_itself(tmp_path):
    write_tiny_bert(tmp_path, pooling="cls")
    X = quietly(OnnxEncoder.from_folder(tmp_path).encode, TEXTS)
    exported(tmp_path, output="sentence_embedding")
    encoder = OnnxEncoder.from_folder(tmp_path)
    np.testing.assert_allclose(quietly(encoder.encode, TEXTS), X, atol=1e-6)
    with pytest.raises(DataError, match="no states of tokens"):
        encoder.encode_tokens(["a"])


def test_other_architecture_without_onnx_says_what_to_do(tmp_path):
    write_tiny_bert(tmp_path, config={"model_type": "mpnet"})
    with pytest.raises(DataError, match=r"model_type is mpnet.*export it to onnx/model\.onnx"):
        OnnxEncoder.from_folder(tmp_path)


def test_weights_in_other_files_are_refused(tiny_bert):
    exported(tiny_bert)
    file = tiny_bert / "onnx" / "model.onnx"
    onnx.save_model(onnx.load(file), file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(DataError, match="external data"):
        OnnxEncoder.from_folder(tiny_bert)


def test_damaged_onnx_is_one_sentence(tiny_bert):
    exported(tiny_bert)
    (tiny_bert / "onnx" / "model.onnx").write_bytes(b"\0\1\2\3")
    with pytest.raises(DataError, match="no ONNX model that onnxruntime can load"):
        OnnxEncoder.from_folder(tiny_bert)


def test_onnx_with_other_inputs_is_refused(tiny_bert):
    exported(tiny_bert)
    file = tiny_bert / "onnx" / "model.onnx"
    model = onnx.load(file)
    model.graph.input.append(helper.make_tensor_value_info("pixel_values", onnx.TensorProto.FLOAT, ["n"]))
    onnx.save(model, file)
    with pytest.raises(DataError, match="pixel_values"):
        OnnxEncoder.from_folder(tiny_bert)


def test_onnx_with_other_outputs_is_refused(tiny_bert):
    exported(tiny_bert, output="logits")
    with pytest.raises(DataError, match="logits"):
        OnnxEncoder.from_folder(tiny_bert)


def test_damaged_tokenizer_is_one_sentence(tiny_bert):
    (tiny_bert / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"tokenizer\.json is not a tokenizer"):
        OnnxEncoder.from_folder(tiny_bert)


@pytest.mark.parametrize("layers", [(-1,), (0,), (1, -1), (2,), (-3, 2)])
def test_token_states_equal_torch(tiny_bert, layers):
    model = sentence_transformer(tiny_bert)
    T = quietly(OnnxEncoder.from_folder(tiny_bert).encode_tokens, TEXTS, layers=layers)
    assert len(T) == len(TEXTS)
    import torch

    for text, ours in zip(TEXTS[:10], T, strict=False):
        features = model.tokenizer([text], return_tensors="pt", truncation=True, max_length=48, padding=False)
        with torch.inference_mode():
            states = model[0].auto_model(**features, output_hidden_states=True).hidden_states
        theirs = torch.stack([states[layer] for layer in layers]).mean(dim=0)[0].numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("layers", [(3,), (-4,), ()])
def test_layers_that_are_not_there(tiny_bert, layers):
    with pytest.raises(DataError, match="layer"):
        OnnxEncoder.from_folder(tiny_bert).encode_tokens(["a"], layers=layers)


def test_mean_of_tokens_is_the_vector(tmp_path):
    encoder = OnnxEncoder.from_folder(write_tiny_bert(tmp_path, normalize=False))
    T = quietly(encoder.encode_tokens, TEXTS)
    X = quietly(encoder.encode, TEXTS)
    np.testing.assert_allclose(np.array([tokens.mean(axis=0) for tokens in T]), X, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1000])
def test_batches_change_nothing(tiny_bert, batch_size):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    X = quietly(encoder.encode, TEXTS, batch_size=batch_size)
    np.testing.assert_allclose(X, np.concatenate([quietly(encoder.encode, [text]) for text in TEXTS]), atol=1e-5)


def test_equal_texts_are_run_once(tiny_bert, monkeypatch):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    seen = []
    run = encoder._session.run
    monkeypatch.setattr(encoder._session, "run", lambda ids, *rest: seen.append(len(ids)) or run(ids, *rest))
    X = encoder.encode(["a cat", "a man", "a cat", "a cat"])
    assert sum(seen) == 2
    np.testing.assert_array_equal(X[[0, 0]], X[[2, 3]])


def test_shortened_vectors_are_unit_vectors(tiny_bert):
    whole = OnnxEncoder.from_folder(tiny_bert).encode(["a cat", "a man"])
    short = OnnxEncoder.from_folder(tiny_bert, truncate_dim=5).encode(["a cat", "a man"])
    np.testing.assert_allclose(short, whole[:, :5] / np.linalg.norm(whole[:, :5], axis=1, keepdims=True), atol=1e-6)


def test_folder_may_shorten(tmp_path):
    write_tiny_bert(tmp_path, general={"truncate_dim": 6})
    assert OnnxEncoder.from_folder(tmp_path).dim == 6
    assert OnnxEncoder.from_folder(tmp_path, truncate_dim=9).dim == 9


@pytest.mark.parametrize("truncate_dim", [-1, 0, 33])
def test_truncate_dim_out_of_range(tiny_bert, truncate_dim):
    with pytest.raises(DataError, match="between 1 and the model's 32"):
        OnnxEncoder.from_folder(tiny_bert, truncate_dim=truncate_dim)


def test_threads_out_of_range(tiny_bert):
    with pytest.raises(DataError, match="threads"):
        OnnxEncoder.from_folder(tiny_bert, threads=0)


def test_other_precision_is_refused(tiny_bert):
    with pytest.raises(DataError, match="int4"):
        OnnxEncoder.from_folder(tiny_bert, precision="int4")


def test_condition_is_refused(tiny_bert):
    with pytest.raises(DataError, match="condition"):
        OnnxEncoder.from_folder(tiny_bert).encode(["a"], given=["b"])


@pytest.mark.parametrize("method", ["encode", "encode_tokens"])
def test_truncation_is_counted_with_repetitions(tiny_bert, method):
    encode = getattr(OnnxEncoder.from_folder(tiny_bert), method)
    with tally() as seen:
        encode(["the " * 47, "the " * 46, "the " * 47, "a"])
    assert (seen.cut, seen.limit) == (2, 48)
    with pytest.warns(TruncationWarning, match="1 of 2 texts") as told:
        encode(["the " * 47, "a"])
    assert told[0].filename == __file__


def test_prompt_takes_part_in_the_limit(tmp_path):
    encoder = OnnxEncoder.from_folder(write_tiny_bert(tmp_path, general=PROMPTS))
    with tally() as seen:
        encoder.encode(["the " * 45], role="query")
    assert seen.cut == 1


@pytest.mark.parametrize(
    "text", ["the cat " * 1_250_000, " " * 10_000_000, "x" * 10_000_000], ids=["words", "spaces", "x"]
)
def test_ten_megabytes(tiny_bert, text):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    with tally() as seen:
        X = encoder.encode([text, "a cat"])
    assert seen.cut == 1
    np.testing.assert_allclose(X[1], encoder.encode(["a cat"])[0], atol=1e-6)
    np.testing.assert_allclose(X[0], quietly(encoder.encode, [text[:5000]])[0], atol=1e-6)


def test_progress_goes_to_stderr(tiny_bert, capsys):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    encoder.encode(["a cat"])
    assert capsys.readouterr() == ("", "")
    encoder.encode(["a cat"], progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "encoding" in shown.err


def test_threads_share_an_encoder(tiny_bert):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    X = quietly(encoder.encode, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: quietly(encoder.encode, TEXTS), range(16)):
            np.testing.assert_array_equal(found, X)


def test_lowercase_before_the_tokenizer(tiny_bert):
    tokenizer = json.loads((tiny_bert / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (tiny_bert / "tokenizer.json").write_text(json.dumps(tokenizer))
    layout = tiny_bert / "sentence_bert_config.json"
    layout.write_text(json.dumps({"max_seq_length": 48, "do_lower_case": True}))
    encoder = OnnxEncoder.from_folder(tiny_bert)
    np.testing.assert_array_equal(encoder.encode(["A CAT"]), encoder.encode(["a cat"]))


def test_plain_transformers_folder(tiny_bert):
    X = OnnxEncoder.from_folder(tiny_bert).encode(TEXTS[:3])
    for extra in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (tiny_bert / extra).unlink()
    plain = OnnxEncoder.from_folder(tiny_bert).encode(TEXTS[:3])
    np.testing.assert_allclose(plain / np.linalg.norm(plain, axis=1, keepdims=True), X, atol=1e-6)


class TestPassport:
    def test_same_folder_is_identical_and_other_weights_differ(self, tmp_path):
        first, again, other = (
            OnnxEncoder.from_folder(write_tiny_bert(tmp_path / name, seed=seed)).passport
            for name, seed in [("first", 0), ("again", 0), ("other", 1)]
        )
        assert first.compare(again).verdict == "identical"
        assert first.compare(other).verdict == "different"

    @pytest.mark.parametrize(
        "change",
        [
            {"pooling": "cls"},
            {"normalize": False},
            {"max_tokens": 12},
            {"general": PROMPTS},
            {"config": {"num_attention_heads": 2}},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_whatever_changes_vectors_is_a_fact(self, tmp_path, change):
        one = OnnxEncoder.from_folder(write_tiny_bert(tmp_path / "one")).passport
        two = OnnxEncoder.from_folder(write_tiny_bert(tmp_path / "two", **change)).passport
        assert one.digest != two.digest

    def test_exported_model_is_compatible(self, tiny_bert):
        ours = OnnxEncoder.from_folder(tiny_bert).passport
        exported(tiny_bert)
        assert OnnxEncoder.from_folder(tiny_bert).passport.compare(ours).verdict == "compatible"

    def test_probing_tells_nobody_about_truncation(self, tmp_path):
        encoder = OnnxEncoder.from_folder(write_tiny_bert(tmp_path, max_tokens=5))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert encoder.passport.probe.shape == (16, 32)
