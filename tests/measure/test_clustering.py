"""Clustering: scikit-learn's v-measure of the same clusters, and what cannot be clustered."""

import numpy as np
import pytest
from sklearn.metrics import v_measure_score

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Clustering

TEXTS = [f"text {i}" for i in range(120)]
LABELS = [f"class {i % 3}" for i in range(120)]


def oracle(texts):
    return np.eye(3)[[int(text.split()[1]) % 3 if text.startswith("text") else 0 for text in texts]]


def _guessed():
    """The v-measure of three random clusters, which is not 0."""
    rng = np.random.default_rng(0)
    return float(np.mean([v_measure_score(LABELS, rng.integers(3, size=120)) for _ in range(200)]))


EXAMPLES = [Clustering(TEXTS, LABELS, repeats=3)]
ORACLES = [oracle]
CHANCES = [_guessed()]


def test_oracle_sklearn():
    def noisy(texts):
        return [oracle([t])[0] + np.random.default_rng(list(t.encode())).normal(size=3) for t in texts]

    report = EXAMPLES[0].run(FunctionEncoder(noisy))
    truth, found = report.answers["v_measure"]
    assert found.shape == (120, 3)
    wanted = np.mean([v_measure_score(truth, found[:, i]) for i in range(3)])
    assert report.metrics["v_measure"].value == pytest.approx(wanted)


@pytest.mark.parametrize("labels", [["a"] * 4, ["a", "b", "c", "d"]])
def test_classes_must_be_some_and_not_all(labels):
    with pytest.raises(DataError, match="clustering wants at least two, and fewer than texts"):
        Clustering(["w", "x", "y", "z"], labels)


def test_unequal_columns():
    with pytest.raises(ShapeError, match="2 and 1"):
        Clustering(["a", "b"], ["c"])


def test_reads_columns():
    rows = [{"t": f"text {i}", "topic": i % 2} for i in range(4)]
    assert Clustering.read(rows, text="t", label="topic").labels == ["0", "1", "0", "1"]
