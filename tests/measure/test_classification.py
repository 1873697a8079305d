"""Classification: scikit-learn's neighbours and regression on the same draws, and what cannot be tested."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from cosimo._arrays import unit
from cosimo.compare import Cosine
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Classification
from cosimo.measure.tasks.classes.classification import draw_per_class, nearest_classes

TRAIN, TEST = [f"train {i}" for i in range(80)], [f"test {i}" for i in range(60)]


def labels(texts):
    return [f"class {int(text.split()[1]) % 4}" for text in texts]


def oracle(texts):
    return np.eye(4)[[int(text.split()[1]) % 4 if text.startswith(("train", "test")) else 0 for text in texts]]


EXAMPLES = [Classification(TRAIN, labels(TRAIN), TEST, labels(TEST), samples_per_label=4, repeats=3)]
ORACLES = [oracle]
CHANCES = [0.25]


def test_oracle_sklearn_neighbours():
    rng = np.random.default_rng(0)
    X, y, Q = rng.normal(size=(200, 6)), rng.integers(3, size=200), rng.normal(size=(50, 6))
    theirs = KNeighborsClassifier(1, metric="cosine").fit(X, y).predict(Q)
    np.testing.assert_array_equal(nearest_classes(Cosine(), X, y, Q, k=1), theirs)
    order = np.argsort(-unit(Q) @ unit(X).T, axis=1)[:, :5]
    for found, near in zip(nearest_classes(Cosine(), X, y, Q, k=5), order, strict=True):
        votes = np.bincount(y[near], minlength=3)
        assert found == next(label for label in y[near] if votes[label] == votes.max())


def test_oracle_sklearn_regression():
    def noisy(texts):
        return [oracle([t])[0] + np.random.default_rng(list(t.encode())).normal(size=4) for t in texts]

    task = EXAMPLES[0]
    report = task.run(FunctionEncoder(noisy), seed=5)
    X, Q = (np.array(noisy(texts), np.float32) for texts in (TRAIN, TEST))
    y, truth = (np.array([int(label[-1]) for label in labels(texts)]) for texts in (TRAIN, TEST))
    rng = np.random.default_rng(5)
    right = []
    for _ in range(3):
        rows = draw_per_class(y, 4, rng)
        assert np.bincount(y[rows]).tolist() == [4, 4, 4, 4]
        right.append(LogisticRegression(max_iter=100).fit(X[rows], y[rows]).predict(Q) == truth)
    np.testing.assert_allclose(report.metrics["accuracy"].per_item, np.mean(right, axis=0))


def test_what_cannot_be_tested():
    with pytest.raises(DataError, match="'b', which is not in training"):
        Classification(["x", "y"], ["a", "c"], ["z"], ["b"])
    with pytest.raises(DataError, match="has 1 class in training"):
        Classification(["x", "y"], ["a", "a"], ["z"], ["a"])
    with pytest.raises(DataError, match="tests nothing"):
        Classification(["x", "y"], ["a", "b"], [], [])
    with pytest.raises(ShapeError, match="each text wants a label"):
        Classification(["x"], ["a", "b"], ["z"], ["a"])


def test_reads_splits():
    rows = [
        {"text": text, "label": label, "split": text.split()[0]}
        for text, label in zip(TRAIN, labels(TRAIN), strict=True)
    ]
    rows += [{"text": text, "label": label, "split": "test"} for text, label in zip(TEST, labels(TEST), strict=True)]
    task = Classification.read(rows)
    assert (len(task.train_texts), len(task.test_texts)) == (80, 60)
    few = Classification.read(rows, train={"split": "train"}, test={"split": "train"})
    assert few.test_texts == few.train_texts
