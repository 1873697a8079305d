"""Triplets: counted by hand, ties half, anchors as clusters."""

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Triplets

N = 80
ANCHORS, POSITIVES, NEGATIVES = ([f"{kind} {i}" for i in range(N)] for kind in ("anchor", "positive", "negative"))


def oracle(texts):
    return [[1.0, -1.0] if text.startswith(("anchor", "positive")) else [-1.0, 1.0] for text in texts]


EXAMPLES = [Triplets(ANCHORS, POSITIVES, NEGATIVES)]
ORACLES = [oracle]
CHANCES = [0.5]


def test_oracle_by_hand():
    vectors = {"a": [1.0, 0.0], "near": [1.0, 0.1], "far": [-1.0, 0.5], "twin": [1.0, 0.1]}
    encoder = FunctionEncoder(lambda texts: [vectors.get(text, [0.0, 1.0]) for text in texts])
    report = Triplets(["a", "a", "a"], ["near", "far", "near"], ["far", "near", "twin"]).run(encoder)
    assert report.metrics["accuracy"].per_item.tolist() == [1.0, 0.0, 0.5]
    np.testing.assert_array_equal(report.clusters, [0, 0, 0])


def test_reads_columns():
    task = Triplets.read([{"x": "a", "pos": "b", "neg": "c"}], anchor="x", positive="pos", negative="neg")
    assert (task.anchors, task.positives, task.negatives) == (["a"], ["b"], ["c"])


def test_bad_triplets_are_refused():
    with pytest.raises(ShapeError, match=r"\[1, 1, 0\]"):
        Triplets(["a"], ["b"], [])
    with pytest.raises(DataError, match="holds no triplets"):
        Triplets([], [], [])
