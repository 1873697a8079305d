import numpy as np
import pytest
from scipy import stats

from cosimo.errors import DataError, ShapeError
from cosimo.measure import Kendall, Pearson, Spearman, compare, estimate, unit_values
from cosimo.statistics import correlation_interval

EXAMPLES = [Spearman(), Pearson(), Kendall()]

ORACLES = [(Spearman(), stats.spearmanr), (Pearson(), stats.pearsonr), (Kendall(), stats.kendalltau)]


def drawn(n=80, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, size=n).astype(float)
    return x, x + 2 * rng.normal(size=n)


@pytest.mark.parametrize(("metric", "oracle"), ORACLES, ids=lambda value: getattr(value, "__name__", repr(value)))
def test_oracle_scipy(metric, oracle):
    x, y = drawn()
    assert metric(x, y) == pytest.approx(oracle(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("metric", EXAMPLES, ids=repr)
class TestConstantScores:
    def test_are_zero_without_an_interval(self, metric):
        found = estimate(metric, drawn()[0], np.full(80, 0.7))
        assert found.value == 0.0
        assert found.interval is None

    def test_can_be_compared(self, metric):
        x, y = drawn()
        found = compare(metric, x, y, np.full(80, 0.7))
        assert found.difference == pytest.approx(metric(x, y), abs=1e-12)
        assert found.p_value < 0.01
        both = compare(metric, x, np.zeros(80), np.ones(80))
        assert (both.difference, both.p_value, both.interval) == (0.0, 1.0, None)


@pytest.mark.parametrize("metric", EXAMPLES, ids=repr)
def test_constant_truth_refused(metric):
    with pytest.raises(DataError, match="truth is 3"):
        metric([3.0, 3.0, 3.0], [1.0, -2.0, 3.0])


def test_a_resample_of_constant_truth_is_undefined():
    assert np.isnan(Spearman()([1.0, 2.0, 3.0], [1.0, -2.0, 3.0], np.array([0.0, 5.0, 0.0])))


def test_pairs_are_counted_in_whole_numbers():
    with pytest.raises(DataError, match="whole numbers"):
        Kendall()([1.0, 2.0], [1.0, -2.0], np.array([0.5, 1.0]))


def test_oracle_numpy_with_weights():
    x, y = drawn()
    w = np.random.default_rng(3).uniform(size=80)
    C = np.cov(x, y, aweights=w)
    assert Pearson()(x, y, w) == pytest.approx(C[0, 1] / np.sqrt(C[0, 0] * C[1, 1]), abs=1e-12)


def test_only_the_ratio_of_weights_matters():
    x, y = drawn()
    times = np.random.default_rng(3).integers(0, 4, size=80)
    expected = stats.spearmanr(np.repeat(x, times), np.repeat(y, times)).statistic
    assert Spearman()(x, y, times / 7) == pytest.approx(expected, abs=1e-12)


def test_tiny_numbers_are_as_good_as_others():
    x, y = drawn()
    assert Pearson()(x, 1e-200 * y) == pytest.approx(Pearson()(x, y), abs=1e-12)


def test_columns_of_unequal_length_refused():
    with pytest.raises(ShapeError, match="truth and pred"):
        Pearson()([1.0, 2.0, 3.0], [1.0, 2.0])


@pytest.mark.parametrize("two_way", [False, True], ids=["one side", "both sides"])
def test_clusters_reach_the_interval(two_way):
    x, y = drawn()
    names = np.arange(80) // 4
    clusters = np.stack([names, 100 + np.arange(80) % 9], axis=1) if two_way else names
    found = estimate(Spearman(), x, y, clusters=clusters).interval
    assert found == correlation_interval(x, y, clusters=clusters)
    assert found.n_units == (29 if two_way else 20)


def test_two_way_clusters_compare_by_leaving_out_items():
    x, y = drawn()
    clusters = np.stack([np.arange(80) // 4, 100 + np.arange(80) % 9], axis=1)
    found = compare(Spearman(), x, y, -y, clusters=clusters)
    assert found.test == "paired jackknife over items"
    assert found.interval.low < found.difference < found.interval.high
    assert found.p_value < 0.05
    assert len(unit_values(Spearman(), x, y, clusters=clusters)) == 29
