import numpy as np
import pytest
from scipy.stats import spearmanr

from cosimo.compare import Cosine, Dot
from cosimo.errors import DataError, ShapeError
from cosimo.measure.probes import agreement as module
from cosimo.measure.probes.agreement import agreement, neighbour_overlap

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 12))
Y = X + RNG.normal(size=X.shape)


def by_loops(X, Y, k):
    shares = []
    for i in range(len(X)):
        others = [j for j in range(len(X)) if j != i]
        before = {j: float(X[i] @ X[j]) for j in others}
        best = sorted(before.values(), reverse=True)[k - 1]
        after = sorted(others, key=lambda j: -float(Y[i] @ Y[j]))[:k]
        shares.append(sum(before[j] >= best for j in after) / k)
    return shares


@pytest.mark.parametrize("k", [1, 5, 89])
def test_oracle_loops(k, monkeypatch):
    whole = neighbour_overlap(X, Y, similarity=Dot(), k=k)
    np.testing.assert_allclose(whole, by_loops(X, Y, k))
    monkeypatch.setattr(module, "BLOCK", 7)
    np.testing.assert_array_equal(neighbour_overlap(X, Y, similarity=Dot(), k=k), whole)


def test_ties_with_the_last_neighbour_count_as_right():
    flat = np.ones((6, 2))
    np.testing.assert_array_equal(neighbour_overlap(flat, X[:6], similarity=Cosine(), k=2), 1.0)


def test_pairs_share_no_item_and_are_those_of_the_seed():
    found = agreement(X, Y, similarity=Cosine(), seed=3)
    order = np.random.default_rng(3).permutation(90)
    pairs = list(zip(order[:45], order[45:], strict=True))
    before, after = ([Cosine().pairs(Z[[i]], Z[[j]])[0] for i, j in pairs] for Z in (X, Y))
    assert found["ranks"].value == pytest.approx(spearmanr(before, after).statistic)
    assert found["moved"].value == pytest.approx(np.abs(np.subtract(before, after)).mean())


def test_nothing_changed():
    found = agreement(X, X, similarity=Cosine())
    assert (found["overlap"].value, found["ranks"].value, found["moved"].value) == (1.0, pytest.approx(1.0), 0.0)
    assert found["overlap"].interval.high == 1.0
    assert found["moved"].interval is None


def test_bad_input():
    with pytest.raises(ShapeError, match="same rows"):
        neighbour_overlap(X, Y[:5], similarity=Dot())
    for k in (0, 90):
        with pytest.raises(DataError, match="k must be"):
            neighbour_overlap(X, Y, similarity=Dot(), k=k)
