import numpy as np
import pytest

from assembly.toys import DIM, toy_space
from cosimo.errors import DataError, ShapeError
from cosimo.measure import stored_agreement

TEXTS = [f"item number {i} about {'rice' if i % 2 else 'heat'}" for i in range(60)]


def values(report):
    return {name: estimate.value for name, estimate in report.metrics.items()}


def test_what_was_stored_is_what_is_made():
    space = toy_space()
    X = space.encode(TEXTS)
    assert values(stored_agreement(space, TEXTS, X)) == {"differing": 0, "lowest": 1, "mean": 1, "rescaled": 0}
    assert not stored_agreement(space, TEXTS, X).warnings


def test_oracle_of_a_few_strange_vectors():
    space = toy_space()
    X = space.encode(TEXTS).astype(np.float64)
    fresh = X.copy()
    X[:3] = toy_space(salt="other").encode(TEXTS[:3])
    X[3:9] *= 2
    report = stored_agreement(space, TEXTS, X)
    cosines = (X * fresh).sum(axis=1) / np.linalg.norm(X, axis=1) / np.linalg.norm(fresh, axis=1)
    assert values(report)["differing"] == pytest.approx(3 / 60)
    assert values(report)["lowest"] == pytest.approx(cosines.min())
    np.testing.assert_allclose(report.metrics["mean"].per_item, cosines, atol=1e-7)
    assert values(report)["rescaled"] >= 6 / 60
    assert report.metrics["differing"].interval.high > 3 / 60
    assert "3 of 60" in report.warnings[0]


def test_half_precision_is_the_same_space():
    space = toy_space()
    X = space.encode(TEXTS)
    assert values(stored_agreement(space, TEXTS, X.astype(np.float16)))["differing"] == 0


def test_zero_vectors_that_should_not_be_differ():
    space = toy_space()
    assert values(stored_agreement(space, TEXTS, np.zeros((60, DIM))))["differing"] == 1.0


def test_bad_input():
    with pytest.raises(ShapeError, match="one vector a text"):
        stored_agreement(toy_space(), TEXTS, np.ones((3, DIM)))
    with pytest.raises(ShapeError, match="dimensions"):
        stored_agreement(toy_space(), TEXTS, np.ones((60, 3)))
    with pytest.raises(DataError, match="at least 1"):
        stored_agreement(toy_space(), [], np.ones((0, DIM)))
