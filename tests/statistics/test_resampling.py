import numpy as np
import pytest
from scipy import stats

from cosimo.errors import Refused, ShapeError
from cosimo.statistics import bootstrap, bootstrap_interval, jackknife_interval
from cosimo.statistics.resampling import bca_ends


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mean_of(x):
    return lambda rows: float(x[rows].mean())


def misses(intervals, truth):
    return sum(not found.low <= truth <= found.high for found in intervals)


@pytest.mark.parametrize("statistic", [np.mean, np.var, stats.skew], ids=["mean", "var", "skew"])
def test_bca_oracle_scipy(rng, statistic):
    """From scipy's own resamples, our order statistics lie within a rank or two of its interpolated quantiles."""
    x = rng.exponential(size=60)
    theirs = stats.bootstrap((x,), statistic, n_resamples=1999, method="BCa", rng=1)
    left_out = np.array([statistic(np.delete(x, i)) for i in range(60)])
    low, high = bca_ends(statistic(x), theirs.bootstrap_distribution, left_out)
    ordered = np.sort(theirs.bootstrap_distribution)
    assert {low, high} <= set(ordered)
    assert abs(np.searchsorted(ordered, theirs.confidence_interval.low) - np.searchsorted(ordered, low)) <= 2
    assert abs(np.searchsorted(ordered, theirs.confidence_interval.high) - np.searchsorted(ordered, high)) <= 2


def test_order_statistics_without_correction():
    """Symmetric resamples of a symmetric statistic: the 50th smallest and largest of 1,999."""
    resampled = np.arange(-999.0, 1000.0)
    assert bca_ends(0.0, resampled, np.array([-1.0, 1.0])) == (-950.0, 950.0)


def test_resamples_are_rows_drawn_with_replacement(rng):
    seen = []
    bootstrap(lambda rows: seen.append(rows) or 0.0, 7, n_resamples=300, seed=rng)
    counts = np.array([np.bincount(rows, minlength=7) for rows in seen])
    assert (counts.sum(axis=1) == 7).all()
    assert counts.std(axis=0) == pytest.approx(np.sqrt(6 / 7), rel=0.2)


def test_clusters_are_drawn_whole():
    clusters = np.array([5, 9, 5, 9, 9, 7])
    seen = []
    bootstrap(lambda rows: seen.append(sorted(rows.tolist())) or 0.0, 6, clusters=clusters, n_resamples=50)
    members = {5: [0, 2], 9: [1, 3, 4], 7: [5]}
    for rows in seen:
        drawn = [rows.count(members[name][0]) for name in members]
        assert sum(drawn) == 3
        assert rows == sorted(row for name, n in zip(members, drawn, strict=True) for row in members[name] * n)


@pytest.mark.parametrize("draw", ["exponential", "normal"])
def test_covers(rng, draw):
    truth = 1.0 if draw == "exponential" else 0.0
    found = [bootstrap_interval(mean_of(x), 40, n_resamples=199, seed=rng) for x in getattr(rng, draw)(size=(100, 40))]
    assert {f.method for f in found} == {"BCa bootstrap, 199 resamples"}
    assert misses(found, truth) <= stats.binom.isf(1e-4, 100, 0.05 + 0.045)


@pytest.mark.slow
def test_covers_over_clusters(rng):
    clusters = np.repeat(np.arange(40), 5)
    X = rng.normal(size=(60, 40)).repeat(5, axis=1) + 0.3 * rng.normal(size=(60, 200))
    found = [bootstrap_interval(mean_of(x), 200, clusters=clusters, n_resamples=199, seed=rng) for x in X]
    blind = [bootstrap_interval(mean_of(x), 200, n_resamples=199, seed=rng) for x in X]
    assert misses(found, 0) <= stats.binom.isf(1e-4, 60, 0.05 + 0.045)
    assert misses(blind, 0) > 14
    assert (found[0].unit, found[0].n_units) == ("cluster", 40)


class TestTooLittleToResample:
    def test_few_units(self, rng):
        x = rng.normal(size=19)
        assert bootstrap_interval(mean_of(x), 19) == jackknife_interval(mean_of(x), 19)
        assert bootstrap_interval(mean_of(x.repeat(9)), 171, clusters=np.arange(171) // 9).method == "jackknife t"

    @pytest.mark.parametrize("different", [1, 4, 5])
    def test_units_mostly_alike(self, different):
        x = np.ones(50)
        x[:different] = np.arange(different)[::-1] / 9
        found = bootstrap_interval(mean_of(x), 50)
        assert found.method.startswith("jackknife" if different < 5 else "BCa")
        assert found.low < found.high

    @pytest.mark.parametrize("value", [1.0, 0.1 + 0.2])
    def test_all_alike_is_refused(self, value):
        """scipy gives NaN here."""
        x = np.full(50, value)
        with pytest.raises(Refused, match="exact"):
            bootstrap_interval(mean_of(x), 50)

    def test_a_resample_on_which_it_is_undefined(self, rng):
        """A rate among 6 positives of 60: some resamples have none."""
        y, x = np.arange(60) < 6, rng.random(60)

        def statistic(rows):
            return float(x[rows][y[rows]].mean()) if y[rows].any() else float("nan")

        assert np.isnan(bootstrap(statistic, 60, n_resamples=1999)).any()
        found = bootstrap_interval(statistic, 60)
        assert found.method == "jackknife t"
        assert 0 < found.high - found.low < 2


def test_seeds(rng):
    x = rng.normal(size=50)
    assert bootstrap_interval(mean_of(x), 50, seed=1) == bootstrap_interval(mean_of(x), 50, seed=1)
    assert bootstrap_interval(mean_of(x), 50, seed=1) != bootstrap_interval(mean_of(x), 50, seed=2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    bootstrap(mean_of(x), 50, n_resamples=3)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_two_clusters_a_row_cannot_be_drawn():
    with pytest.raises(ShapeError, match="jackknife"):
        bootstrap(len, 2, clusters=[[0, 1], [1, 2]])
