import numpy as np
import pytest
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import parametrize_with_checks

from cosimo.refine import Normalise

EXAMPLES = [Normalise()]


@parametrize_with_checks(EXAMPLES)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_scikit_learn(dtype):
    X = np.random.default_rng(0).normal(size=(20, 7)).astype(dtype)
    X[3] = 0
    ours = Normalise().fit_transform(X)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, Normalizer().fit_transform(X), rtol=1e-6)


def test_half_precision_becomes_float32():
    assert Normalise().transform(np.ones((2, 2), np.float16)).dtype == np.float32


def test_nothing_gives_nothing():
    assert Normalise().transform(np.empty((0, 4), np.float32)).shape == (0, 4)
