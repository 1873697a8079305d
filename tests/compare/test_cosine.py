import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cosimo.compare import Cosine

EXAMPLES = [Cosine()]


def test_oracle_scipy():
    rng = np.random.default_rng(0)
    Q, K = rng.normal(size=(7, 20)), rng.normal(size=(5, 20))
    np.testing.assert_allclose(Cosine()(Q, K), 1 - cdist(Q, K, "cosine"), rtol=1e-12, atol=1e-14)


def test_oracle_sentence_transformers():
    from sentence_transformers.util import cos_sim, pairwise_cos_sim

    rng = np.random.default_rng(1)
    Q, K = rng.normal(size=(2, 6, 384)).astype(np.float32)
    np.testing.assert_allclose(Cosine()(Q, K), cos_sim(Q, K).numpy(), atol=1e-6)
    np.testing.assert_allclose(Cosine().pairs(Q, K), pairwise_cos_sim(Q, K).numpy(), atol=1e-6)


def test_zero_vector_scores_zero_to_everything():
    X = np.array([[0.0, 0.0], [1.0, -1.0]], np.float32)
    np.testing.assert_array_equal(Cosine()(X, X)[0], [0, 0])
    np.testing.assert_allclose(Cosine().pairs(X, X), [0, 1], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_never_above_one(dtype):
    """Without clipping, some of these exceed 1 and arccos gives NaN."""
    X = np.random.default_rng(2).normal(size=(500, 384)).astype(dtype)
    assert np.isfinite(np.arccos(Cosine().pairs(X, 3 * X))).all()
    assert np.isfinite(np.arccos(Cosine()(X, -X))).all()


@pytest.mark.parametrize("side", ["query", "key"])
def test_to_mips_makes_the_inner_product_the_cosine(side):
    rng = np.random.default_rng(3)
    Q, K = rng.normal(size=(7, 20)), 100 * rng.normal(size=(5, 20))
    assert np.allclose(np.linalg.norm(Cosine().to_mips(K, side=side), axis=1), 1)
    inner = Cosine().to_mips(Q, side="query") @ Cosine().to_mips(K, side="key").T
    np.testing.assert_allclose(inner, Cosine()(Q, K), atol=1e-14)
