import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.measure import int8_sensitivity
from cosimo.measure.probes.int8_sensitivity import quantised

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_value_moves_by_half_a_step_at_most(dtype):
    X = (RNG.normal(size=(300, 5)) * [1, 10, 0.01, 1, 0]).astype(dtype)
    kept = quantised(X)
    assert kept.dtype == dtype
    step = np.ptp(X, axis=0) / 255
    assert (np.abs(kept - X) <= step / 2 * 1.001 + 1e-7).all()
    for column, size in zip(kept.T, step, strict=True):
        assert len(np.unique(np.round((column - column.min()) / (size or 1)))) <= 256


def test_no_vector_at_all_stays_none():
    assert quantised(np.empty((0, 3))).shape == (0, 3)


def test_little_is_lost_unless_one_value_is_far_out():
    X = RNG.normal(size=(400, 16))
    fine = int8_sensitivity(X)
    assert fine.metrics["overlap"].interval.low > 0.95
    assert fine.metrics["ranks"].value > 0.999
    X[0] = 1e4  # the ranges of all dimensions
    assert int8_sensitivity(X).metrics["overlap"].value < 0.5
    assert fine.n == 400
    assert fine.items != int8_sensitivity(X).items


def test_the_similarity_counts():
    X = RNG.normal(size=(100, 4)) + 5
    assert int8_sensitivity(X, similarity="dot").metrics["moved"].value > int8_sensitivity(X).metrics["moved"].value


def test_bad_input():
    with pytest.raises(DataError, match="NaN"):
        int8_sensitivity(np.full((20, 2), np.nan))
    with pytest.raises(DataError, match="k must be"):
        int8_sensitivity(RNG.normal(size=(10, 2)))
