"""Bitext retrieval: margins by loops, twins, and what cannot be looked for."""

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Bitext, margin_scores

N = 50
SOURCES, TARGETS = [f"satz {i}" for i in range(N)], [f"sentence {i}" for i in range(N)]


def oracle(texts):
    numbers = [int(text.split()[1]) if text.startswith(("satz", "sentence")) else 0 for text in texts]
    return np.eye(N)[numbers]


EXAMPLES = [Bitext(SOURCES, TARGETS)]
ORACLES = [oracle]
CHANCES = [1 / N]


def test_oracle_loops():
    S = np.random.default_rng(0).uniform(0.1, 1, size=(7, 5))
    for margin, how in (("ratio", np.divide), ("distance", np.subtract)):
        found = margin_scores(S, margin=margin, k=3)
        for i in range(7):
            for j in range(5):
                around = (np.sort(S[i])[-3:].mean() + np.sort(S[:, j])[-3:].mean()) / 2
                assert found[i, j] == pytest.approx(how(S[i, j], around))
    np.testing.assert_array_equal(margin_scores(S, margin="absolute"), S)


def test_a_margin_wants_a_name_it_knows():
    with pytest.raises(DataError, match="got 'cosine' and 4"):
        margin_scores(np.eye(3), margin="cosine")
    with pytest.raises(DataError, match="got 'ratio' and 0"):
        margin_scores(np.eye(3), k=0)


def test_equal_targets_are_one():
    report = Bitext(["satz 1", "satz 1", "satz 2"], ["sentence 1", "sentence 1", "sentence 2"]).run(
        FunctionEncoder(oracle)
    )
    assert report.metrics["accuracy"].value == 1.0


def test_a_hub_is_punished_by_the_margin_only():
    """One target is close to all sources, and closer than each one's own."""
    angles = {"satz 0": 0.0, "satz 1": 1.0, "sentence 0": -0.6, "sentence 1": 0.45}
    vectors = {text: [np.cos(a), np.sin(a)] for text, a in angles.items()}
    encoder = FunctionEncoder(lambda texts: [vectors.get(text, [1.0, 1.0]) for text in texts])
    report = Bitext(["satz 0", "satz 1"], ["sentence 0", "sentence 1"], k=2).run(encoder)
    assert report.metrics["accuracy"].value == 0.5
    assert report.metrics["xsim_error"].value == 0.0


def test_what_cannot_be_looked_for():
    with pytest.raises(DataError, match="has 1 different targets"):
        Bitext(["a", "b"], ["c", "c"])
    with pytest.raises(ShapeError, match="2 and 1"):
        Bitext(["a", "b"], ["c"])


def test_reads_columns():
    rows = [{"source": "a", "target": "x"}, {"source": "b", "target": "y"}]
    assert Bitext.read(rows).targets == ["x", "y"]
