import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from cosimo.decide import domain_shift
from cosimo.errors import DataError, ShapeError
from cosimo.measure.studies.embedding_clouds import average_cosine, partition_ratio


def cloud(n=80, d=6, offset=0.5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) + offset


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_oracle_average_cosine_over_all_pairs():
    X = cloud()
    assert average_cosine(X).value == pytest.approx(np.mean(1 - pdist(X, "cosine")))


def test_interval_of_the_average_cosine_covers():
    """95 % of 400 samples, within a binomial band; truth from 20,000 items."""
    truth = average_cosine(cloud(20000, seed=1)).value
    intervals = [average_cosine(cloud(100, seed=10 + i)).interval for i in range(400)]
    assert 365 <= sum(one.low <= truth <= one.high for one in intervals) <= 395


def test_oracle_partition_ratio_by_a_loop():
    X = cloud()
    axes = np.linalg.svd(unit(X), full_matrices=False)[2]
    Z = [sum(np.exp(sign * axis @ u) for u in unit(X)) for axis in axes for sign in (1, -1)]
    assert partition_ratio(X) == pytest.approx(min(Z) / max(Z))


def test_both_see_a_narrow_cone():
    even, narrow = cloud(2000, offset=0.0), cloud(2000, offset=3.0)
    assert abs(average_cosine(even).value) < 0.02
    assert average_cosine(narrow).value > 0.8
    assert partition_ratio(even) > 0.9
    assert partition_ratio(narrow) < 0.3


def test_oracle_energy_distance_over_all_pairs(monkeypatch):
    X, Y = unit(cloud()), unit(cloud(50, offset=-0.2, seed=1))
    expected = 2 * cdist(X, Y).mean() - pdist(X).mean() - pdist(Y).mean()
    assert domain_shift(X, Y).value == pytest.approx(expected)
    monkeypatch.setattr("cosimo.measure.studies.embedding_clouds.BLOCK", 7)
    assert domain_shift(3 * X, Y).value == pytest.approx(expected)


def test_interval_of_the_shift_covers():
    truth = domain_shift(cloud(4000, seed=1), cloud(4000, offset=0.0, seed=2)).value
    found = [domain_shift(cloud(60, seed=10 + i), cloud(90, offset=0.0, seed=1000 + i)).interval for i in range(300)]
    assert 270 <= sum(one.low <= truth <= one.high for one in found) <= 298
    assert {one.kind for one in found} == {"estimate"}


def test_clouds_of_one_distribution_are_not_apart():
    found = [domain_shift(cloud(60, seed=i), cloud(60, seed=500 + i)).value for i in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)


def test_bad_clouds_refused():
    X = cloud()
    with pytest.raises(DataError, match="at least 3 vectors, got 2"):
        average_cosine(X[:2])
    with pytest.raises(DataError, match="at least 3 vectors, got 1"):
        domain_shift(X, X[:1])
    with pytest.raises(ShapeError, match="same space"):
        domain_shift(X, X[:, :3])
    with pytest.raises(DataError, match="level must lie strictly"):
        domain_shift(X, X, level=1.0)
    with pytest.raises(DataError, match="NaN"):
        partition_ratio(np.full((5, 2), np.nan))
