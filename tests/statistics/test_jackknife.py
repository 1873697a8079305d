import numpy as np
import pytest
from scipy.stats import binom, t

from cosimo.errors import DataError, Refused
from cosimo.statistics import (
    delete_group_interval,
    jackknife,
    jackknife_error,
    jackknife_interval,
    random_groups,
    ratio_interval,
    subsample_interval,
    t_interval,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mean_of(x):
    return lambda rows: float(x[rows].mean())


def distinct_of(x):
    """A statistic to which a duplicate is information: the share of distinct values."""
    return lambda rows: len(np.unique(x[rows])) / len(rows)


def ends(found):
    return found.low, found.high


def test_oracle_loop(rng):
    x, clusters = rng.normal(size=12), np.array(list("aabbbcddddef"))
    wanted = [np.median([v for v, c in zip(x, clusters, strict=True) if c != name]) for name in "abcdef"]
    found = jackknife(lambda rows: float(np.median(x[rows])), 12, clusters=clusters)
    np.testing.assert_allclose(found, wanted)


def test_pairs_are_left_out_with_either_item():
    pairs = np.array([[1, 2], [2, 3], [3, 4], [4, 1]])
    kept = []
    jackknife(lambda rows: kept.append(rows.tolist()) or 0.0, 4, clusters=pairs)
    assert kept == [[1, 2], [2, 3], [0, 3], [0, 1]]


def test_error_of_a_mean_is_the_textbook_one(rng):
    x = rng.normal(size=15)
    assert jackknife_error(jackknife(mean_of(x), 15)) == pytest.approx(x.std(ddof=1) / np.sqrt(15))
    assert ends(jackknife_interval(mean_of(x), 15)) == pytest.approx(ends(t_interval(x)))


def test_cluster_interval_is_close_to_that_of_the_ratio(rng):
    x, clusters = rng.normal(size=400), rng.integers(0, 50, 400)
    found = jackknife_interval(mean_of(x), 400, clusters=clusters)
    linear = ratio_interval(np.bincount(clusters, x), np.bincount(clusters))
    assert ends(found) == pytest.approx(ends(linear), abs=0.01)
    assert (found.unit, found.n_units) == ("cluster", 50)


def test_many_units_are_left_out_in_groups(rng):
    x = rng.normal(size=5000)
    calls = []
    found = jackknife_interval(lambda rows: calls.append(1) or float(x[rows].mean()), 5000)
    assert len(calls) < 300
    assert found.n_units == 5000
    assert found.high - found.low == pytest.approx(2 * 1.96 * x.std() / 5000**0.5, rel=0.2)


@pytest.mark.parametrize(("n", "groups"), [(100, 40), (10, 40), (81, 40)])
def test_random_groups_are_even(n, groups):
    labels = random_groups(n, groups=groups, seed=1)
    assert np.ptp(np.bincount(labels)) <= 1
    assert len(np.unique(labels)) == min(n, groups)
    assert not np.array_equal(labels, random_groups(n, groups=groups, seed=2))


class TestCoverage:
    def test_delete_group_of_distinct_values(self, rng):
        """n draws of 300 kinds: the share of distinct ones, whose bootstrap would be far too low."""
        n = 300
        truth = (1 - (1 - 1 / n) ** n) * n / n
        found = [delete_group_interval(distinct_of(x), n, seed=rng) for x in rng.integers(0, n, (300, n))]
        assert sum(not f.low <= truth <= f.high for f in found) <= binom.isf(1e-4, 300, 0.05 + 0.02)
        x = rng.integers(0, n, n)
        assert max(distinct_of(x)(rng.integers(0, n, n)) for _ in range(200)) < truth

    def test_subsamples(self, rng):
        found = [subsample_interval(mean_of(x), 60, n_resamples=60, seed=rng) for x in rng.exponential(size=(300, 60))]
        assert sum(not f.low <= 1 <= f.high for f in found) <= binom.isf(1e-4, 300, 0.05 + 0.03)

    def test_pairs_that_share_items_on_both_sides(self, rng):
        """Mean over all pairs of 12 and 12 items with effects of their own; pairs as units are far too sure."""
        left, right = np.repeat(np.arange(12), 12), np.tile(np.arange(12), 12)
        both = np.stack([left, 100 + right], axis=1)
        missed = blind = 0
        for _ in range(150):
            x = rng.normal(size=12)[left] + rng.normal(size=12)[right] + rng.normal(size=144)
            found = jackknife_interval(mean_of(x), 144, clusters=both)
            missed += not found.low <= 0 <= found.high
            found = t_interval(x)
            blind += not found.low <= 0 <= found.high
        assert missed <= binom.isf(1e-4, 150, 0.05 + 0.03)
        assert blind > 50


@pytest.mark.parametrize("size", [None, 20, 150])
def test_subsample_error_of_a_mean(rng, size):
    """Without replacement the factor makes any size give the error of the whole."""
    x = rng.normal(size=200)
    found = subsample_interval(mean_of(x), 200, size=size, n_resamples=2000)
    assert found.high - found.low == pytest.approx(2 * 1.96 * x.std(ddof=1) / 200**0.5, rel=0.06)
    assert (found.high + found.low) / 2 == pytest.approx(x.mean())


def test_added_variance_adds(rng):
    x = rng.normal(size=100)
    plain, more = (delete_group_interval(mean_of(x), 100, added_variance=v) for v in (0.0, 0.3))
    assert (more.high - more.low) ** 2 == pytest.approx((plain.high - plain.low) ** 2 + 4 * 0.3 * t.ppf(0.975, 39) ** 2)


def test_same_seed_same_interval(rng):
    x = rng.normal(size=90)
    for interval in (delete_group_interval, subsample_interval):
        assert interval(mean_of(x), 90, seed=3) == interval(mean_of(x), 90, seed=3)
        assert interval(mean_of(x), 90, seed=3) != interval(mean_of(x), 90, seed=4)


@pytest.mark.parametrize("interval", [jackknife_interval, delete_group_interval, subsample_interval])
@pytest.mark.parametrize("value", [0.3, 0.1 + 0.2, np.nan])
def test_what_never_changes_is_refused(interval, value):
    x = np.full(60, value)
    with pytest.raises(Refused, match="exact"):
        interval(mean_of(x), 60)


@pytest.mark.parametrize("size", [0, 60])
def test_impossible_subsamples(size):
    with pytest.raises(DataError, match="subsample"):
        subsample_interval(len, 60, size=size)
