"""What every metric of items keeps, chosen by its tags."""

import numpy as np
import pytest

from contracts.collect import Kind, where
from cosimo.contracts import ItemMetric, MetricTags
from cosimo.measure import compare, estimate, unit_values

CLASSES = 5


def known(value: ItemMetric) -> int:
    """Relevant documents that a query must have for recall and precision to reach 1."""
    return getattr(value, "k", None) or 5


def inputs(value: ItemMetric, n: int, seed: int = 0) -> tuple:
    """n items and answers that are worth something, with ties and negative scores."""
    rng = np.random.default_rng(seed)
    match value.tags.takes:
        case "classes":
            truth = rng.integers(CLASSES, size=n)
            return truth, np.where(rng.uniform(size=n) < 0.7, truth, rng.integers(CLASSES, size=n))
        case "pairs":
            truth = rng.integers(2, size=n)
            scores = np.round(rng.normal(size=(n, 2)), 1)
            scores[np.arange(n), 1 - truth] += 1  # the first is the right one where truth is 1
            return truth, [tuple(pair) for pair in scores]
        case "rankings":
            return rankings(rng, n)
        case "lists":
            gold = rng.permuted(np.tile(np.arange(8), (n, 1)), axis=1)
            return gold, np.round(gold / 3 + rng.normal(size=(n, 8)), 1).tolist()
    raise LookupError(f"no inputs for metrics that take {value.tags.takes}")


def rankings(rng: np.random.Generator, n: int) -> tuple[dict, dict]:
    documents = [f"d{i}" for i in range(20)]
    truth, pred = {}, {}
    for i in range(n):
        grades = rng.integers(-1, 4, size=8)
        truth[f"q{i}"] = {documents[d]: int(g) for d, g in zip(rng.permutation(20), grades, strict=False)}
        scores = {
            d: float(np.round(rng.normal() + truth[f"q{i}"].get(d, 0) / 2, 1)) for d in rng.permutation(documents)
        }
        pred[f"q{i}"] = dict(list(scores.items())[:15])
    return truth, pred


KIND = Kind(
    "item_metric",
    ItemMetric,
    inputs=lambda example, n, dtype: inputs(example.value, n),
    answer=lambda value, truth, pred: [value(truth, pred)],
    seed_shows=False,
)


def best(value: ItemMetric, n: int = 4) -> tuple:
    match value.tags.takes:
        case "rankings":
            grades = {f"d{i}": 1 for i in range(known(value))}
            return {f"q{i}": grades for i in range(n)}, {f"q{i}": {**grades, "other": -0.5} for i in range(n)}
        case "pairs":
            return np.ones(n), np.tile([0.2, -0.1], (n, 1))
        case "lists":
            return np.tile(np.arange(4), (n, 1)), np.tile(np.arange(4) / 4 - 0.5, (n, 1))
    truth = np.arange(n)
    return truth, truth


def worst(value: ItemMetric, n: int = 4) -> tuple:
    truth, pred = best(value, n)
    if value.tags.takes == "rankings":
        return truth, {query: {"other": -0.5} for query in truth}
    return truth, pred + 1 if value.tags.takes == "classes" else pred[:, ::-1]


def chance(value: ItemMetric, seed: int) -> float:
    """Mean of answers that know nothing: each is judged by the truth of another item."""
    truth, pred = inputs(value, 50, seed=seed)
    shift = int(np.random.default_rng(seed).integers(1, 50))
    return float(value(np.roll(truth, shift, axis=0), pred).mean())


def order(tags: MetricTags) -> int:
    return 1 if tags.higher_is_better else -1


def reordered(truth, pred, places: np.ndarray) -> tuple:
    """The same items in another order; of rankings, the run in one of its own."""
    if isinstance(truth, dict):
        names = list(truth)
        return {names[i]: truth[names[i]] for i in places}, {name: pred[name] for name in sorted(pred, reverse=True)}
    return truth[places], [pred[i] for i in places]


def test_one_number_an_item_within_bounds(item_metric):
    truth, pred = inputs(item_metric.value, 40)
    values = item_metric.value(truth, pred)
    low, high = item_metric.value.tags.bounds
    assert values.shape == (40,)
    assert values.dtype == np.float64
    assert ((values >= low) & (values <= high)).all()
    assert len(set(values.tolist())) > 1


