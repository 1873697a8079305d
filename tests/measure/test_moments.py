import numpy as np
import pytest

from cosimo.measure.vectors.moments import Moments, clean
from cosimo.measure.vectors.one_pass import Block, Seen
from cosimo.measure.vectors.spectrum import moments


def fed(X, sizes):
    found = Moments()
    for part in np.split(X, np.cumsum(sizes)[:-1]):
        found.update(Block(part))
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(300,), (1, 299), (100, 7, 193)], ids=str)
def test_oracle_numpy(sizes, dtype):
    X = (np.random.default_rng(0).normal(size=(300, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5]) - 2).astype(dtype)
    found, exact = fed(X, sizes), X.astype(np.float64)
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(exact, rowvar=False, bias=True), rtol=1e-10, atol=1e-12)
    assert found.n == 300
    assert found.scatter.dtype == np.float64


def test_a_long_mean_takes_no_digits():
    """E[x x] - E[x] E[x] is off by a factor of hundreds here."""
    X = np.random.default_rng(1).normal(size=(500, 3))
    far = X + 2.0**30  # exact: every X is rounded to the same grid afterwards
    exact = far - 2.0**30
    naive = (far.T @ far) / 500 - np.outer(far.mean(axis=0), far.mean(axis=0))
    np.testing.assert_allclose(fed(far, (250, 250)).covariance, np.cov(exact, rowvar=False, bias=True), rtol=1e-6)
    assert not np.allclose(naive, np.cov(exact, rowvar=False, bias=True), rtol=1)


@pytest.mark.parametrize("constant", [0.1, -1e6, 3e-20])
def test_a_dimension_that_never_changes_has_no_variance_at_all(constant):
    X = np.random.default_rng(2).normal(size=(100, 3)).astype(np.float32)
    X[:, 1] = constant
    scatter = fed(X, (30, 1, 69)).scatter
    assert (scatter[1] == 0).all()
    assert scatter[0, 0] > 0


def test_of_directions():
    X = np.random.default_rng(3).normal(size=(80, 4)) - 1
    X[5] = 0
    unit = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
    np.testing.assert_allclose(moments(X, normalise=True).covariance, np.cov(unit, rowvar=False, bias=True), rtol=1e-10)


def test_variances_fall_and_leave_rounding_out():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 7))
    variances = moments(X).variances
    assert (np.diff(variances) <= 0).all()
    assert (variances > 0).sum() == 2
    np.testing.assert_array_equal(clean(np.array([0.0, 0.0])), [0, 0])


def test_many_rows_come_in_parts():
    """More rows than are taken in at a time."""
    X = np.random.default_rng(5).normal(size=(6000, 400)).astype(np.float32)
    seen = Seen()
    found = seen.get(Moments, False)
    seen.update(X)
    np.testing.assert_allclose(found.covariance, np.cov(X, rowvar=False, bias=True, dtype=np.float64), atol=1e-9)
