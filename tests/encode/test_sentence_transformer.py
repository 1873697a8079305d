import numpy as np
import pytest

from cosimo import Collection, Space
from cosimo.encode import OnnxEncoder, SentenceTransformerEncoder, TruncationWarning, tally
from cosimo.encode.adapters import sentence_transformer
from cosimo.errors import DataError, MissingExtra, MissingModel
from encode.tiny_bert import write_tiny_bert

PROMPTS = {"prompts": {"query": "query: ", "document": "passage: "}}
TEXTS = ["a man plays the guitar", "", "The cat sleeps.", "naïve café", "a man plays the guitar", "music? 42"]


class Counter:
    """What the adapter needs of a SentenceTransformer, without torch: it counts letters."""

    def encode(self, items, *, batch_size, show_progress_bar, convert_to_numpy):
        return np.array([[item.count(letter) for letter in "aeinost "] + [1.0] for item in items])


EXAMPLES = [SentenceTransformerEncoder(Counter(), name="letters")]


def loaded(folder):
    pytest.importorskip("torch")
    library = pytest.importorskip("sentence_transformers")
    return library.SentenceTransformer(str(folder), device="cpu")


def test_equals_the_library(tmp_path):
    model = loaded(write_tiny_bert(tmp_path, general=PROMPTS))
    encoder = SentenceTransformerEncoder(model)
    np.testing.assert_array_equal(encoder.encode(TEXTS), model.encode(TEXTS))
    np.testing.assert_array_equal(encoder.encode_query(TEXTS), model.encode_query(TEXTS))
    np.testing.assert_array_equal(encoder.encode_document(TEXTS), model.encode_document(TEXTS))
    assert np.abs(encoder.encode_query(TEXTS) - encoder.encode_document(TEXTS)).max() > 0.01
    assert encoder.dim == 32
    assert encoder.encode([]).shape == (0, 32)


def test_may_share_a_collection_with_our_own_runtime(tmp_path):
    write_tiny_bert(tmp_path, general=PROMPTS)
    theirs = SentenceTransformerEncoder(loaded(tmp_path)).passport
    assert theirs.compare(OnnxEncoder.from_folder(tmp_path).passport).verdict == "compatible"
    write_tiny_bert(tmp_path / "other", seed=1)
    assert theirs.compare(OnnxEncoder.from_folder(tmp_path / "other").passport).verdict == "different"


def test_model_by_folder(tmp_path):
    model = loaded(write_tiny_bert(tmp_path))
    encoder = SentenceTransformerEncoder(str(tmp_path))
    np.testing.assert_array_equal(encoder.encode(TEXTS), model.encode(TEXTS))
    assert encoder.name == str(tmp_path)


def test_model_that_is_not_here(monkeypatch):
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingModel, match='no model "no-such-org/no-such-model" on this machine'):
        SentenceTransformerEncoder("no-such-org/no-such-model")


def test_library_that_is_not_here(monkeypatch):
    def missing(module, *, extra):
        raise MissingExtra(f"{module} cosimo[{extra}]")

    monkeypatch.setattr(sentence_transformer, "need", missing)
    with pytest.raises(MissingExtra, match=r"sentence_transformers cosimo\[st\]"):
        SentenceTransformerEncoder("some/model")


@pytest.mark.parametrize("role", [None, "query", "document"])
@pytest.mark.parametrize(
    "general", [{}, PROMPTS, PROMPTS | {"default_prompt_name": "query"}], ids=["", "prompts", "default"]
)
def test_counts_truncation_as_our_own_runtime_does(tmp_path, general, role):
    model = loaded(write_tiny_bert(tmp_path, max_tokens=12, general=general))
    texts = ["the " * n for n in range(4, 14)] + ["x" * 9, "x" * 40, "a cat"]
    with tally() as theirs:
        SentenceTransformerEncoder(model).encode(texts, role=role)
    with tally() as ours:
        OnnxEncoder.from_folder(tmp_path).encode(texts, role=role)
    assert (theirs.cut, theirs.limit) == (ours.cut, ours.limit)
    assert 0 < theirs.cut < len(texts)
    with pytest.warns(TruncationWarning):
        SentenceTransformerEncoder(model).encode(texts, role=role)


def test_token_tables_have_no_limit():
    pytest.importorskip("torch")
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.models import StaticEmbedding

    from encode.tiny_bert import VOCABULARY, tiny_tokenizer

    table = np.random.default_rng(0).normal(size=(len(VOCABULARY), 8)).astype(np.float32)
    model = library.SentenceTransformer(
        modules=[StaticEmbedding(tiny_tokenizer(), embedding_weights=table)], device="cpu"
    )
    encoder = SentenceTransformerEncoder(model)
    texts = ["the cat " * 1000, "a"]
    np.testing.assert_array_equal(encoder.encode(texts), model.encode(texts))


def test_items_need_not_be_texts():
    class Images:
        def encode(self, items, *, batch_size, show_progress_bar, convert_to_numpy):
            return np.array([np.asarray(item).mean(axis=0) for item in items if not isinstance(item, str)])

    X = SentenceTransformerEncoder(Images()).encode([np.eye(3), np.ones((2, 3))])
    np.testing.assert_allclose(X, [[1 / 3] * 3, [1] * 3])


def test_what_gives_no_vectors_is_named():
    class Broken(Counter):
        def encode(self, items, **settings):
            return np.full((len(items), 2), np.nan)

    with pytest.raises(DataError, match="the result of Broken contains NaN"):
        SentenceTransformerEncoder(Broken()).encode(["a"])


def test_collection_uses_prompts_by_side(tmp_path):
    model = loaded(write_tiny_bert(tmp_path / "model", general=PROMPTS))
    space = Space(SentenceTransformerEncoder(model))
    with Collection.create(tmp_path / "c", space) as collection:
        collection.add(["a man", "the cat"])
        (hit,) = collection.search("a cat", k=1)[0]
        q, d = model.encode_query(["a cat"])[0], model.encode_document([hit.text])[0]
        assert hit.score == pytest.approx(float(q @ d), abs=1e-5)
