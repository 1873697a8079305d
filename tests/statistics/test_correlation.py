import numpy as np
import pytest
from scipy import stats

from cosimo.errors import DataError, Refused, ShapeError
from cosimo.statistics import bonett_wright_interval, correlation, correlation_interval

COEFFICIENTS = ("pearson", "spearman", "kendall")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def view(rng, shape, r):
    x = rng.normal(size=shape)
    return x, r * x + np.sqrt(1 - r**2) * rng.normal(size=shape)


def width(found):
    return found.high - found.low


@pytest.mark.parametrize(
    ("coefficient", "theirs"),
    [("pearson", stats.pearsonr), ("spearman", stats.spearmanr), ("kendall", stats.kendalltau)],
)
def test_oracle_scipy(rng, coefficient, theirs):
    for x, y in (rng.normal(size=(2, 40)), rng.integers(0, 4, (2, 40)), 1e-200 * rng.normal(size=(2, 40))):
        assert correlation(x, y, coefficient=coefficient) == pytest.approx(theirs(x, y)[0], abs=1e-12)
    assert np.isnan(correlation(x, np.ones(40), coefficient=coefficient))


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_oracle_loop(rng, coefficient):
    """Student's t around atanh r, with r computed again without each pair."""
    x, y = view(rng, 15, 0.6)
    left_out = [np.arctanh(correlation(np.delete(x, i), np.delete(y, i), coefficient=coefficient)) for i in range(15)]
    error = np.sqrt(14 / 15 * ((left_out - np.mean(left_out)) ** 2).sum())
    centre = np.arctanh(correlation(x, y, coefficient=coefficient))
    wanted = np.tanh(centre + np.array([-1, 1]) * stats.t.ppf(0.975, 14) * error)
    found = correlation_interval(x, y, coefficient=coefficient)
    assert (found.low, found.high) == pytest.approx(tuple(wanted))


def test_bonett_wright_oracle_jackknife(rng):
    x, y = view(rng, 400, 0.7)
    closed, found = bonett_wright_interval(correlation(x, y), 400), correlation_interval(x, y)
    assert (found.low, found.high) == pytest.approx((closed.low, closed.high), abs=0.02)


def test_methods_agree(rng):
    x, y = view(rng, 150, 0.6)
    jackknife, bca = correlation_interval(x, y), correlation_interval(x, y, method="bca")
    assert bca.method.startswith("BCa")
    assert (bca.low, bca.high) == pytest.approx((jackknife.low, jackknife.high), abs=0.04)


@pytest.mark.parametrize(("coefficient", "truth"), [("pearson", 0.8), ("spearman", 6 / np.pi * np.arcsin(0.4))])
def test_covers(rng, coefficient, truth):
    found = [correlation_interval(*view(rng, 30, 0.8), coefficient=coefficient) for _ in range(80)]
    assert sum(not f.low <= truth <= f.high for f in found) <= stats.binom.isf(1e-4, 80, 0.05 + 0.02)


def test_clusters_that_share_a_sentence(rng):
    """Copies of a pair are no new pairs."""
    x, y = view(rng, 40, 0.5)
    alone = correlation_interval(x, y)
    copied = correlation_interval(x.repeat(4), y.repeat(4), clusters=np.arange(160) // 4)
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert (copied.unit, copied.n_units) == ("cluster", 40)
    assert width(correlation_interval(x.repeat(4), y.repeat(4))) < 0.6 * width(alone)


def test_pairs_that_share_items_on_both_sides(rng):
    left, right = np.repeat(np.arange(15), 15), np.tile(np.arange(15), 15)
    x = rng.normal(size=15)[left] + rng.normal(size=15)[right]
    y = x + rng.normal(size=15)[left] + rng.normal(size=15)[right]
    found = correlation_interval(x, y, clusters=np.stack([left, right + 15], axis=1))
    assert found.n_units == 30
    assert width(found) > 1.5 * width(correlation_interval(x, y))
    with pytest.raises(ShapeError, match="jackknife"):
        correlation_interval(x, y, clusters=np.stack([left, right + 15], axis=1), method="bca")


class TestPerfect:
    @pytest.mark.parametrize("sign", [1, -1])
    def test_ranks(self, rng, sign):
        x = rng.random(60)
        kendall, spearman = (correlation_interval(x, sign * x**3, coefficient=c) for c in ("kendall", "spearman"))
        for found in (kendall, spearman):
            assert max(abs(found.low), abs(found.high)) == 1
            assert 0 < width(found) < 1
            assert found.kind == "confident"
        # 30 disjoint pairs, all concordant
        low = 2 * 0.025 ** (1 / 30) - 1
        assert min(abs(kendall.low), abs(kendall.high)) == pytest.approx(low)
        assert min(abs(spearman.low), abs(spearman.high)) == pytest.approx((3 * low - 1) / 2)

    def test_spearman_is_bounded_by_kendall(self):
        """Daniels: 3 tau - 2 rho <= 1 in the limit; finite samples may pass it by 1 / n."""
        rng = np.random.default_rng(1)
        for _ in range(100):
            x, y = rng.permutation(60), rng.permutation(60) + 60 * rng.integers(0, 2)
            y = np.where(rng.random(60) < rng.random(), x, y)
            y = stats.rankdata(y + 1e-6 * rng.random(60))
            tau, rho = (correlation(x, y, coefficient=c) for c in ("kendall", "spearman"))
            assert rho >= (3 * tau - 1) / 2 - 2 / 60

    def test_but_for_one_pair(self, rng):
        x = np.arange(30.0)
        y = x.copy()
        y[[3, 4]] = 4, 3
        y[10] = 50
        x[10] = 0.5
        found = correlation_interval(x, y)
        assert found.low < correlation(x, y) < found.high <= 1

    def test_without_one_pair(self):
        """Leaving the outlier out makes atanh infinite."""
        x = np.arange(25.0)
        y = np.r_[30.0, x[1:]]
        found = correlation_interval(x, y)
        assert found.method == "jackknife t"
        assert -1 <= found.low < correlation(x, y) < found.high <= 1

    def test_refused(self, rng):
        x = rng.random(60)
        with pytest.raises(Refused, match="perfect"):
            correlation_interval(x, 2 * x + 1, coefficient="pearson")
        with pytest.raises(Refused, match="perfect"):
            correlation_interval(x.round(1), x.round(1))


def test_bad_input(rng):
    x = rng.random(9)
    with pytest.raises(Refused, match="constant"):
        correlation_interval(x, np.zeros(9))
    with pytest.raises(ShapeError, match="equally long"):
        correlation_interval(x, x[:8])
    with pytest.raises(DataError, match="NaN"):
        correlation_interval(x, np.r_[x[:8], np.nan])
    for r, n in ((1.0, 50), (0.5, 3)):
        with pytest.raises(DataError, match="at least 4"):
            bonett_wright_interval(r, n)
