"""Pair classification: numbers of scikit-learn, pairs of one item as a cluster, and what is refused."""

import numpy as np
import pytest
from sklearn import metrics

from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import PairClassification

N = 200
A, B = [f"left {i}" for i in range(N)], [f"right {i}" for i in range(N)]
LABELS = [int(i % 4 == 0) for i in range(N)]
MATCHED = {**{text: i for i, text in enumerate(A)}, **{text: i if LABELS[i] else -1 for i, text in enumerate(B)}}


def oracle(texts):
    """Matching texts are equal, others opposite."""
    places = [MATCHED.get(text, 0) for text in texts]
    return [[0.0, -1.0] if place < 0 else [0.0, 1.0] for place in places]


EXAMPLES = [PairClassification(A, B, LABELS)]
ORACLES = [oracle]
CHANCES = [0.265]  # of 50 positives among 200 in random order; a little over the share of positives


def test_oracle_sklearn():
    rng = np.random.default_rng(0)
    vectors = {text: rng.normal(size=3) for text in [*A, *B]}
    space = Space(FunctionEncoder(lambda texts: [vectors.get(text, np.ones(3)) for text in texts]))
    report = EXAMPLES[0].run(space)
    S = space.similarity_pairwise(A, B)
    assert report.metrics["ap"].value == pytest.approx(metrics.average_precision_score(LABELS, S))
    assert report.metrics["roc_auc"].value == pytest.approx(metrics.roc_auc_score(LABELS, S))
    best = max(metrics.f1_score(LABELS, cut <= S) for cut in S)
    assert report.metrics["f1_best"].value == pytest.approx(best)
    assert report.metrics["f1"].value <= best
    assert report.settings["positives"] == 0.25


def test_pairs_of_one_item_are_a_cluster():
    report = PairClassification(["x"] * 2 + A[2:], B, LABELS).run(FunctionEncoder(oracle))
    assert len(np.unique(report.clusters)) == N - 1


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 1, 2]])
def test_labels_must_be_two(labels):
    with pytest.raises(DataError, match="must be 0 and 1, and both must be there"):
        PairClassification(A[:3], B[:3], labels)


def test_unequal_sides():
    with pytest.raises(ShapeError, match="3, 3, 2"):
        PairClassification(A[:3], B[:3], [0, 1])


def test_reads_labels_written_in_any_way():
    rows = [{"sentence1": "a", "sentence2": "b", "label": "1"}, {"sentence1": "c", "sentence2": "d", "label": 0.0}]
    assert PairClassification.read(rows).labels == [1, 0]
    with pytest.raises(DataError, match=r"got 0\.5, 1"):
        PairClassification.read([rows[0], {**rows[1], "label": 0.5}])
