import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from cosimo.errors import DataError, ShapeError
from cosimo.measure import Accuracy, TripletAccuracy, compare, estimate

EXAMPLES = [Accuracy(), TripletAccuracy()]


def test_oracle_accuracy():
    rng = np.random.default_rng(0)
    truth, pred = rng.integers(3, size=(2, 50))
    assert Accuracy()(truth, pred).mean() == pytest.approx(accuracy_score(truth, pred))


def test_several_answers_an_item_are_shares():
    truth, pred = np.random.default_rng(0).integers(3, size=50), np.random.default_rng(1).integers(3, size=(50, 4))
    expected = np.mean([Accuracy()(truth, column) for column in pred.T], axis=0)
    np.testing.assert_allclose(Accuracy()(truth, pred), expected)


def test_classes_may_be_words():
    assert Accuracy()(["yes", "no"], ["yes", "yes"]).tolist() == [1.0, 0.0]


def test_oracle_triplets():
    rng = np.random.default_rng(0)
    truth, pred = rng.integers(2, size=50), rng.integers(-2, 3, size=(50, 2)) / 10
    expected = [
        0.5 if a == b else float((a > b) == bool(first)) for first, (a, b) in zip(truth, pred.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(TripletAccuracy()(truth, pred), expected)
    assert {0.0, 0.5, 1.0} <= set(expected)


def test_constant_scores_are_right_half_the_time():
    assert estimate(TripletAccuracy(), np.ones(30), np.zeros((30, 2))).value == 0.5


def test_rates_have_the_intervals_of_rates():
    right = np.arange(50) < 40
    assert estimate(Accuracy(), np.ones(50), right).interval.method == "Wilson"
    assert estimate(Accuracy(), np.ones(50), np.ones(50)).interval.method == "Clopper-Pearson"
    assert estimate(Accuracy(), np.ones(50), np.ones(50)).interval.low < 0.95


def test_systems_are_compared_by_mcnemar():
    truth = np.arange(10)
    found = compare(Accuracy(), truth, np.where(truth < 7, truth, -1), np.where(truth > 7, truth, -1))
    assert found.test == "exact McNemar"
    assert found.difference == pytest.approx(0.5)
    assert (found.better, found.worse) == (0.7, 0.2)


@pytest.mark.parametrize("pred", [[1], [[1, 1], [2, 2], [1, 2]], [1, 2, 3], [[[1]], [[2]]]], ids=str)
def test_columns_that_are_not_equally_long_refused(pred):
    with pytest.raises(ShapeError, match="truth and pred"):
        Accuracy()([1, 2], pred)


def test_triplets_want_two_finite_scores_and_a_side():
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        TripletAccuracy()([1, 1], [0.5, 0.2])
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        TripletAccuracy()([1], [[0.5, 0.2], [0.1, 0.3]])
    with pytest.raises(DataError, match=r"NaN.*row 1"):
        TripletAccuracy()([1, 1], [[0.5, 0.2], [np.nan, 0.3]])
    with pytest.raises(DataError, match="truth"):
        TripletAccuracy()([1, 2], [[0.5, 0.2], [0.1, 0.3]])
