import numpy as np
import pytest

from cosimo.errors import DataError, ShapeError
from cosimo.refine import Affine
from cosimo.refine.affine import apply_affine

W, B = np.random.default_rng(0).normal(size=(8, 3)), np.array([1.0, -2.0, 0.5])
EXAMPLES = [Affine(W, B)]


def test_oracle_loop():
    X = np.random.default_rng(1).normal(size=(4, 8))
    loop = [[sum(x[i] * W[i, j] for i in range(8)) + B[j] for j in range(3)] for x in X]
    np.testing.assert_allclose(Affine(W, B).transform(X), loop, rtol=1e-12)


def test_near_cancellation_keeps_float32_digits():
    """x W and b are a million times larger than their sum."""
    X = np.array([[1e6 + 1, 1e6]], np.float32)
    result = apply_affine(X, np.array([[1.0], [1.0]]), np.array([-2e6 - 0.5]))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, [[0.5]])


def test_one_row_as_in_many_to_the_bit():
    """In float32, since the sums are made in float64."""
    rng = np.random.default_rng(2)
    X, refiner = rng.normal(size=(100, 384)).astype(np.float32), Affine(rng.normal(size=(384, 64)), np.ones(64))
    one_by_one = np.concatenate([refiner.transform(x[None]) for x in X])
    np.testing.assert_array_equal(refiner.transform(X), one_by_one)


@pytest.mark.parametrize(
    ("weights", "bias", "error", "message"),
    [
        (np.ones(3), np.ones(3), ShapeError, r"W \(d, k\) and b \(k,\), got \(3,\) and \(3,\)"),
        (np.ones((2, 3)), np.ones(2), ShapeError, r"got \(2, 3\) and \(2,\)"),
        (np.full((2, 1), np.nan), np.ones(1), DataError, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(weights, bias, error, message):
    with pytest.raises(error, match=message):
        Affine(weights, bias)


def test_other_dimension_refused():
    with pytest.raises(ShapeError, match="X has 5 dimensions, wanted 8"):
        Affine(W, B).transform(np.ones((2, 5)))
