import numpy as np
import pytest

from cosimo._arrays import unit
from cosimo.search import ExactIndex
from cosimo.search.recall import SAMPLE, K, Recall, recall_of, recall_of_stored
from cosimo.types import Hits

RNG = np.random.default_rng(0)


class Half:
    """Finds those of the best whose ids are even."""

    def __init__(self, exact):
        self.exact = exact

    def search(self, Q, k):
        best = self.exact.search(Q, k)
        order = np.argsort(best.rows % 2, axis=1, kind="stable")
        rows, scores = (np.take_along_axis(values, order, axis=1) for values in (best.rows, best.scores))
        return Hits(np.where(rows % 2, -1, rows), np.where(rows % 2, -np.inf, scores), best.scale)


def over(X):
    return ExactIndex.over(X, np.arange(len(X)))


def test_oracle_counting_by_hand():
    X, Q = RNG.normal(size=(60, 4)), RNG.normal(size=(7, 4))
    exact = over(X)
    shares = [np.mean([row % 2 == 0 for row in rows]) for rows in exact.search(Q, K).rows]
    measured = recall_of(Half(exact), exact, Q)
    assert measured == Recall(pytest.approx(np.mean(shares)), pytest.approx(min(shares)), 7)
    assert recall_of(exact, exact, Q) == Recall(1.0, 1.0, 7)


def test_nobody_finds_himself():
    """Of 40 vectors in 20 equal pairs each looks for its twin and for others."""
    X = unit(np.repeat(RNG.normal(size=(20, 4)), 2, axis=0))
    exact, shares = over(X), []
    found = Half(exact).search(X, K + 1)
    for i in range(40):
        others = np.delete(X @ X[i], i)
        bar = np.sort(others)[-K] - 1e-9
        near = [row for row in found.rows[i] if row not in (-1, i) and X[row] @ X[i] >= bar]
        shares.append(len(near[:K]) / K)
    measured = recall_of_stored(Half(exact), exact, X)
    assert measured == Recall(pytest.approx(np.mean(shares)), pytest.approx(min(shares)), 40)
    assert recall_of_stored(exact, exact, X) == Recall(1.0, 1.0, 40)


def test_equally_near_is_as_good():
    X = np.ones((50, 3))
    reversed_ids = ExactIndex.over(X, np.arange(50)[::-1].copy())
    assert recall_of(over(X), reversed_ids, X[:2]) == Recall(1.0, 1.0, 2)


def test_large_ones_are_sampled_reproducibly():
    X = RNG.normal(size=(1000, 3))
    exact = over(X)
    first, again, other = (recall_of_stored(Half(exact), exact, X, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert first.n == SAMPLE


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_to_look_for(n):
    X = np.ones((n, 3))
    assert recall_of_stored(over(X), over(X), X) == Recall(1.0, 1.0, 0)
