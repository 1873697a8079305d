import numpy as np
import pytest
from scipy.stats import binom, t, ttest_1samp

from cosimo.errors import DataError, Refused, ShapeError
from cosimo.statistics import (
    betting_interval,
    clopper_pearson,
    mean_interval,
    rate_interval,
    ratio_interval,
    splits_interval,
    t_interval,
    wilson,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def ends(found):
    return found.low, found.high


def misses(intervals, truth):
    return sum(not found.low <= truth <= found.high for found in intervals)


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_t_oracle_scipy(rng, level):
    X = rng.normal(size=17) - 3
    theirs = ttest_1samp(X, 0).confidence_interval(level)
    found = t_interval(X, level=level)
    assert ends(found) == pytest.approx((theirs.low, theirs.high))
    assert (found.level, found.method, found.unit, found.n_units, found.kind) == (
        level,
        "Student t",
        "item",
        17,
        "estimate",
    )
    assert "not other seeds" in found.scope


def test_ratio_oracle_loop(rng):
    sums, sizes = rng.normal(size=9), rng.integers(1, 6, 9)
    ratio = sum(sums) / sum(sizes)
    squares = sum((s - ratio * size) ** 2 for s, size in zip(sums, sizes, strict=True))
    reach = t.ppf(0.975, 8) * np.sqrt(9 / 8 * squares) / sum(sizes)
    assert ends(ratio_interval(sums, sizes)) == pytest.approx((ratio - reach, ratio + reach))


def test_clusters_of_one_are_items(rng):
    X = rng.random(30)
    alone = mean_interval(X, clusters=[f"c{i}" for i in range(30)])
    assert ends(alone) == pytest.approx(ends(mean_interval(X)))
    assert alone.unit == "cluster"


def test_repeating_every_item_in_its_cluster_changes_nothing(rng):
    X = rng.random(30)
    found = mean_interval(np.repeat(X, 5), clusters=np.repeat(np.arange(30), 5))
    assert ends(found) == pytest.approx(ends(mean_interval(X)))


class TestChoice:
    """Which method a kind of values asks for."""

    @pytest.mark.parametrize("right", range(41))
    def test_rates(self, right):
        X = np.arange(40) < right
        found = mean_interval(X)
        exact = min(right, 40 - right) < 5
        assert found.method == ("Clopper-Pearson" if exact else "Wilson")
        assert found.kind == ("confident" if exact else "estimate")
        assert ends(found) == pytest.approx((clopper_pearson if exact else wilson)(right, 40))
        assert found == rate_interval(right, 40)
        assert found.low < found.high

    def test_differences_that_happen_to_be_0_or_1_are_no_rates(self):
        X = np.arange(40) < 10
        assert mean_interval(X, bounds=(-1.0, 1.0)).method == "Student t"
        assert mean_interval(X, bounds=None).method == "Student t"

    @pytest.mark.parametrize("different", [0, 1, 4, 5])
    def test_graded_values_mostly_alike(self, different):
        X = np.full(60, 0.9)
        X[:different] = 0.5
        found = mean_interval(X)
        assert found.method == ("betting" if different < 5 else "Student t")
        assert found.low < found.high <= 1

    def test_few_clusters_of_0_and_1(self, rng):
        X, clusters = np.arange(120) % 3 == 0, np.arange(120) // 10
        found = mean_interval(X, clusters=clusters)
        assert (found.method, found.kind, found.n_units) == ("betting", "estimate", 12)
        assert mean_interval(rng.random(240) < 0.5, clusters=np.arange(240) // 10).method == "Student t"

    def test_ends_stay_in_bounds(self, rng):
        X = 1 - rng.random(6) ** 8
        assert t_interval(X).high > 1
        assert mean_interval(X).high == 1


class TestCoverage:
    """Misses stay below a band around the stated rate; slack where STATISTICS measured one."""

    def test_t_of_skewed_queries(self, rng):
        truth = 2 / 3
        found = [mean_interval(X) for X in rng.beta(1, 0.5, (1000, 25))]
        assert misses(found, truth) <= binom.isf(1e-4, 1000, 0.05 + 0.02)

    @pytest.mark.parametrize("rate", [0.5, 0.97])
    def test_rates(self, rng, rate):
        found = [mean_interval(X) for X in rng.random((1000, 50)) < rate]
        assert misses(found, rate) <= binom.isf(1e-4, 1000, 0.05 + 0.02)

    def test_t_itself_fails_at_high_rates(self, rng):
        """Why 0/1 items have their own intervals: stated .95, true about .79."""
        X = (rng.random((1000, 50)) < 0.97).astype(float)
        found = [t_interval(row) for row in X if row.min() < 1]
        assert misses(found, 0.97) + 1000 - len(found) > 150

    def test_clusters(self, rng):
        """Items of a cluster are all right or all wrong, and large clusters more often wrong."""
        size = 1 + rng.integers(0, 2, (600, 40)) * 9
        right = rng.random((600, 40)) < np.where(size > 1, 0.6, 0.9)
        truth = (10 * 0.6 + 0.9) / 11
        blind = clustered = 0
        for sizes, X in zip(size, right, strict=True):
            items, clusters = np.repeat(X, sizes), np.repeat(np.arange(40), sizes)
            clustered += misses([mean_interval(items, clusters=clusters)], truth)
            blind += misses([mean_interval(items)], truth)
        assert clustered <= binom.isf(1e-4, 600, 0.05 + 0.03)
        assert blind > 200

    def test_betting(self, rng):
        X = 1 - 0.8 * (rng.random((50, 40)) < 0.1)
        assert misses([betting_interval(row) for row in X], 0.92) <= binom.isf(1e-4, 50, 0.05)


def test_betting_scales_with_its_bounds(rng):
    X = rng.random(80)
    low, high = ends(betting_interval(X))
    assert ends(betting_interval(4 * X - 1, bounds=(-1.0, 3.0))) == pytest.approx((4 * low - 1, 4 * high - 1), abs=1e-9)
    assert ends(betting_interval(-X, bounds=(-1.0, 0.0))) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.slow
def test_betting_does_not_mind_sorted_rows(rng):
    """Sorted rows would let the bets know what comes; the order of the bets is that of hashed places."""
    X = np.sort(rng.random((40, 50)) < 0.5, axis=1)
    assert misses([betting_interval(row) for row in X], 0.5) <= binom.isf(1e-4, 40, 0.05)


def test_splits_formula(rng):
    X = rng.random(10)
    reach = t.ppf(0.975, 9) * X.std(ddof=1) * np.sqrt(1 / 10 + 0.25)
    assert ends(splits_interval(X, n_train=800, n_test=200)) == pytest.approx((X.mean() - reach, X.mean() + reach))


@pytest.mark.parametrize("X", [[0.3], [0.3] * 20, [0.1 + 0.2] * 10 + [0.3] * 10])
def test_no_spread_and_no_bounds_is_refused(X):
    for refused in (lambda: t_interval(X), lambda: mean_interval(X, bounds=None)):
        with pytest.raises(Refused, match="spread says nothing"):
            refused()
    with pytest.raises(Refused):
        splits_interval(X, n_train=10, n_test=10)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ShapeError, "at least 1"),
        ([[1.0]], ShapeError, "shape"),
        ([0.1, np.nan], DataError, "row 1"),
        (["a"], DataError, "dtype"),
        ([0.2, 1.4], DataError, "outside of 0 to 1"),
    ],
)
def test_bad_values(X, error, message):
    with pytest.raises(error, match=message):
        mean_interval(X)


def test_bad_clusters_and_levels():
    with pytest.raises(ShapeError, match="clusters"):
        mean_interval([0.1, 0.2], clusters=[1])
    with pytest.raises(ShapeError, match="jackknife"):
        mean_interval([0.1, 0.2], clusters=[[1, 2], [2, 3]])
    for level in (0, 1, 95):
        with pytest.raises(DataError, match="between 0 and 1"):
            t_interval([0.1, 0.2], level=level)
    with pytest.raises(DataError, match="no count"):
        rate_interval(3, 2)
