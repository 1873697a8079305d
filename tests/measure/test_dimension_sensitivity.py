import numpy as np
import pytest

from cosimo.compare import Cosine, Euclidean
from cosimo.errors import DataError, ShapeError
from cosimo.measure import dimension_sensitivity
from cosimo.measure.probes.agreement import neighbour_overlap

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 24)) * np.exp(-np.arange(24) / 6)


def test_equals_the_overlap_with_the_slice():
    found = dimension_sensitivity(X, k=5)
    assert list(found.metrics) == ["overlap@12", "ranks@12", "moved@12", "overlap@6", "ranks@6", "moved@6"]
    for kept in (12, 6):
        expected = neighbour_overlap(X, X[:, :kept], similarity=Cosine(), k=5)
        np.testing.assert_allclose(found.metrics[f"overlap@{kept}"].per_item, expected)
    assert found.metrics["overlap@12"].value > found.metrics["overlap@6"].value


def test_distances_are_taken_of_the_slice_as_it_is():
    found = dimension_sensitivity(X, dims=[3], similarity="euclidean")
    expected = neighbour_overlap(X, X[:, :3], similarity=Euclidean())
    np.testing.assert_allclose(found.metrics["overlap@3"].per_item, expected)


def test_all_dimensions_lose_nothing():
    assert dimension_sensitivity(X, dims=[24]).metrics["overlap@24"].value == 1.0


def test_bad_input():
    with pytest.raises(ShapeError, match="first 25"):
        dimension_sensitivity(X, dims=[25])
    with pytest.raises(DataError, match="k must be"):
        dimension_sensitivity(X[:10])
