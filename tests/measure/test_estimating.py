"""The dispatch: which interval and which test a metric gets, and values a unit."""

from dataclasses import replace

import numpy as np
import pytest

from cosimo.contracts import MetricTags
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Accuracy, AveragePrecision, Spearman, TripletAccuracy, compare, estimate, unit_values
from cosimo.measure.estimating import compare_two_way, on_rows, pseudo_values
from cosimo.statistics import (
    bootstrap_interval,
    compare_paired,
    compare_statistics,
    jackknife,
    jackknife_error,
    jackknife_interval,
    mean_interval,
    random_groups,
    ratio_interval,
)


class Values:
    """A metric whose values are its predictions."""

    tags = MetricTags(bounds=(-1.0, 1.0))

    def __call__(self, truth, pred):
        return np.asarray(pred, dtype=np.float64)


class Middle:
    """A metric of the whole set with nothing of its own: the weighted mean of squares."""

    tags = MetricTags(bounds=(0.0, 10.0))

    def __call__(self, truth, pred, weights=None):
        return float(np.average(np.square(pred), weights=weights))


def numbers(n=60, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=n)


def two_sided(n=60):
    """Each row belongs to one of 12 items on the left and one of 9 on the right."""
    return np.stack([np.arange(n) % 12, 100 + np.arange(n) % 9], axis=1)


CLUSTERS = np.arange(60) // 4


@pytest.mark.parametrize("clusters", [None, CLUSTERS], ids=["items", "clusters"])
def test_items_have_the_interval_and_test_of_a_mean(clusters):
    a, b = numbers(), numbers(seed=1)
    found = estimate(Values(), a, a, clusters=clusters, unit="query", level=0.9)
    assert found.value == a.mean()
    assert found.interval == mean_interval(a, clusters=clusters, bounds=(-1.0, 1.0), level=0.9, unit="query")
    expected = compare_paired(a, b, clusters=clusters, bounds=(-1.0, 1.0), level=0.9, unit="query", seed=3)
    assert compare(Values(), a, a, b, clusters=clusters, level=0.9, unit="query", seed=3) == expected


@pytest.mark.parametrize("clusters", [None, CLUSTERS], ids=["items", "clusters"])
def test_a_whole_set_is_bootstrapped(clusters):
    a, b = numbers(), numbers(seed=1)
    of = lambda x: lambda rows: float(np.square(x[rows]).mean())  # noqa: E731
    found = estimate(Middle(), a, a, clusters=clusters, unit="pair", seed=3).interval
    expected = bootstrap_interval(of(a), 60, clusters=clusters, unit="pair", seed=3)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert (found.method, found.unit) == (expected.method, expected.unit)
    apart = compare(Middle(), a, a, b, clusters=clusters, unit="pair", seed=3)
    wanted = compare_statistics(of(a), of(b), 60, clusters=clusters, unit="pair", seed=3)
    assert apart.p_value == pytest.approx(wanted.p_value, abs=1e-9)
    assert apart.interval.high == pytest.approx(wanted.interval.high, abs=1e-9)


@pytest.mark.parametrize("metric", [Values(), Middle()])
def test_items_on_both_sides_are_left_out_one_at_a_time(metric):
    a, b = numbers(), numbers(seed=1)
    square = isinstance(metric, Middle)
    of = lambda x: lambda rows: float((x[rows] ** 2 if square else x[rows]).mean())  # noqa: E731
    found = estimate(metric, a, a, clusters=two_sided()).interval
    expected = jackknife_interval(of(a), 60, clusters=two_sided())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert (found.n_units, found.unit) == (21, "cluster")
    apart = compare(metric, a, a, b, clusters=two_sided())
    wanted = jackknife_interval(lambda rows: of(a)(rows) - of(b)(rows), 60, clusters=two_sided())
    assert (apart.interval.low, apart.interval.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)
    assert (apart.p_value < 0.05) == (wanted.low > 0 or wanted.high < 0)
    assert apart.detectable > (wanted.high - wanted.low) / 2


def test_two_sided_comparison_of_equals():
    found = compare_two_way(lambda rows: 1.0, lambda rows: 1.0, 60, clusters=two_sided())
    assert (found.difference, found.p_value, found.interval) == (0.0, 1.0, None)


def test_intervals_stay_within_the_bounds():
    pred = np.where(np.arange(30) < 2, 0.9, 1.0)
    found = estimate(Values(), pred, pred, clusters=two_sided(30)).interval
    assert found.high == 1.0


def test_no_interval_where_nothing_varies():
    found = estimate(Middle(), np.zeros(30), np.full(30, 0.5))
    assert found.value == 0.25
    assert found.interval is None


