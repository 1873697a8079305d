import dataclasses

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder, OnnxEncoder, load_encoder
from cosimo.errors import DataError
from cosimo.measure import batch_sensitivity
from encode.tiny_bert import write_tiny_bert

TEXTS = [f"{who} {what}{' music' * n}" for n in (0, 3, 9) for who in ("the man", "a cat") for what in ("sings", "sat.")]


def values(report):
    return {name: estimate.value for name, estimate in report.metrics.items()}


def vector_of(text):
    return np.random.default_rng(len(text)).normal(size=4)


def centred(texts):
    X = np.array([vector_of(text) for text in texts])
    return X - X.mean(axis=0) / 2


def test_equals_the_definition():
    encoder, texts = FunctionEncoder(centred), ["a", "bb", "ccc", "dddd", "eeeee"]
    order = np.random.default_rng(3).permutation(5)
    expected = np.empty(5)
    for batch in (order[:2], order[2:4], order[4:]):
        for row in batch:
            x, y = (
                vector_of(texts[row]) / 2,
                vector_of(texts[row]) - sum(vector_of(texts[i]) for i in batch) / 2 / len(batch),
            )
            expected[row] = x @ y / np.sqrt((x @ x) * (y @ y))
    report = batch_sensitivity(encoder, texts, batch_size=2, seed=3)
    np.testing.assert_allclose(report.metrics["mean"].per_item, expected, atol=1e-6)
    assert values(report) == pytest.approx(
        {"lowest": expected.min(), "mean": expected.mean(), "moved": 0.8, "identical": 0.2}, abs=1e-6
    )
    assert report.n == 5
    assert "4 of 5 vectors" in report.warnings[0]


def test_one_item_that_moves_is_enough():
    def loud(texts):
        return [[1.0, -float(text == "x" and len(texts) > 1)] for text in texts]

    report = batch_sensitivity(FunctionEncoder(loud), [*"abcdefg", "x"])
    assert values(report) == pytest.approx(
        {"lowest": 0.5**0.5, "mean": (7 + 0.5**0.5) / 8, "moved": 1 / 8, "identical": 7 / 8}
    )


def test_zero_vectors_that_stay_are_equal():
    report = batch_sensitivity(FunctionEncoder(lambda texts: np.zeros((len(texts), 3))), ["a", "b"])
    assert values(report) == {"lowest": 1.0, "mean": 1.0, "moved": 0.0, "identical": 1.0}


def test_a_vector_that_vanishes_has_moved():
    report = batch_sensitivity(
        FunctionEncoder(lambda texts: np.full((len(texts), 2), float(len(texts) == 1))), ["a", "b"]
    )
    assert values(report) == {"lowest": 0.0, "mean": 0.0, "moved": 1.0, "identical": 0.0}


def test_fp32_and_int8_do_not_move(tmp_path):
    write_tiny_bert(tmp_path)
    fp32, int8 = (
        batch_sensitivity(OnnxEncoder.from_folder(tmp_path, precision=precision), TEXTS, batch_size=5)
        for precision in ("fp32", "int8")
    )
    assert fp32.metrics["lowest"].value > 0.999999
    assert values(int8) == {"lowest": 1.0, "mean": 1.0, "moved": 0.0, "identical": 1.0}
    assert not fp32.warnings + int8.warnings
    assert fp32.passport != int8.passport


def batched(encoder):
    """The same 8-bit graph as everybody else runs it: all texts of a batch in one call."""
    encoder._runs = dataclasses.replace(encoder._runs, alone=False)
    return encoder


def test_plain_dynamic_int8_moves(tmp_path):
    write_tiny_bert(tmp_path)
    report = batch_sensitivity(batched(OnnxEncoder.from_folder(tmp_path, precision="int8")), TEXTS)
    assert report.metrics["moved"].value > 0.5
    assert report.warnings


def test_plain_dynamic_int8_of_minilm_moves(minilm_files):
    report = batch_sensitivity(batched(load_encoder("minilm", precision="int8")), TEXTS)
    assert report.metrics["moved"].value > 0.5
    assert 0.9 < report.metrics["lowest"].value < 0.999


def test_seeds_choose_the_batches():
    encoder = FunctionEncoder(centred)
    one, again, other = (values(batch_sensitivity(encoder, TEXTS, batch_size=3, seed=seed)) for seed in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize(("items", "batch_size"), [(["a"], 32), ([], 32), (["a", "b"], 1)], ids=str)
def test_nothing_to_compare(items, batch_size):
    with pytest.raises(DataError, match="two items"):
        batch_sensitivity(FunctionEncoder(centred), items, batch_size=batch_size)
