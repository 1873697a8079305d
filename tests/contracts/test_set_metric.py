"""What every metric of a whole set keeps, chosen by its tags."""

import numpy as np
import pytest

from contracts.collect import Kind, where
from cosimo.contracts import SetMetric
from cosimo.measure import compare, estimate, unit_values

SIZE = 60


def inputs(value: SetMetric, n: int = SIZE, seed: int = 0, *, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """n items and answers that are worth something, with ties and negative scores."""
    rng = np.random.default_rng(seed)
    match value.tags.takes:
        case "numbers":
            truth = np.round(rng.uniform(size=n), 1)
            return truth, np.round(2 * truth - 1 + noise * rng.normal(size=n), 1)
        case "labels":
            truth = np.arange(n) % 3 % 2
            return truth, np.round(2.0 * truth - 1 + noise * rng.normal(size=n), 1)
        case "clusters":
            truth = np.arange(n) % 4
            return truth, np.where(rng.uniform(size=n) < 0.3 * noise, rng.integers(-3, 3, size=n), truth)
    raise LookupError(f"no inputs for metrics that take {value.tags.takes}")


def _sets(example, n: int, dtype: type) -> tuple:
    """n sets, so that what is asked of rows is asked of sets."""
    found = [inputs(example.value, seed=seed) for seed in range(n)]
    return [truth for truth, _ in found], [pred for _, pred in found]


def _answer(value: SetMetric, truths: list, preds: list) -> list[np.ndarray]:
    return [np.array([value(truth, pred) for truth, pred in zip(truths, preds, strict=True)], dtype=np.float64)]


KIND = Kind("set_metric", SetMetric, inputs=_sets, answer=_answer, seed_shows=False)

unsplit = where(lambda set_metric: not hasattr(set_metric.value, "folds"))
"""For metrics that do not split the items, to which a copy of an item is another item."""


def test_a_number_within_bounds(set_metric):
    low, high = set_metric.value.tags.bounds
    for seed in range(20):
        value = set_metric.value(*inputs(set_metric.value, seed=seed, noise=seed % 4))
        assert isinstance(value, float)
        assert low <= value <= high


def test_best_answers_reach_the_bound(set_metric):
    truth, _ = inputs(set_metric.value)
    pred = truth - 7 if set_metric.value.tags.takes == "clusters" else 3.0 * truth - 2
    assert set_metric.value(truth, pred) == pytest.approx(set_metric.value.tags.bounds[1], abs=1e-12)


@where(lambda m: m.value.tags.chance is not None and m.value.tags.takes != "clusters" and m.value.tags.bounds[0] > -2)
def test_opposite_answers_reach_the_other_bound(set_metric):
    truth, _ = inputs(set_metric.value)
    assert set_metric.value(truth, 2.0 - 3 * truth) == pytest.approx(set_metric.value.tags.bounds[0], abs=1e-12)


def test_order_of_items_changes_nothing(set_metric):
    """Of metrics that split the items, where these have names."""
    truth, pred = inputs(set_metric.value)
    known = getattr(set_metric.value, "keeping_together", lambda names: set_metric.value)
    names = np.arange(SIZE)
    value = known(names)(truth, pred)
    for seed in range(5):
        places = np.random.default_rng(seed).permutation(SIZE)
        assert known(names[places])(truth[places], pred[places]) == pytest.approx(value, abs=1e-12)


@unsplit
def test_a_better_answer_is_never_worse(set_metric):
    """Two answers in the wrong order are exchanged; of clusters, the only item astray is put right."""
    truth, pred = inputs(set_metric.value)
    if set_metric.value.tags.takes == "clusters":
        astray = np.where(np.arange(SIZE) == 5, (truth + 1) % 4, truth)
        assert set_metric.value(truth, astray) < set_metric.value(truth, truth)
        return
    value, wrong = set_metric.value(truth, pred), np.argwhere((truth[:, None] > truth) & (pred[:, None] < pred))
    assert len(wrong) > 20
    for i, j in wrong[:: len(wrong) // 20]:
        better = pred.copy()
        better[[i, j]] = pred[[j, i]]
        assert set_metric.value(truth, better) >= value - 1e-12


@where(lambda set_metric: set_metric.value.tags.chance is not None)
def test_answers_that_know_nothing_score_the_chance_level(set_metric):
    rng = np.random.default_rng(0)
    found = [inputs(set_metric.value, seed=seed) for seed in range(400)]
    values = np.array([set_metric.value(rng.permutation(truth), pred) for truth, pred in found])
    error = values.std(ddof=1) / len(values) ** 0.5
    assert 0 < error < 0.05
    assert abs(values.mean() - set_metric.value.tags.chance) < 4 * error


def test_weights_of_one_are_no_weights(set_metric):
    truth, pred = inputs(set_metric.value)
    assert set_metric.value(truth, pred, np.ones(SIZE)) == pytest.approx(set_metric.value(truth, pred), abs=1e-12)


@unsplit
def test_whole_weights_are_repeated_rows(set_metric):
    truth, pred = inputs(set_metric.value)
    times = np.random.default_rng(2).integers(0, 4, size=SIZE)
    repeated = set_metric.value(np.repeat(truth, times), np.repeat(pred, times))
    assert set_metric.value(truth, pred, times.astype(float)) == pytest.approx(repeated, abs=1e-12)
    assert repeated != pytest.approx(set_metric.value(truth, pred), abs=1e-6)


def test_nothing_left_by_the_weights_is_nan(set_metric):
    truth, pred = inputs(set_metric.value)
    assert np.isnan(set_metric.value(truth, pred, np.zeros(SIZE)))


@pytest.mark.parametrize("weights", [np.ones(SIZE - 1), -np.ones(SIZE), np.full(SIZE, np.nan)], ids=str)
def test_bad_weights_refused(set_metric, weights):
    with pytest.raises(ValueError, match="weights"):
        set_metric.value(*inputs(set_metric.value), weights)


def test_inputs_and_read_only_ones(set_metric):
    truth, pred = inputs(set_metric.value)
    truth.flags.writeable = pred.flags.writeable = False
    assert set_metric.value(truth, pred) == set_metric.value(truth.tolist(), pred.tolist())


@pytest.mark.parametrize("side", ["truth", "pred"])
def test_nan_and_infinity_refused_by_name(set_metric, side):
    """To a metric of clusters infinity is a name like any other."""
    for bad in [np.nan] if set_metric.value.tags.takes == "clusters" else [np.nan, np.inf, -np.inf]:
        given = dict(zip(("truth", "pred"), (x.astype(float) for x in inputs(set_metric.value)), strict=True))
        given[side][3] = bad
        with pytest.raises(ValueError, match=f"{side}.*(NaN|infinity)"):
            set_metric.value(given["truth"], given["pred"])


def test_unequal_lengths_and_no_items_refused(set_metric):
    truth, pred = inputs(set_metric.value)
    for some in (truth[:-1], pred[:-1]), (truth[:0], pred[:0]):
        with pytest.raises(ValueError, match=r"\d"):
            set_metric.value(truth if len(some[0]) else some[0], some[1])


@pytest.mark.parametrize("clustered", [False, True], ids=["items", "clusters"])
def test_interval_contains_the_value_and_units_average_to_it(set_metric, clustered):
    truth, pred = inputs(set_metric.value)
    clusters = np.arange(SIZE) // 2 if clustered else None
    found = estimate(set_metric.value, truth, pred, clusters=clusters)
    low, high = set_metric.value.tags.bounds
    assert low <= found.interval.low < found.value < found.interval.high <= high
    assert found.per_item is None
    units = unit_values(set_metric.value, truth, pred, clusters=clusters)
    assert units.mean() == pytest.approx(found.value, abs=1e-9)
    if clusters is None and not hasattr(set_metric.value, "folds"):
        assert found.value == set_metric.value(truth, pred)


def test_equal_systems_do_not_differ(set_metric):
    truth, pred = inputs(set_metric.value)
    found = compare(set_metric.value, truth, pred, pred)
    assert (found.difference, found.p_value) == (0.0, 1.0)


def test_a_far_better_system_is_told(set_metric):
    truth, good = inputs(set_metric.value, noise=0.2)
    _, poor = inputs(set_metric.value, noise=3.0, seed=1)
    found = compare(set_metric.value, truth, good, poor)
    assert found.difference == pytest.approx(set_metric.value(truth, good) - set_metric.value(truth, poor), abs=1e-9)
    assert found.p_value < 0.05
    assert found.interval.low > 0
