import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from cosimo.errors import ShapeError
from cosimo.measure import XsimError, compare, estimate

EXAMPLES = [XsimError()]


def test_oracle_accuracy():
    truth, pred = np.random.default_rng(0).integers(3, size=(2, 50))
    assert XsimError()(truth, pred).mean() == pytest.approx(1 - accuracy_score(truth, pred))


def test_less_is_better():
    truth = np.arange(10)
    found = compare(XsimError(), truth, np.where(truth < 7, truth, -1), np.where(truth > 7, truth, -1))
    assert found.difference == pytest.approx(-0.5)
    assert (found.better, found.worse) == (0.7, 0.2)
    assert found.test == "exact McNemar"


def test_no_error_is_an_upper_bound_and_no_certainty():
    found = estimate(XsimError(), np.arange(50), np.arange(50)).interval
    assert found.low == 0 < found.high < 0.1


def test_columns_that_are_not_equally_long_refused():
    with pytest.raises(ShapeError, match="truth and pred"):
        XsimError()([1, 2], [1])
