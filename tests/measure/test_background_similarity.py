import numpy as np
import pytest

from cosimo.measure import BackgroundSimilarity
from cosimo.statistics import pair_average_interval, pair_averages

EXAMPLES = [BackgroundSimilarity(), BackgroundSimilarity(size=40)]


def report_on(X, **settings):
    diagnostic = BackgroundSimilarity(**settings)
    diagnostic.update(X)
    return diagnostic.result()


def test_oracle_loops():
    X = np.random.default_rng(0).normal(size=(80, 6)) - 0.4
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    pairs = np.array(sorted(float(U[i] @ U[j]) for i in range(80) for j in range(i)))
    found = {name: estimate.value for name, estimate in report_on(X).metrics.items()}
    places = [int(np.ceil(q * len(pairs))) - 1 for q in (0.01, 0.5, 0.99, 0.999)]
    assert list(found.values()) == pytest.approx([pairs.mean(), pairs.std(), *pairs[places]], abs=1e-10)


def test_histogram_counts_all_pairs_over_the_whole_range():
    histogram = report_on(np.random.default_rng(1).normal(size=(50, 3))).settings["histogram"]
    assert sum(histogram["counts"]) == 50 * 49 / 2
    assert (histogram["edges"][0], histogram["edges"][-1]) == (-1, 1)


def test_interval_of_the_mean_counts_items_not_pairs():
    X = np.random.default_rng(2).normal(size=(200, 10)) + 0.3
    found = report_on(X).metrics["mean"].interval
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    theirs = pair_average_interval(pair_averages(lambda Q, K: Q @ K.T, U))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_mean_is_over_all_rows():
    X = np.random.default_rng(3).normal(size=(2000, 8)) + 0.5
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    found = report_on(X, size=100).metrics["mean"]
    assert found.value == pytest.approx(((U @ U.T).sum() - 2000) / (2000 * 1999))
    assert found.interval.n_units == 2000


def test_a_crowded_space_is_told():
    X = np.random.default_rng(4).normal(size=(100, 8))
    assert report_on(X).warnings == ()
    assert "take the mean off" in report_on(X + 5).warnings[0]


@pytest.mark.slow
def test_intervals_cover():
    """1,000 draws of 150 vectors: each interval holds the mean over all draws in 95 of 100, within 2."""
    reports = []
    for seed in range(1000):
        X = np.random.default_rng(seed).normal(size=(150, 6)) + 1.0
        reports.append(report_on(X, seed=seed).metrics)
    for name in ("mean", "median"):
        centre = np.mean([found[name].value for found in reports])
        held = sum(found[name].interval.low <= centre <= found[name].interval.high for found in reports)
        assert 930 <= held <= 970, name
