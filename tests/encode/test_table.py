import numpy as np
import pytest

from cosimo.encode import Table
from cosimo.errors import DataError, ShapeError

ITEMS = ["tea", "coffee", "Milk", "🎸", "", "juice"]
X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
EXAMPLES = [Table(ITEMS, X, name="drinks")]


def test_every_key_has_its_row():
    drinks = Table(ITEMS, X)
    for key, row in zip(ITEMS, X, strict=True):
        np.testing.assert_array_equal(drinks.encode([key])[0], row)


def test_integers_are_keys():
    products = Table(np.array([10, 20]), [[1, 0], [0, -1]])
    np.testing.assert_array_equal(products.encode([20, 10, 20]), [[0, -1], [1, 0], [0, -1]])
    assert products.passport.compare(Table([10, 20], [[1, 0], [0, -1]]).passport).verdict == "identical"


def test_unknown_key_names_the_nearest():
    with pytest.raises(DataError, match="'cofee' is not among the 6 keys of drinks; did you mean 'coffee'"):
        Table(ITEMS, X, name="drinks").encode(["tea", "cofee"])
    with pytest.raises(DataError, match="did you mean 'Milk'"):
        Table(ITEMS, X).encode(["milk"])
    with pytest.raises(DataError, match=r"'zzz' is not among the 6 keys of table$"):
        Table(ITEMS, X).encode(["zzz"])


@pytest.mark.parametrize("bad", [None, 3.5, ["tea"]])
def test_what_is_no_key_is_refused(bad):
    with pytest.raises(DataError, match="is not among the 6 keys"):
        Table(ITEMS, X).encode([bad])


def test_passport_holds_keys_and_vectors():
    passport = Table(ITEMS, X).passport
    assert passport.compare(Table(ITEMS, X, name="else").passport).verdict == "identical"
    assert not passport.compare(Table(ITEMS, -X).passport)
    assert not passport.compare(Table(ITEMS[::-1], X).passport)


def test_keys_and_vectors_must_match():
    with pytest.raises(ShapeError, match="got 6 keys and 5 vectors"):
        Table(ITEMS, X[:5])
    with pytest.raises(DataError, match="1 repeated"):
        Table(["tea", "tea"], X[:2])
    with pytest.raises(DataError, match="X contains NaN"):
        Table(["tea"], [[np.nan]])
