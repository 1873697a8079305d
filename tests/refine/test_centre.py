import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from cosimo.refine import Centre

EXAMPLES = [Centre()]


@parametrize_with_checks(EXAMPLES)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_scikit_learn(dtype):
    X = (np.random.default_rng(0).normal(size=(50, 7)) + 3).astype(dtype)
    ours = Centre().fit(X).transform(X[:9])
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, StandardScaler(with_std=False).fit(X).transform(X[:9]), rtol=1e-4, atol=1e-6)


def test_transform_uses_the_fitted_mean():
    refiner = Centre().fit(np.zeros((2, 2)))
    np.testing.assert_array_equal(refiner.transform(np.array([[5.0, -5.0]])), [[5, -5]])


def test_the_mean_of_many_float32_rows_keeps_its_digits():
    X = np.full((100_000, 1), 0.1, np.float32)
    assert abs(Centre().fit(X).mean_[0] - np.float64(np.float32(0.1))) < 1e-12
