import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cosimo.compare import Euclidean

EXAMPLES = [Euclidean()]


@pytest.mark.parametrize("offset", [0, 1e3, 1e6])
def test_oracle_scipy(offset):
    """Far from the origin the expanded square loses every digit; the distances are the same ones."""
    rng = np.random.default_rng(0)
    Q, K = rng.normal(size=(7, 20)) + offset, rng.normal(size=(5, 20)) + offset
    np.testing.assert_allclose(Euclidean()(Q, K), -cdist(Q, K), rtol=1e-9)


def test_oracle_sentence_transformers():
    from sentence_transformers.util import euclidean_sim, pairwise_euclidean_sim

    rng = np.random.default_rng(1)
    Q, K = rng.normal(size=(2, 6, 384)).astype(np.float32)
    np.testing.assert_allclose(Euclidean()(Q, K), euclidean_sim(Q, K).numpy(), rtol=1e-5)
    np.testing.assert_allclose(Euclidean().pairs(Q, K), pairwise_euclidean_sim(Q, K).numpy(), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("closeness", [1e-5, 1e-3, 1e-2, 1e-1])
def test_near_duplicates_keep_their_digits(dtype, closeness):
    rng = np.random.default_rng(2)
    Q = rng.normal(size=(50, 384)).astype(dtype)
    K = (Q + closeness * rng.normal(size=Q.shape)).astype(dtype)
    exact = -np.sqrt(((Q.astype(np.longdouble) - K.astype(np.longdouble)) ** 2).sum(axis=1))
    digits = 1e-6 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(np.diag(Euclidean()(Q, K)), exact.astype(np.float64), rtol=digits)
    np.testing.assert_allclose(Euclidean().pairs(Q, K), exact.astype(np.float64), rtol=digits)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rows_are_at_distance_zero(dtype):
    X = (np.random.default_rng(3).normal(size=(200, 384)) + 100).astype(dtype)
    np.testing.assert_array_equal(np.diag(Euclidean()(X, X.copy())), 0)
    np.testing.assert_array_equal(Euclidean().pairs(X, X.copy()), 0)
    assert not np.signbit(np.diag(Euclidean()(X, X))).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_to_mips_ranks_as_the_distance(dtype):
    rng = np.random.default_rng(4)
    Q, K = rng.normal(size=(20, 16)).astype(dtype), (3 * rng.normal(size=(200, 16))).astype(dtype)
    q, k = Euclidean().to_mips(Q, side="query"), Euclidean().to_mips(K, side="key")
    assert q.dtype == k.dtype == dtype
    assert (q.shape, k.shape) == ((20, 17), (200, 17))
    np.testing.assert_array_equal((-(q @ k.T)).argsort(axis=1), (-Euclidean()(Q, K)).argsort(axis=1))
    distances = np.sqrt((Q**2).sum(axis=1, keepdims=True) - 2 * q @ k.T)
    np.testing.assert_allclose(-distances, Euclidean()(Q, K), rtol=1e-5)
