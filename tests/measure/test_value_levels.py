import numpy as np
import pytest
from scipy.stats import entropy

from cosimo.measure import ValueLevels
from cosimo.measure.vectors.value_levels import bits

EXAMPLES = [ValueLevels(), ValueLevels(size=40)]
RNG = np.random.default_rng(0)


def values(X, **settings):
    diagnostic = ValueLevels(**settings)
    diagnostic.update(X)
    return {name: estimate.value for name, estimate in diagnostic.result().metrics.items()}


def test_oracle_entropy_of_scipy():
    X = RNG.integers(-2, 2, size=(300, 7)).astype(np.float64)
    each = [entropy(np.unique(column, return_counts=True)[1], base=2) for column in X.T]
    assert bits(X) == pytest.approx(np.median(each))
    kept = X[(X != 0).any(axis=1)]
    assert values(X)["zeros"] == pytest.approx((kept == 0).mean())


def test_of_many_dimensions_some_are_looked_at():
    X = np.tile(np.array([[0.0], [1.0]]), (10, 500))
    assert bits(X) == 1.0


def test_floats_hold_as_many_bits_as_there_are_rows():
    assert values(RNG.normal(size=(1024, 5)))["bits"] == 10.0
    assert values(RNG.normal(size=(1024, 5)))["zeros"] == 0.0


def test_units_cast_to_whole_numbers_hold_none():
    X = RNG.normal(size=(500, 64))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    assert values(np.trunc(X)) == {"bits": 0.0, "zeros": 1.0}
    fine, coarse = values(np.round(X * 127 / np.abs(X).max())), values(np.round(X / np.abs(X).max()))
    assert fine["bits"] > 5 > 1 > coarse["bits"]
    assert coarse["zeros"] > 0.9


def test_sparse_vectors_hold_bits_where_they_are_used():
    X = RNG.normal(size=(500, 8)) * (RNG.uniform(size=(500, 8)) < 0.5)
    found = values(X)
    assert found["zeros"] == pytest.approx(0.5, abs=0.05)
    assert found["bits"] > 4
