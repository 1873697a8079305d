import numpy as np
import pytest
from scipy.stats import binom, norm

from cosimo.decide import calibration_error, calibration_test
from cosimo.decide.calibrators.calibration_error import _Cells, equal_mass_bins, forecasts, redrawn, tails
from cosimo.errors import DataError, Refused, ShapeError


def pairs(n: int, seed: int = 0, power: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities p of pairs that match with probability p ** power."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, n)
    return p, rng.random(n) < p**power


def clustered(c: int, seed: int = 0, power: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same in c clusters of 10 pairs that are alike, in probabilities and in luck."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(c), 10)
    p = 0.8 * rng.beta(1, 2, c)[clusters] + 0.2 * rng.beta(1, 2, 10 * c)
    luck = np.sqrt(0.5) * (rng.normal(size=c)[clusters] + rng.normal(size=10 * c))
    return p, norm.cdf(luck) < p**power, clusters


def naive_square(p, y, bins, units, w) -> float:
    """D by its definition, one bin and one unit at a time."""
    total = 0.0
    for b in set(bins.tolist()):
        inside = bins == b
        d = np.average(y[inside] - p[inside], weights=w[inside])
        sums = [
            (w[inside & (units == u)] * (y - p - d)[inside & (units == u)]).sum() for u in set(units[inside].tolist())
        ]
        v = len(sums) / (len(sums) - 1) * np.square(sums).sum() / w[inside].sum() ** 2
        total += w[inside].sum() / w.sum() * (d**2 - v)
    return total


class TestValue:
    def test_equals_bins_means_and_variances_one_by_one(self):
        p, y = pairs(1000, power=2)
        bins = equal_mass_bins(forecasts(p, y))
        square = 0.0
        for b in range(bins.max() + 1):
            off = y[bins == b] - p[bins == b]
            square += len(off) / 1000 * (off.mean() ** 2 - off.var(ddof=1) / len(off))
        assert calibration_error(p, y, resamples=39).value == pytest.approx(np.sqrt(square))

    @pytest.mark.parametrize("weighted", [False, True])
    def test_equals_a_naive_loop_over_clusters(self, weighted):
        p, y, clusters = clustered(40, power=2)
        w = np.random.default_rng(1).uniform(1, 4, 400) if weighted else np.ones(400)
        bins = equal_mass_bins(forecasts(p, y, clusters=clusters.tolist()))
        found = calibration_error(p, y, clusters=clusters.tolist(), weights=w, resamples=39).value
        assert found == pytest.approx(np.sqrt(naive_square(p, y, bins, clusters, w)))

    def test_interval_equals_a_naive_bootstrap(self):
        p, y, clusters = clustered(25, power=2)
        names = [f"{cluster:02d}" for cluster in clusters]  # clusters are numbered in the order of their names
        bins = equal_mass_bins(forecasts(p, y, clusters=names))
        rng, again = np.random.default_rng(7), []
        for _ in range(79):
            drawn = rng.integers(25, size=25)
            rows = np.concatenate([np.flatnonzero(clusters == u) for u in drawn])
            again.append(naive_square(p[rows], y[rows], bins[rows], np.repeat(np.arange(25), 10), np.ones(250)))
        D = naive_square(p, y, bins, clusters, np.ones(250))
        reach = sorted(again)[77] - np.mean(again)  # 80 * 0.025 = the second largest
        told = calibration_error(p, y, clusters=names, resamples=79, seed=7).interval
        assert (told.low, told.high) == (pytest.approx(np.sqrt(max(0, D - reach))), pytest.approx(np.sqrt(D + reach)))

    def test_says_what_it_is(self):
        p, y, clusters = clustered(40)
        told = calibration_error(p, y, clusters=clusters.tolist(), level=0.9, resamples=39).interval
        assert (told.kind, told.unit, told.n_units, told.level) == ("estimate", "cluster", 40, 0.9)
        assert "3 bins" in told.method
        assert "within a bin" in told.scope

    def test_same_seed_same_interval(self):
        p, y = pairs(200)
        first, again, other = (calibration_error(p, y, resamples=99, seed=seed).interval for seed in (1, 1, 2))
        assert first == again != other


class TestBins:
    @pytest.mark.parametrize(("n", "bins"), [(20, 2), (27, 3), (1000, 10), (3374, 14), (3375, 15), (10_000, 15)])
    def test_as_many_as_the_cube_root_and_equally_full(self, n, bins):
        p = np.random.default_rng(n).random(n)
        sizes = np.bincount(equal_mass_bins(forecasts(p, p > 0.5)))
        assert len(sizes) == bins
        assert sizes.max() - sizes.min() <= 1

    def test_equal_probabilities_stay_together_and_order_holds(self):
        p = np.random.default_rng(0).integers(0, 8, 500) / 8
        bins = equal_mass_bins(forecasts(p, p > 0.5))
        assert all(len(set(bins[p == one])) == 1 for one in set(p))
        assert (np.diff(bins[np.argsort(p)]) >= 0).all()

    def test_labels_do_not_move_them(self):
        p, y = pairs(500)
        np.testing.assert_array_equal(equal_mass_bins(forecasts(p, y)), equal_mass_bins(forecasts(p, ~y)))

    def test_a_bin_of_few_joins_its_neighbour(self):
        p = np.concatenate([np.full(96, 0.5), np.full(4, 0.9)])
        assert set(equal_mass_bins(forecasts(p, np.arange(100) % 2))) == {0}


def truth(power: float, norm: int) -> float:
    """Root of the mean square, or mean of the absolute value, of what the probabilities are off by."""
    p = np.random.default_rng(9).beta(1, 2, 200_000)
    return float(np.mean(np.abs(p**power - p) ** norm) ** (1 / norm))


@pytest.mark.parametrize("power", [1.0, 1.3, 2.0])
def test_interval_holds_the_truth(power):
    """Perfect, slightly and badly off: no more misses than 5 % allows."""
    runs, missed, right = 120, 0, truth(power, 2)
    for i in range(runs):
        told = calibration_error(*pairs(300, seed=i, power=power), resamples=199, seed=i).interval
        missed += not told.low <= right <= told.high
    assert missed <= binom.isf(1e-4, runs, 0.05)


def test_percentile_bootstrap_of_the_plain_error_misses():
    """Always where there is nothing to find: each resample adds chance to chance."""
    runs, n, missed = 60, 300, 0
    for i in range(runs):
        p, y = pairs(n, seed=i)
        bins, rng = equal_mass_bins(forecasts(p, y)), np.random.default_rng(i)
        drawn = (rng.integers(n, size=n) for _ in range(199))
        again = np.sort([np.abs(np.bincount(bins[rows], (y - p)[rows])).sum() / n for rows in drawn])
        missed += not again[4] <= truth(1.0, 1) <= again[194]
    assert missed == runs


@pytest.mark.parametrize(("power", "reflected"), [(1.3, False), (2.0, False), (2.0, True)])
def test_interval_of_few_labels_holds_the_truth_where_the_reflected_one_does_not(power, reflected):
    """60 pairs; reflected, the upper end is D minus the lower quantile, which the skew of D makes too near."""
    runs, missed, right = 300, 0, truth(power, 2)
    for i in range(runs):
        labels = forecasts(*pairs(60, seed=i, power=power))
        cells = _Cells(labels)
        D = cells.debiased(np.ones(60))
        again = np.sort([cells.debiased(drawn) for drawn in redrawn(60, 99, i)])
        low, high = again[[1, 97]] - again.mean()
        missed += not max(0, D - high) <= right**2 <= max(0, D) + (-low if reflected else high)
    assert (missed > binom.isf(1e-4, runs, 0.05)) == reflected


def test_interval_finds_what_is_there():
    p, y = pairs(300, power=2)
    assert calibration_error(p, y, resamples=199).interval.low > 0.1


def test_clusters_widen_it():
    p, y, clusters = clustered(60, power=2)
    whole = calibration_error(p, y, clusters=clusters.tolist(), resamples=199).interval
    blind = calibration_error(p, y, resamples=199).interval
    assert whole.high - whole.low > 1.5 * (blind.high - blind.low)


class TestTest:
    def test_rejects_what_is_calibrated_as_often_as_it_says(self):
        runs = 200
        rejected = sum(calibration_test(*pairs(100, seed=i), resamples=99, seed=i) <= 0.05 for i in range(runs))
        assert rejected <= binom.isf(1e-4, runs, 0.05)

    def test_finds_what_is_not(self):
        runs = 50
        assert sum(calibration_test(*pairs(300, seed=i, power=2), resamples=99) <= 0.05 for i in range(runs)) >= 45

    def test_equals_a_naive_loop(self):
        p, y = pairs(60)
        order = np.argsort(bins := equal_mass_bins(forecasts(p, y)), kind="stable")
        p, y, bins = p[order], y[order], bins[order]

        def statistic(labels):
            return sum((labels - p)[bins == b].sum() ** 2 / (bins == b).sum() for b in set(bins))

        rng = np.random.default_rng(3)
        beyond = sum(statistic(rng.random(60) < p) >= statistic(y) - 1e-12 for _ in range(99))
        assert calibration_test(p, y, resamples=99, seed=3) == (1 + beyond) / 100

    def test_is_never_0(self):
        p, y = pairs(500, power=5)
        assert calibration_test(p, y, resamples=19) == 1 / 20


def test_order_statistics_of_resamples():
    assert tails(0.9, 19) == [0, 18]
    assert tails(0.95, 1999) == [49, 1949]


@pytest.mark.parametrize("measure", [calibration_error, calibration_test])
class TestBadInput:
    @pytest.mark.parametrize(
        ("error", "told", "change"),
        [
            (DataError, "1 of 100 probabilities lie outside 0 to 1, such as 1.5", lambda p, y: ([1.5, *p[1:]], y)),
            (DataError, "probabilities lie outside 0 to 1, such as -0.1", lambda p, y: ([-0.1, *p[1:]], y)),
            (DataError, "NaN", lambda p, y: ([np.nan, *p[1:]], y)),
            (DataError, "labels must be 1", lambda p, y: (p, y + 1)),
            (ShapeError, "labels must have shape", lambda p, y: (p, y[1:])),
            (ShapeError, "labels must have shape", lambda p, y: (p, None)),
            (ShapeError, r"scores must have shape", lambda p, y: (p[None], y)),
            (Refused, "all 100 labels are 1", lambda p, y: (p, np.ones(100))),
            (Refused, "all 100 labels are 0", lambda p, y: (p, np.zeros(100))),
            (Refused, "19 independent pairs", lambda p, y: (p[:19], y[:19])),
        ],
    )
    def test_refused(self, measure, error, told, change):
        p, y = pairs(100)
        with pytest.raises(error, match=told):
            measure(*change(p, y))

    def test_too_few_resamples_refused(self, measure):
        with pytest.raises(DataError, match="resamples"):
            measure(*pairs(100), resamples=0)


def test_few_clusters_refused():
    p, y, clusters = clustered(19)
    with pytest.raises(Refused, match="19 independent clusters"):
        calibration_error(p, y, clusters=clusters.tolist())


def test_labels_that_follow_to_the_letter_refused():
    y = np.arange(50) % 2
    with pytest.raises(Refused, match="nothing is known of its spread"):
        calibration_error(y.astype(float), y)


def test_one_probability_for_all_is_answered():
    y = np.arange(100) < 30
    assert calibration_error(np.full(100, 0.5), y, resamples=199).value == pytest.approx(0.2, abs=0.01)
    with pytest.raises(DataError, match="level must lie"):
        calibration_error(np.full(100, 0.5), y, level=95)
