import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cosimo.compare import Manhattan

EXAMPLES = [Manhattan()]


def test_oracle_scipy():
    rng = np.random.default_rng(0)
    Q, K = rng.normal(size=(7, 20)), rng.normal(size=(5, 20))
    np.testing.assert_allclose(Manhattan()(Q, K), -cdist(Q, K, "cityblock"), rtol=1e-13)


def test_oracle_sentence_transformers():
    from sentence_transformers.util import manhattan_sim, pairwise_manhattan_sim

    rng = np.random.default_rng(1)
    Q, K = rng.normal(size=(2, 6, 384)).astype(np.float32)
    np.testing.assert_allclose(Manhattan()(Q, K), manhattan_sim(Q, K).numpy(), rtol=1e-5)
    np.testing.assert_allclose(Manhattan().pairs(Q, K), pairwise_manhattan_sim(Q, K).numpy(), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rows_are_at_distance_zero(dtype):
    X = (np.random.default_rng(3).normal(size=(50, 384)) + 100).astype(dtype)
    np.testing.assert_array_equal(np.diag(Manhattan()(X, X.copy())), 0)
    assert not np.signbit(Manhattan().pairs(X, X)).any()
