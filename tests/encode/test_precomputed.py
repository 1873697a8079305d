import numpy as np
import pytest

from cosimo.encode import Precomputed
from cosimo.errors import DataError, ShapeError

ITEMS = list(np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32))
EXAMPLES = [Precomputed(3, name="made elsewhere")]


def test_vectors_pass_through():
    X = np.array(ITEMS)
    np.testing.assert_array_equal(Precomputed(3, name="x").encode(X), X)
    np.testing.assert_array_equal(Precomputed(3, name="x").encode(X.tolist()), X)


@pytest.mark.parametrize("items", [["a text"], "a text", [None], [[1.0, 2.0], [3.0]], [[1, 2, 3], "text"], [object()]])
def test_raw_items_are_refused(items):
    with pytest.raises(DataError, match=r'this space \("clip"\) has no encoder.*pass vectors of shape \(n, 3\)'):
        Precomputed(3, name="clip").encode(items)


def test_other_dimensions_are_refused():
    with pytest.raises(ShapeError, match="items has 2 dimensions, wanted 3"):
        Precomputed(3, name="x").encode([[1, 2]])
    with pytest.raises(ShapeError, match="items has 7 dimensions, wanted 3"):
        Precomputed(3, name="x").encode(np.empty((0, 7)))
    with pytest.raises(DataError, match="dim must be at least 1"):
        Precomputed(0, name="x")


def test_nan_is_refused():
    with pytest.raises(DataError, match="items contains NaN"):
        Precomputed(1, name="x").encode([[np.nan]])


def test_the_declared_name_decides():
    passport = Precomputed(3, name="clip v1").passport
    assert passport.compare(Precomputed(3, name="clip v1").passport).verdict == "identical"
    assert passport.compare(Precomputed(3, name="clip v2").passport).verdict == "different"
    assert passport.compare(Precomputed(4, name="clip v1").passport).verdict == "different"
