import numpy as np
import pytest
from sklearn import metrics as sk

from cosimo.errors import DataError, ShapeError
from cosimo.measure import (
    AveragePrecision,
    BestAccuracy,
    BestF1,
    HeldOutAccuracy,
    HeldOutF1,
    RocAuc,
    compare,
    estimate,
)
from cosimo.statistics import auc_interval, compare_auc, random_groups

EXAMPLES = [
    AveragePrecision(),
    RocAuc(),
    BestF1(),
    BestAccuracy(),
    HeldOutF1(),
    HeldOutAccuracy(folds=3, seed=1),
]


def drawn(n=120, seed=0, decimals=1):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=n)
    return y, np.round(rng.normal(size=n) + y, decimals)


def best_by_trying(measure, y, s):
    """Every cut between two scores, and those beyond them all."""
    return max(measure(y, s >= cut) for cut in [*np.unique(s), np.inf])


def f1(y, accepted):
    return sk.f1_score(y, accepted, zero_division=0.0)


ORACLES = [
    (AveragePrecision(), sk.average_precision_score),
    (RocAuc(), sk.roc_auc_score),
    (BestF1(), lambda y, s: best_by_trying(f1, y, s)),
    (BestAccuracy(), lambda y, s: best_by_trying(sk.accuracy_score, y, s)),
]


@pytest.mark.parametrize(("metric", "oracle"), ORACLES, ids=lambda value: getattr(value, "__name__", repr(value)))
@pytest.mark.parametrize("seed", range(4))
def test_oracle_sklearn(metric, oracle, seed):
    y, s = drawn(seed=seed)
    assert metric(y, s) == pytest.approx(oracle(y, s), abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "oracle"), [ORACLES[0], ORACLES[1]], ids=lambda value: getattr(value, "__name__", repr(value))
)
def test_oracle_sklearn_with_weights(metric, oracle):
    y, s = drawn()
    w = np.random.default_rng(5).uniform(size=len(y))
    assert metric(y, s, w) == pytest.approx(oracle(y, s, sample_weight=w), abs=1e-12)


def best_on(measure, y, s):
    """The cut, half way to the next score, and the strictest of several."""
    levels = np.unique(s)[::-1]
    cuts = [np.inf, *((levels[:-1] + levels[1:]) / 2), -np.inf]
    return cuts[int(np.argmax([measure(y, s >= cut) for cut in cuts]))]


@pytest.mark.parametrize(("kind", "measure"), [(HeldOutF1, f1), (HeldOutAccuracy, sk.accuracy_score)])
@pytest.mark.parametrize("seed", range(3))
def test_oracle_cross_fitting(kind, measure, seed):
    y, s = drawn(n=60, seed=seed)
    clusters = np.arange(60) // 3
    fold = random_groups(20, groups=4, seed=seed)[clusters]
    accepted = np.zeros(60, bool)
    for one in range(4):
        accepted[fold == one] = s[fold == one] >= best_on(measure, y[fold != one], s[fold != one])
    found = kind(folds=4, seed=seed, clusters=clusters)(y, s)
    assert found == pytest.approx(measure(y, accepted), abs=1e-12)


def test_a_cut_chosen_on_the_data_is_optimistic_and_one_held_out_is_not():
    """Scores that are noise: every cut is right for half of new items."""
    rng = np.random.default_rng(0)
    draws = [(np.arange(30) % 2, rng.normal(size=30)) for _ in range(500)]
    best, held_out = (np.array([metric(y, s) for y, s in draws]) for metric in (BestAccuracy(), HeldOutAccuracy()))
    assert best.mean() > 0.58
    assert abs(held_out.mean() - 0.5) < 4 * held_out.std() / 500**0.5 < 0.025


def test_folds_depend_on_the_seed_and_not_on_the_scores():
    y, s = drawn(n=50)
    values = [HeldOutAccuracy(seed=seed)(y, s) for seed in range(8)]
    assert len(set(values)) > 1
    assert values == [HeldOutAccuracy(seed=seed)(y, 2 * s) for seed in range(8)]


def test_copies_of_an_item_stay_in_one_fold():
    """Every item twice over: were they split, each would be judged by its own copy, as BestAccuracy does."""
    rng = np.random.default_rng(1)
    y, s = np.arange(40) % 2, rng.normal(size=40)
    assert HeldOutAccuracy()(y, s, np.full(40, 2.0)) == HeldOutAccuracy()(y, s)


def test_estimates_keep_clusters_whole():
    y, s = drawn()
    clusters = np.arange(120) // 4
    known = HeldOutF1(clusters=clusters)(y, s)
    found = estimate(HeldOutF1(), y, s, clusters=clusters)
    assert found.value == known != HeldOutF1()(y, s)
    assert found.interval.unit == "cluster"
    both = np.stack([clusters, 1000 + np.arange(120)], axis=1)
    assert estimate(HeldOutF1(), y, s, clusters=both).value == known


def test_auc_has_its_own_interval_and_test():
    y, s = drawn()
    clusters = np.arange(120) // 4
    other = s + np.random.default_rng(9).normal(size=120)
    for c in (None, clusters):
        assert estimate(RocAuc(), y, s, clusters=c).interval == auc_interval(s, y, clusters=c)
        assert compare(RocAuc(), y, s, other, clusters=c) == compare_auc(s, other, y, clusters=c)


def test_auc_of_pairs_that_share_items_leaves_items_out():
    y, s = drawn()
    both = np.stack([np.arange(120) // 4, 1000 + np.arange(120) % 11], axis=1)
    found = estimate(RocAuc(), y, s, clusters=both).interval
    assert found.method == "jackknife t"
    assert found.n_units == 41
    apart = compare(RocAuc(), y, s, s[::-1], clusters=both)
    assert apart.test == "paired jackknife over items"


@pytest.mark.parametrize("metric", EXAMPLES, ids=repr)
class TestBadInputs:
    def test_one_class(self, metric):
        with pytest.raises(DataError, match="both classes"):
            metric([1, 1, 1], [0.5, -0.2, 0.3])

    def test_labels_that_are_none(self, metric):
        with pytest.raises(DataError, match="0 or 1"):
            metric([1, 2, 0], [0.5, -0.2, 0.3])

    def test_lengths_that_differ(self, metric):
        with pytest.raises(ShapeError, match="truth and pred"):
            metric([1, 0, 0], [0.5, -0.2])

    def test_constant_scores_are_one_cut(self, metric):
        y = np.arange(60) % 3 == 0
        value = metric(y.astype(int), np.full(60, 0.3))
        expected = {AveragePrecision: 1 / 3, RocAuc: 0.5, BestF1: 0.5, HeldOutF1: 0.5}
        assert value == pytest.approx(expected.get(type(metric), 2 / 3))

    def test_a_single_positive(self, metric):
        value = metric([1, 0, 0, 0, 0, 0], [0.9, 0.1, -0.3, 0.2, 0.0, -0.1])
        assert 0 <= value <= 1


def test_folds_are_two_at_least():
    with pytest.raises(DataError, match="got 1"):
        HeldOutF1(folds=1)


def test_few_items_get_an_interval_all_the_same():
    y, s = drawn(n=12, seed=1)
    found = estimate(AveragePrecision(), y, s)
    assert found.interval.method == "jackknife t"
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


def test_perfect_scores_have_no_interval_rather_than_one_of_width_zero():
    y = np.arange(60) % 2
    assert estimate(AveragePrecision(), y, y).interval is None
    assert estimate(RocAuc(), y, y).interval.low < 1
