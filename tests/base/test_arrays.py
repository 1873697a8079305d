import numpy as np
import pytest

from cosimo._arrays import as_ids, as_vectors, same_dim, unit
from cosimo.errors import DataError, ShapeError


@pytest.mark.parametrize(
    ("given", "kept"),
    [("f4", "f4"), ("f8", "f8"), ("f2", "f4"), ("i8", "f4"), ("u1", "f4"), ("?", "f4")],
)
def test_float_types(given, kept):
    X = as_vectors(np.ones((2, 3), given))
    assert X.dtype == kept
    np.testing.assert_array_equal(X, np.ones((2, 3)))


def test_good_arrays_are_not_copied():
    X = np.ones((2, 3), np.float32)
    assert as_vectors(X) is X


@pytest.mark.parametrize("empty", [np.empty((0, 4), np.float32), np.empty((3, 0), np.float32)], ids=["rows", "columns"])
def test_empty_is_fine(empty):
    assert as_vectors(empty).shape == empty.shape


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_counted(bad):
    X = np.zeros((4, 2))
    X[1, 0] = X[3, 1] = bad
    with pytest.raises(DataError, match=r"^Q contains NaN or infinity \(2 rows, the first is row 1\)$"):
        as_vectors(X, name="Q")


def test_half_precision_overflow_is_seen():
    with pytest.raises(DataError, match="infinity"):
        as_vectors(np.array([[np.inf]], np.float16))


@pytest.mark.parametrize("bad", [[["a", "b"]], [[1j]], [[None]]], ids=["text", "complex", "object"])
def test_only_numbers(bad):
    with pytest.raises(DataError, match="K must hold numbers"):
        as_vectors(bad, name="K")


def test_one_vector_gets_a_hint():
    with pytest.raises(ShapeError, match=r"got \(3,\); reshape one vector with X\[None\]"):
        as_vectors([1.0, 2.0, 3.0])


def test_three_axes_refused():
    with pytest.raises(ShapeError, match=r"\(n, d\), got \(1, 2, 3\)$"):
        as_vectors(np.zeros((1, 2, 3)))


def test_wrong_dimension_refused():
    with pytest.raises(ShapeError, match="X has 3 dimensions, wanted 4"):
        as_vectors(np.zeros((2, 3)), dim=4)


def test_sides_of_other_dimensions_refused():
    with pytest.raises(ShapeError, match="queries have 3 dimensions and keys 4"):
        same_dim(np.zeros((1, 3)), np.zeros((1, 4)))


def test_unit_equals_the_loop():
    X = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(unit(X), [x / sum(v * v for v in x) ** 0.5 for x in X])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_keeps_zero_rows_and_type(dtype):
    X = np.array([[0, 0], [3, -4]], dtype)
    assert unit(X).dtype == dtype
    np.testing.assert_array_equal(unit(X)[0], [0, 0])


def test_ids_become_int64():
    ids = as_ids(np.array([3, 1], np.uint8), 2)
    assert ids.dtype == np.int64
    assert as_ids([], 0).dtype == np.int64


@pytest.mark.parametrize("bad", [[1.0, 2.0], ["a", "b"], [1], [[1, 2]]], ids=["float", "text", "short", "square"])
def test_ids_of_wrong_shape_or_type_refused(bad):
    with pytest.raises(ShapeError, match="ids must be 2 integers"):
        as_ids(bad, 2)


@pytest.mark.parametrize("bad", [[1, 1], [-1, 2]], ids=["twice", "negative"])
def test_ids_are_distinct_and_not_negative(bad):
    with pytest.raises(DataError, match="distinct and not negative"):
        as_ids(bad, 2)


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_unit_of_very_short_and_very_long_rows(size):
    np.testing.assert_allclose(unit(np.full((1, 4), size, np.float32)), 0.5, rtol=1e-6)
