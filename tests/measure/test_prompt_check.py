import numpy as np
import pytest

from assembly.toys import DIM, bag_of_words
from cosimo.encode import FunctionEncoder, OnnxEncoder
from cosimo.errors import DataError
from cosimo.measure import prompt_check
from cosimo.measure.probes.prompt_check import prompts_of
from encode.tiny_bert import write_tiny_bert

TEXTS = [f"{a} {b} thing" for a in ("red", "big", "old", "new") for b in ("wooden", "paper", "iron")]


def two_sided():
    return FunctionEncoder(
        lambda texts: bag_of_words([f"passage: {text}" for text in texts]),
        query=lambda texts: bag_of_words([f"query: {text}" for text in texts]),
        dim=DIM,
    )


def test_vectors_of_the_right_side_are_right():
    encoder = two_sided()
    found = prompt_check(encoder, TEXTS, encoder.encode(TEXTS, role="document"))
    assert found.metrics["astray"].value == 0
    assert found.metrics["document"].value == pytest.approx(1.0)
    assert found.metrics["differ"].value > 0.05
    assert not found.warnings


def test_sides_that_were_swapped():
    encoder = two_sided()
    X = encoder.encode(TEXTS, role="document")
    X[:4] = encoder.encode(TEXTS[:4], role="query")
    found = prompt_check(encoder, TEXTS, X)
    np.testing.assert_array_equal(found.metrics["astray"].per_item, [1] * 4 + [0] * 8)
    assert "4 of 12 vectors look made as a query" in found.warnings[0]
    assert prompt_check(encoder, TEXTS[4:], X[4:], role="query").metrics["astray"].value == 1.0


def test_prompts_of_a_model_and_texts_that_bring_them(tmp_path):
    write_tiny_bert(tmp_path, general={"prompts": {"query": "the man ", "document": "a cat "}})
    encoder = OnnxEncoder.from_folder(tmp_path)
    assert set(prompts_of(encoder)) == {"the man ", "a cat "}
    texts = ["music sings", "a cat music", "sat. music", "the man sat."]
    found = prompt_check(encoder, texts, encoder.encode(texts))
    np.testing.assert_array_equal(found.metrics["doubled"].per_item, [0, 1, 0, 1])
    assert found.metrics["astray"].value == 1.0  # made without a prompt
    assert "without a prompt" in found.warnings[0]
    assert "2 of 4 texts begin" in found.warnings[1]


def test_without_sides_nothing_can_be_wrong():
    encoder = FunctionEncoder(bag_of_words, dim=DIM)
    found = prompt_check(encoder, TEXTS, encoder.encode(TEXTS))
    assert (found.metrics["astray"].value, found.metrics["differ"].value) == (0.0, pytest.approx(0.0, abs=1e-12))


def test_bad_items():
    with pytest.raises(DataError):
        prompt_check(two_sided(), [3], np.ones((1, DIM)))