def test_best_and_worst_answers_reach_the_bounds(item_metric):
    bounds = item_metric.value.tags.bounds[:: order(item_metric.value.tags)]
    for answers, bound in zip((worst, best), bounds, strict=True):
        np.testing.assert_array_equal(item_metric.value(*answers(item_metric.value)), np.full(4, bound))


def test_an_item_depends_on_nothing_but_itself_and_order_changes_nothing(item_metric):
    truth, pred = inputs(item_metric.value, 20)
    places = np.random.default_rng(1).permutation(20)[:15]
    values = item_metric.value(truth, pred)
    np.testing.assert_array_equal(item_metric.value(*reordered(truth, pred, places)), values[places])


def test_a_better_answer_is_never_worse(item_metric):
    """One answer at a time is set right: the class, the better candidate, or two documents in the wrong order."""
    truth, pred = inputs(item_metric.value, 30)
    if item_metric.value.tags.takes == "rankings":  # which of equal scores comes first is not what is mended here
        pred = {query: {d: s + i / 1000 for i, (d, s) in enumerate(found.items())} for query, found in pred.items()}
    before = item_metric.value(truth, pred)
    match item_metric.value.tags.takes:
        case "classes" | "lists":
            better = truth
        case "pairs":
            better = [tuple(sorted(pair, reverse=bool(first))) for first, pair in zip(truth, pred, strict=True)]
        case "rankings":
            better = {query: mended(truth[query], found) for query, found in pred.items()}
            assert better != pred
    after = item_metric.value(truth, better)
    assert (order(item_metric.value.tags) * (after - before) >= -1e-12).all()
    assert (after != before).any()


def mended(grades: dict, found: dict) -> dict:
    """The scores of the best document and of the first that is above it, exchanged."""
    top = max(found, key=lambda document: (grades.get(document, 0), -found[document]))
    first = max(found, key=lambda document: found[document])
    return {**found, top: found[first], first: found[top]}


@where(lambda item_metric: item_metric.value.tags.chance is not None)
def test_answers_that_know_nothing_score_the_chance_level(item_metric):
    means = np.array([chance(item_metric.value, seed) for seed in range(400)])
    error = means.std(ddof=1) / len(means) ** 0.5
    assert 0 < error < 0.02
    assert abs(means.mean() - item_metric.value.tags.chance) < 4 * error


@pytest.mark.parametrize("clustered", [False, True], ids=["items", "clusters"])
def test_interval_contains_the_value_and_units_average_to_it(item_metric, clustered):
    truth, pred = inputs(item_metric.value, 60)
    clusters = np.arange(60) // 2 if clustered else None
    found = estimate(item_metric.value, truth, pred, clusters=clusters)
    low, high = item_metric.value.tags.bounds
    assert low <= found.interval.low < found.value < found.interval.high <= high
    assert found.interval.n_units == (30 if clustered else 60)
    np.testing.assert_array_equal(found.per_item, item_metric.value(truth, pred))
    units = unit_values(item_metric.value, truth, pred, clusters=clusters)
    assert units.shape == (found.interval.n_units,)
    assert units.mean() == pytest.approx(found.value, abs=1e-12)


def test_equal_systems_do_not_differ(item_metric):
    truth, pred = inputs(item_metric.value, 40)
    found = compare(item_metric.value, truth, pred, pred)
    assert (found.difference, found.p_value, found.equal) == (0.0, 1.0, 1.0)


def test_difference_has_the_sign_of_a_minus_b_and_better_means_better(item_metric):
    truth, pred = inputs(item_metric.value, 40)
    poor = reordered(truth, pred, np.roll(np.arange(40), 1))[1]
    if isinstance(pred, dict):
        poor = dict(zip(pred, np.roll(np.array(list(pred.values()), dtype=object), 1), strict=True))
    found = compare(item_metric.value, truth, pred, poor)
    expected = item_metric.value(truth, pred).mean() - item_metric.value(truth, poor).mean()
    assert found.difference == pytest.approx(expected, abs=1e-12)
    assert order(item_metric.value.tags) * expected > 0
    assert found.better > found.worse


@where(lambda item_metric: item_metric.value.tags.takes != "rankings")  # queries are found by their names
def test_unequal_lengths_refused(item_metric):
    truth, pred = inputs(item_metric.value, 6)
    with pytest.raises(ValueError, match="pred"):
        item_metric.value(truth, pred[:-1])