def test_own_interval_and_comparison_are_asked_for():
    class Own(Middle):
        def interval(self, truth, pred, *, clusters=None, level=0.95, seed=0):
            return mean_interval(np.square(pred), clusters=clusters, level=level)

        def compare(self, truth, a, b, *, clusters=None, level=0.95, seed=0):
            return compare_paired(np.square(a), np.square(b), clusters=clusters, level=level, seed=seed)

        def unit_values(self, truth, pred, *, clusters=None, seed=0):
            return np.square(pred)

    a, b = numbers(), numbers(seed=1)
    assert estimate(Own(), a, a, level=0.8).interval == mean_interval(a**2, level=0.8)
    assert compare(Own(), a, a, b).test == "sign flip"
    np.testing.assert_array_equal(unit_values(Own(), a, a), a**2)


def test_a_metric_that_splits_is_told_what_to_keep_together():
    class Splits(Middle):
        clusters = None

        def keeping_together(self, clusters):
            other = Splits()
            other.clusters = clusters
            return other

        def __call__(self, truth, pred, weights=None):
            return super().__call__(truth, pred, weights) + (0 if self.clusters is None else 1)

    a = numbers()
    assert estimate(Splits(), a, a, clusters=CLUSTERS).value == pytest.approx(np.square(a).mean() + 1)
    assert estimate(Splits(), a, a).value == pytest.approx(np.square(a).mean())
    assert unit_values(Splits(), a, a, clusters=CLUSTERS).mean() == pytest.approx(np.square(a).mean() + 1)


class TestUnitValues:
    def test_of_items_are_theirs(self):
        a = numbers()
        np.testing.assert_array_equal(unit_values(Values(), a, a), a)

    def test_of_clusters_give_the_error_of_the_ratio(self):
        a, clusters = numbers(), np.repeat(np.arange(8), [1, 2, 3, 4, 5, 10, 15, 20])
        units = unit_values(Values(), a, a, clusters=clusters)
        assert units.mean() == pytest.approx(a.mean(), abs=1e-12)
        expected = ratio_interval(np.bincount(clusters, a), np.bincount(clusters))
        found = mean_interval(units, bounds=None)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)

    @pytest.mark.parametrize("clusters", [None, CLUSTERS, two_sided()], ids=["items", "clusters", "both sides"])
    def test_of_a_set_give_the_error_of_the_jackknife(self, clusters):
        a = numbers()
        units = unit_values(Middle(), a, a, clusters=clusters)
        left_out = jackknife(lambda rows: np.square(a[rows]).mean(), 60, clusters=clusters)
        assert units.mean() == pytest.approx(np.square(a).mean(), abs=1e-12)
        assert units.std(ddof=1) / len(units) ** 0.5 == pytest.approx(jackknife_error(left_out), abs=1e-12)

    def test_of_items_on_both_sides(self):
        a = numbers()
        units = unit_values(Values(), a, a, clusters=two_sided())
        assert (len(units), units.mean()) == (21, pytest.approx(a.mean(), abs=1e-12))

    def test_of_many_are_of_random_groups_that_systems_share(self):
        a = numbers(3000)
        units = unit_values(Middle(), a, a, seed=5)
        groups = random_groups(3000, groups=200, seed=5)
        left_out = np.array([np.square(a[groups != g]).mean() for g in range(200)])
        np.testing.assert_allclose(units, pseudo_values(np.square(a).mean(), left_out), atol=1e-9)


def test_rows_drawn_twice_count_twice():
    truth, pred = [1, 0, 1, 0], [0.9, 0.4, 0.3, -0.1]
    rows = np.array([0, 1, 1, 2, 3, 3])
    drawn = AveragePrecision()([truth[i] for i in rows], [pred[i] for i in rows])
    assert on_rows(AveragePrecision(), truth, pred)(rows) == pytest.approx(drawn, abs=1e-12)
    assert on_rows(Middle(), pred, pred)(rows) == pytest.approx(np.square([pred[i] for i in rows]).mean(), abs=1e-12)


@pytest.mark.parametrize("metric", [Accuracy(), Spearman(), TripletAccuracy(), AveragePrecision()], ids=repr)
def test_no_item_refused(metric):
    with pytest.raises(DataError, match="no item"):
        estimate(metric, [], [])


def test_values_that_are_no_numbers_refused():
    with pytest.raises(DataError, match="NaN"):
        estimate(Values(), [1.0, 2.0], [0.5, np.nan])
    with pytest.raises(DataError, match="outside"):
        estimate(Values(), [1.0, 2.0], [0.5, 3.0])


def test_systems_of_different_length_refused():
    with pytest.raises(ShapeError, match="each item"):
        compare(Values(), numbers(), numbers(), numbers(50))


def test_clusters_of_another_length_refused():
    a = numbers()
    for clusters in (CLUSTERS[:-1], two_sided()[:-1]):
        with pytest.raises(ShapeError, match="clusters"):
            estimate(Values(), a, a, clusters=clusters)


def test_of_a_metric_where_less_is_better_better_means_less():
    class Errors(Values):
        tags = replace(Values.tags, higher_is_better=False)

    a, b = np.full(20, 0.1), np.append(np.full(15, 0.4), np.full(5, 0.0))
    found = compare(Errors(), a, a, b)
    assert found.difference == pytest.approx(-0.2)
    assert (found.better, found.worse) == (0.75, 0.25)
