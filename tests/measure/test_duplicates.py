import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.measure import DuplicateVectors

EXAMPLES = [DuplicateVectors(), DuplicateVectors(threshold=0.9, size=40)]


def report_on(X, **settings):
    diagnostic = DuplicateVectors(**settings)
    for block in np.array_split(X, 4):
        diagnostic.update(block)
    return diagnostic.result()


def test_oracle_sets_and_loops():
    rng = np.random.default_rng(0)
    X = rng.integers(-1, 2, size=(200, 4)).astype(np.float32)
    X[:, 0] += 5
    report = report_on(X, threshold=0.98)
    different = {tuple(row) for row in X.tolist()}
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    near = [sum(U[i] @ U[j] >= 0.98 for j in range(200) if j != i) for i in range(200)]
    assert report.metrics["exact"].value == 1 - len(different) / 200
    assert report.metrics["largest"].value == max(np.unique(X, axis=0, return_counts=True)[1])
    assert report.metrics["near_copies"].value == pytest.approx(np.mean(near))


def test_groups_are_named_by_row():
    X = np.random.default_rng(1).normal(size=(50, 3))
    X[[7, 20, 41]] = X[3]
    X[30] = X[31]
    report = report_on(X)
    assert report.settings["groups"] == [[3, 7, 20, 41], [30, 31]]
    assert report.warnings == ("4 of 50 vectors are exact copies of earlier ones",)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_minus_zero_is_zero(dtype):
    X = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.5]], dtype)
    assert report_on(X).metrics["largest"].value == 2


def test_vectors_that_differ_in_signs_alone_are_different():
    """A linear hash finds copies here: all words differ by multiples of 2^63."""
    X = np.where(np.random.default_rng(2).random((60_000, 64)) < 0.5, -1.0, 1.0).astype(np.float32)
    assert len(np.unique(X, axis=0)) == 60_000
    assert report_on(X).metrics["exact"].value == 0


def test_copies_of_all_rows_from_a_sample():
    """Each of 2,000 items is there twice, a little apart: one near copy an item, told from 1,000 of 4,000 rows."""
    X = np.random.default_rng(3).normal(size=(2000, 50))
    X = np.concatenate([X, X + 1e-4 * np.random.default_rng(4).normal(size=X.shape)])
    report = report_on(X, size=1000)
    found = report.metrics["near_copies"]
    assert report.settings["visible_from"] == 6 * 4000 / 1000**2
    assert found.value == pytest.approx(1, abs=0.3)
    assert found.interval.low < 1 < found.interval.high


def test_least_that_can_be_seen_is_missed_once_in_twenty():
    """At `visible_from`, 0.6 copies an item of 4,000, a sample of 200 holds no pair of them in 5 of 100 draws."""
    n, m = 4000, 200
    copies = round(6 * n / m**2 * n / 2)  # pairs of items
    X = np.random.default_rng(5).normal(size=(n, 40))
    X[n - copies :] = X[:copies] + 1e-5
    missed = [report_on(X, size=m, seed=seed).metrics["near_copies"].value == 0 for seed in range(200)]
    assert 0.02 < np.mean(missed) < 0.12


@pytest.mark.parametrize("threshold", [1.01, -1.0])
def test_a_threshold_that_is_no_cosine_refused(threshold):
    with pytest.raises(DataError, match="threshold is a cosine"):
        DuplicateVectors(threshold=threshold).update(np.eye(3))
