import numpy as np
import pytest
from sklearn.metrics import cluster as sk

from cosimo.errors import DataError, ShapeError
from cosimo.measure import AdjustedMutualInformation, AdjustedRand, VMeasure, compare, estimate, unit_values

EXAMPLES = [VMeasure(), AdjustedRand(), AdjustedMutualInformation()]

ORACLES = [
    (VMeasure(), sk.v_measure_score),
    (AdjustedRand(), sk.adjusted_rand_score),
    (AdjustedMutualInformation(), sk.adjusted_mutual_info_score),
]


def drawn(n=200, classes=5, clusters=7, seed=0, right=0.6):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=n)
    return truth, np.where(rng.uniform(size=n) < right, truth, rng.integers(clusters, size=n))


def seeds(truth, count=10, right=0.6):
    rng, shape = np.random.default_rng(1), (len(truth), count)
    return np.where(rng.uniform(size=shape) < right, truth[:, None], rng.integers(7, size=shape))


TRIVIAL = [
    ([0, 0, 0], [1, 1, 1]),
    ([0, 0, 0], [0, 1, 2]),
    ([0, 1, 2], [0, 0, 0]),
    ([0, 1, 2], [2, 1, 0]),
    ([0, 0, 1, 1], [0, 1, 0, 1]),
    ([0], [5]),
]


@pytest.mark.parametrize(("metric", "oracle"), ORACLES, ids=lambda value: getattr(value, "__name__", repr(value)))
class TestOracle:
    @pytest.mark.parametrize("shape", [(200, 5, 7), (30, 20, 3), (40, 2, 40), (1500, 60, 60)], ids=str)
    def test_sklearn(self, metric, oracle, shape):
        truth, pred = drawn(*shape)
        assert metric(truth, pred) == pytest.approx(oracle(truth, pred), abs=1e-9)

    @pytest.mark.parametrize(("truth", "pred"), TRIVIAL, ids=str)
    def test_sklearn_on_trivial_ones(self, metric, oracle, truth, pred):
        assert metric(truth, pred) == pytest.approx(oracle(truth, pred), abs=1e-9)

    def test_seeds_are_columns(self, metric, oracle):
        truth, _ = drawn()
        pred = seeds(truth)
        assert metric(truth, pred) == pytest.approx(np.mean([oracle(truth, column) for column in pred.T]), abs=1e-9)


@pytest.mark.parametrize("metric", EXAMPLES, ids=repr)
class TestInterval:
    def test_is_the_delete_group_jackknife_with_the_seeds(self, metric):
        from cosimo.statistics import jackknife, jackknife_error, random_groups

        truth, _ = drawn()
        pred = seeds(truth)
        groups = random_groups(200, groups=40, seed=0)
        left_out = jackknife(lambda rows: metric(truth[rows], pred[rows]), 200, clusters=groups)
        between = np.var([metric(truth, column) for column in pred.T], ddof=1) / 10
        found = estimate(metric, truth, pred).interval
        reach = 2.0227 * np.sqrt(jackknife_error(left_out) ** 2 + between)
        assert (found.high - found.low) / 2 == pytest.approx(reach, rel=1e-4)
        assert "10 seeds" in found.method
        assert "not other trainings" in found.scope
        assert len(unit_values(metric, truth, pred)) == 40

    def test_leaves_clusters_out_whole(self, metric):
        truth, pred = drawn()
        found = estimate(metric, truth, pred, clusters=np.arange(200) // 10).interval
        assert (found.unit, found.n_units) == ("cluster", 20)
        assert "not other seeds" in found.scope

    def test_systems_share_groups_and_seeds(self, metric):
        truth, _ = drawn()
        good, poor = seeds(truth, right=0.8), seeds(truth, right=0.4)
        found = compare(metric, truth, good, poor)
        assert found.difference == pytest.approx(metric(truth, good) - metric(truth, poor), abs=1e-12)
        assert 0 < found.interval.low < found.difference
        assert found.p_value < 1e-3
        assert found.detectable > (found.interval.high - found.interval.low) / 2
        with pytest.raises(ShapeError, match="seeds"):
            compare(metric, truth, good, poor[:, :3])

    def test_perfect_clusters_have_none(self, metric):
        truth, _ = drawn()
        found = estimate(metric, truth, truth)
        assert found.value == pytest.approx(1.0)
        assert found.interval is None


def test_names_may_be_words():
    assert VMeasure()(["a", "b", "b"], ["x", "y", "y"]) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", EXAMPLES, ids=repr)
def test_bad_shapes_refused(metric):
    for truth, pred in (([], []), ([0, 1], [0]), ([[0, 1]], [0]), ([0, 1], np.zeros((2, 2, 2)))):
        with pytest.raises(ShapeError, match="truth"):
            metric(truth, pred)


def test_chance_is_corrected_for_items_only():
    with pytest.raises(DataError, match="whole numbers"):
        AdjustedMutualInformation()([0, 1, 1], [0, 1, 0], np.array([0.5, 1.0, 1.0]))
    assert AdjustedRand()([0, 1, 1], [0, 1, 0], np.array([2.5, 1.0, 1.0])) < 1
