import numpy as np
import pytest

from cosimo.errors import DataError, ShapeError
from cosimo.refine.frozen import Leading, UnitRows

EXAMPLES = [UnitRows(), Leading(3), Leading(2, normalise=False)]


def test_oracle_by_hand():
    X = np.array([[3.0, -4.0, 12.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(UnitRows().transform(X), [[3 / 13, -4 / 13, 12 / 13], [0, 0, 1]])
    np.testing.assert_allclose(Leading(2).transform(X), [[0.6, -0.8], [0, 0]])
    np.testing.assert_array_equal(Leading(2, normalise=False).transform(X), X[:, :2])


@pytest.mark.parametrize("refiner", EXAMPLES, ids=repr)
def test_bad_vectors_refused(refiner):
    with pytest.raises(ShapeError, match=r"reshape one vector with X\[None\]"):
        refiner.transform(np.ones(4))
    with pytest.raises(DataError, match="NaN"):
        refiner.transform(np.full((1, 4), np.nan))
    assert refiner.transform(np.ones((1, 4), np.float16)).dtype == np.float32


def test_too_few_dimensions_refused():
    with pytest.raises(ShapeError, match="cannot keep the first 3 of 2 dimensions"):
        Leading(3).transform(np.ones((1, 2)))
