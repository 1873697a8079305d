import numpy as np
import pytest
from scipy.stats import beta, binom

from cosimo.decide import precision_band
from cosimo.errors import DataError, Refused


def test_equals_a_loop():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=300)
    y = rng.random(300) < 1 / (1 + np.exp(-3 * scores))
    band = precision_band(scores, y, confidence=0.9)
    for j, cut in enumerate(band.cuts):
        above = y[scores >= cut]
        assert (band.accepted[j], band.right[j]) == (len(above), above.sum())
        expected = beta.ppf(0.1 / len(band.cuts), above.sum(), len(above) - above.sum() + 1) if above.any() else 0
        assert band.low[j] == pytest.approx(expected)
        assert band.precision[j] == pytest.approx(above.mean())


def test_all_bounds_hold_at_once():
    """A flat curve, of which the truth above each cut is 0.8."""
    rng, runs = np.random.default_rng(1), 500
    false = sum((precision_band(rng.random(300), rng.random(300) < 0.8).low > 0.8).any() for _ in range(runs))
    assert false <= binom.isf(1e-4, runs, 0.05)


def test_cuts_that_are_given_fall_and_count_once():
    band = precision_band([0.1, 0.2, 0.3], [0, 1, 1], cuts=[0.0, 0.25, 0.25, 0.9])
    assert band.cuts.tolist() == pytest.approx([0.9, 0.25, 0.0])
    assert band.accepted.tolist() == [0, 1, 3]
    assert np.isnan(band.precision[0])
    assert band.low[0] == 0


def test_bad_input():
    with pytest.raises(DataError, match="confidence"):
        precision_band([0.1, 0.2], [0, 1], confidence=1)
    with pytest.raises(DataError, match="cuts must be numbers"):
        precision_band([0.1, 0.2], [0, 1], cuts=[np.nan])
    with pytest.raises(DataError, match="cuts must be numbers"):
        precision_band([0.1, 0.2], [0, 1], cuts=[])
    with pytest.raises(Refused, match="all 2 labels"):
        precision_band([0.1, 0.2], [1, 1])
