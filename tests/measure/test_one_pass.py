import numpy as np
import pytest

from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.vectors import one_pass
from cosimo.measure.vectors.moments import Moments
from cosimo.measure.vectors.one_pass import Block, Seen, row_codes
from cosimo.measure.vectors.sampling import Reservoir


def fingerprint(*blocks):
    seen = Seen()
    for block in blocks:
        seen.update(block)
    return seen.fingerprint


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [3, 4])
def test_codes_are_equal_where_rows_are_and_only_there(d, dtype):
    X = np.random.default_rng(0).integers(-2, 3, size=(3000, d)).astype(dtype)
    codes = row_codes(X)
    assert len(np.unique(codes)) == len(np.unique(X, axis=0))
    for row in (0, 17, 2999):
        np.testing.assert_array_equal(codes == codes[row], (X[row] == X).all(axis=1))


@pytest.mark.parametrize("step", [1e-30, 2.0**-23, 1e30, -1.0])
def test_one_changed_number_changes_the_code(step):
    X = np.ones((1, 8), np.float64)
    changed = X.copy()
    changed[0, 5] += step if abs(step) > 1e-20 else 0
    changed[0, 2] = step
    assert row_codes(X)[0] != row_codes(changed)[0]


def test_fingerprint_knows_rows_but_not_their_order_or_blocks():
    X = np.random.default_rng(1).normal(size=(50, 3))
    assert fingerprint(X) == fingerprint(X[30:], X[:30]) == fingerprint(*X[:, None])
    other = X.copy()
    other[7, 1] += 1e-12
    assert len({fingerprint(X), fingerprint(X[:-1]), fingerprint(np.concatenate([X, X[:1]])), fingerprint(other)}) == 4


def test_one_accumulator_for_all_who_ask_alike():
    seen = Seen()
    assert seen.get(Moments, False) is seen.get(Moments, False)
    assert seen.get(Moments, False) is not seen.get(Moments, True)
    assert seen.get(Reservoir, 10, 0) is not seen.get(Reservoir, 10, 1)


def test_what_is_made_of_them_is_made_once_until_more_rows_come():
    seen, made = Seen(), []
    seen.update(np.eye(3))
    assert [seen.once(lambda: made.append(0) or len(made), key=("a",)) for _ in range(3)] == [1, 1, 1]
    assert seen.once(lambda: "other", key=("b",)) == "other"
    seen.update(np.eye(3))
    assert seen.once(lambda: "again", key=("a",)) == "again"


def test_each_sees_each_row_once(monkeypatch):
    monkeypatch.setattr(one_pass, "NUMBERS", 12)
    monkeypatch.setattr(one_pass, "ROWS", 1)
    seen = Seen()
    found, again = seen.get(Moments, False), seen.get(Moments, False)
    X = np.random.default_rng(2).normal(size=(25, 3))
    seen.update(X)
    assert found.n == again.n == seen.n == 25
    np.testing.assert_allclose(found.mean, X.mean(axis=0))


def test_asked_for_too_late_refused():
    seen = Seen()
    seen.update(np.eye(3))
    with pytest.raises(Refused, match="3 rows went by"):
        seen.get(Moments, False)


def test_no_dimension_refused():
    with pytest.raises(ShapeError, match="0 dimensions"):
        Seen().update(np.empty((3, 0)))


def test_numbers_too_large_to_square_refused():
    with pytest.raises(DataError, match="beyond 1e\\+75"):
        Seen().update(np.array([[1.0, -1e80]]))


def test_of_unit_rows_one_product_serves_both():
    X = np.random.default_rng(3).normal(size=(40, 3)).astype(np.float32)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    mean = np.zeros(3)
    block, other = Block(unit), Block(X)
    assert block.about(mean, normalise=True)[1] is block.about(mean, normalise=False)[1]
    assert other.about(mean, normalise=True)[1] is not other.about(mean, normalise=False)[1]
    np.testing.assert_allclose(other.about(mean, normalise=True)[1], unit.T @ unit, rtol=1e-5)


def test_unit_blocks_between_others_change_nothing():
    """Moments of directions and of rows part ways in the middle of a stream."""
    X = np.random.default_rng(4).normal(size=(90, 3))
    X[:30] /= np.linalg.norm(X[:30], axis=1, keepdims=True)
    X[60:] /= np.linalg.norm(X[60:], axis=1, keepdims=True)
    seen = Seen()
    raw, directions = seen.get(Moments, False), seen.get(Moments, True)
    for start in (0, 30, 60):
        seen.update(X[start : start + 30])
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(raw.covariance, np.cov(X, rowvar=False, bias=True), rtol=1e-9)
    np.testing.assert_allclose(directions.covariance, np.cov(unit, rowvar=False, bias=True), rtol=1e-9)


def test_block_lengths_do_not_overflow():
    block = Block(np.array([[3e30, -4e30], [0, 0]], np.float32))
    assert block.lengths.tolist() == pytest.approx([5e30, 0])
    np.testing.assert_allclose(block.unit, [[0.6, -0.8], [0, 0]], rtol=1e-6)
