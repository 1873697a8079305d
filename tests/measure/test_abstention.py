import numpy as np
import pytest
from sklearn.metrics import auc

from cosimo.measure import NAUC, estimate

EXAMPLES = [NAUC()]


def definition(values, confidence):
    """Query by query, for confidences that do not tie."""
    rates, n = np.linspace(0, 1, 11)[:-1], len(values)

    def area(by):
        kept = [np.sort(np.argsort(by, kind="stable")[min(round(rate * n), n - 1) :]) for rate in rates]
        return auc(rates, [values[rows].mean() for rows in kept])

    flat = values.mean() * rates[-1]
    return (area(confidence) - flat) / (area(values) - flat)


@pytest.mark.parametrize("n", [2, 5, 17, 30, 225])
def test_oracle_definition(n):
    rng = np.random.default_rng(n)
    values = rng.uniform(size=n)
    for confidence in (rng.normal(size=n), values + rng.normal(size=n), -values):
        assert NAUC()(values, confidence) == pytest.approx(definition(values, confidence), abs=1e-9)


def test_ties_are_the_mean_over_all_orders():
    rng = np.random.default_rng(0)
    values, confidence = rng.uniform(size=20), rng.integers(0, 3, size=20)
    broken = [definition(values, confidence + 1e-6 * rng.uniform(size=20)) for _ in range(3000)]
    error = np.std(broken) / 3000**0.5
    assert NAUC()(values, confidence) == pytest.approx(np.mean(broken), abs=4 * error)


def test_constant_confidence_knows_nothing():
    assert NAUC()([0.1, 0.9, 0.5, 0.3], [2.0] * 4) == pytest.approx(0, abs=1e-12)


def test_worse_than_chance_has_no_floor():
    assert NAUC()([0.0] + [1.0] * 99, [5.0] + [-1.0] * 99) < -1


def test_nothing_to_know_is_nan_and_stops_nothing():
    found = estimate(NAUC(), [0.5] * 30, np.arange(30.0))
    assert np.isnan(found.value)
    assert found.interval is None
