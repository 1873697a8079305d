"""What a model's folder says must reach the collection, and come back with it."""

import numpy as np
import pytest

from cosimo import Collection, Space
from cosimo.encode import OnnxEncoder
from cosimo.errors import DataError, PassportMismatch
from encode.tiny_bert import write_tiny_bert

PROMPTS = {"prompts": {"query": "query: ", "passage": "passage: "}}
TEXTS = ["the man plays the guitar", "a cat sleeps", "music", "12 cats", "guitar music"]


@pytest.fixture
def prompted(tmp_path):
    return write_tiny_bert(tmp_path / "prompted", general=PROMPTS)


def by_hand(folder, texts, prompt):
    """Vectors of texts that carry their prompt themselves, from the same model without prompts."""
    bare = write_tiny_bert(folder.parent / "bare")
    return OnnxEncoder.from_folder(bare).encode([prompt + text for text in texts])


def test_prompts_reach_the_space(prompted):
    space = Space.load(prompted)
    np.testing.assert_allclose(space.encode_query(TEXTS), by_hand(prompted, TEXTS, "query: "), atol=1e-6)
    np.testing.assert_allclose(space.encode_document(TEXTS), by_hand(prompted, TEXTS, "passage: "), atol=1e-6)
    np.testing.assert_allclose(space.encode(TEXTS), by_hand(prompted, TEXTS, ""), atol=1e-6)
    assert Space.load(prompted.parent / "bare").passport.compare(space.passport).verdict == "different"


@pytest.mark.parametrize("reopened", [False, True])
def test_documents_are_stored_and_queries_asked_with_their_own_prompt(prompted, tmp_path, reopened):
    path = tmp_path / "c.cosimo"
    with Collection.create(path, Space.load(prompted)) as collection:
        collection.add(TEXTS)
        if not reopened:
            hits = collection.search(["a cat", "music"], k=5)
    if reopened:
        with Collection.open(path) as collection:
            hits = collection.search(["a cat", "music"], k=5)
            stored = np.concatenate([X for _, X in collection.vectors()])
            np.testing.assert_allclose(stored, by_hand(prompted, TEXTS, "passage: "), atol=1e-6)
    scores = by_hand(prompted, ["a cat", "music"], "query: ") @ by_hand(prompted, TEXTS, "passage: ").T
    order = np.argsort(-scores, axis=1)
    assert [[hit.text for hit in row] for row in hits] == [[TEXTS[i] for i in row] for row in order]
    np.testing.assert_allclose(hits.scores, np.take_along_axis(scores, order, axis=1), atol=1e-5)


@pytest.mark.parametrize(
    "settings", [{"precision": "int8"}, {"truncate_dim": 8}, {"precision": "int8", "truncate_dim": 8}]
)
def test_a_collection_comes_back_with_the_settings_it_was_built_with(prompted, tmp_path, settings):
    path = tmp_path / "c.cosimo"
    space = Space.load(prompted, **settings)
    with Collection.create(path, space) as collection:
        collection.add(TEXTS)
        built = collection.search(["a cat"], k=3)
    with Collection.open(path) as collection:
        again = collection.search(["a cat"], k=3)
        encoder = collection.space.encoder
        assert (encoder.precision, encoder.dim) == (settings.get("precision", "fp32"), settings.get("truncate_dim", 32))
        assert collection.passport.compare(space.passport).verdict == "identical"
    np.testing.assert_array_equal(again.rows, built.rows)
    np.testing.assert_array_equal(again.scores, built.scores)
    with pytest.raises(PassportMismatch, match=next(iter(settings))):
        Collection.open(path, space=Space.load(prompted))


def test_dimensions_that_the_folder_keeps(tmp_path):
    folder = write_tiny_bert(tmp_path / "short", general={"truncate_dim": 6})
    space = Space.load(folder)
    whole = OnnxEncoder.from_folder(write_tiny_bert(tmp_path / "whole")).encode(TEXTS)[:, :6]
    np.testing.assert_allclose(space.encode(TEXTS), whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)
    assert Space.load(folder, truncate_dim=9).dim == 9


def test_a_saved_table_comes_back_shortened(tmp_path):
    from serve.scene import save_space

    space = Space.load(save_space(tmp_path / "static", seed=0), truncate_dim=5)
    space.save(tmp_path / "saved")
    again = Space.load(tmp_path / "saved")
    np.testing.assert_array_equal(again.encode(["late rice"]), space.encode(["late rice"]))
    assert again.passport.compare(space.passport).verdict == "identical"


def test_wrong_settings_are_one_sentence(prompted):
    with pytest.raises(DataError, match="between 1 and the model's 32, got 33"):
        Space.load(prompted, truncate_dim=33)
    with pytest.raises(DataError, match=r"device must be cpu or cuda, got 'tpu'"):
        Space.load(prompted, device="tpu")
    with pytest.raises(DataError, match=r"'cuda' needs another onnxruntime.*pip install onnxruntime-gpu"):
        Space.load(prompted, device="cuda")
