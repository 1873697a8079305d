import numpy as np
import pytest

from cosimo.measure.vectors.directions import Directions
from cosimo.measure.vectors.one_pass import Block
from cosimo.statistics import pair_average_interval


def fed(X, parts=3):
    found = Directions()
    for block in np.array_split(X, parts):
        found.update(Block(block))
    return found


def cloud(n=60, d=5):
    X = np.random.default_rng(0).normal(size=(n, d)) + 0.4
    X[3] = 0
    return X


def cosines(X):
    U = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
    S = U @ U.T
    np.fill_diagonal(S, np.nan)
    return U, S


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_loops(dtype):
    X = cloud().astype(dtype)
    found, (U, S) = fed(X), cosines(X.astype(np.float64))
    assert found.contributions.sum() == pytest.approx(np.nanmean(S), rel=1e-6)
    added = [np.mean([U[i, k] * U[j, k] for i in range(60) for j in range(i)]) for k in range(5)]
    np.testing.assert_allclose(found.contributions, added, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.cosines(X[10:20]), np.nanmean(S[10:20], axis=1), rtol=1e-5)


def test_lengths_oracle_numpy():
    X = cloud()
    lengths = np.linalg.norm(X, axis=1)
    found = fed(X, 7)
    assert found.mean_length == pytest.approx(lengths.mean())
    assert found.sd_length == pytest.approx(lengths.std(ddof=1))
    assert (found.shortest, found.longest) == (0, pytest.approx(lengths.max()))
    assert (found.zero, found.unnormalised) == (1, (np.abs(lengths - 1) > 1e-3).sum())


def test_mean_cosine_of_everything_is_the_u_statistic():
    X = cloud()
    ours, theirs = fed(X).mean_cosine(X), pair_average_interval(np.nanmean(cosines(X)[1], axis=1))
    assert (ours.interval.low, ours.interval.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.value == pytest.approx((theirs.low + theirs.high) / 2)


def test_alike_vectors_have_no_interval():
    found = fed(np.full((30, 3), -1.0)).mean_cosine(np.full((30, 3), -1.0))
    assert (found.value, found.interval) == (pytest.approx(1), None)
