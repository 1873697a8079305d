import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide import QueryRecallThreshold, RecallThreshold
from cosimo.decide.fitting.states import load_decider, save_decider
from cosimo.decide.thresholds.query_recall import betting_minimum
from cosimo.errors import DataError, NotEnoughLabels, Refused
from cosimo.statistics import betting_p_value, hashed_order

EXAMPLES = [QueryRecallThreshold(0.5), QueryRecallThreshold(0.5, kind="average")]


def relevant(rng, n, *, ties=False):
    """Scores of the relevant items of n queries, 1 to 8 each, where queries with many have lower ones."""
    sizes = rng.integers(1, 9, size=n)
    query = np.repeat(np.arange(n), sizes)
    S = rng.normal(size=len(query)) + rng.normal(size=n)[query] - 0.2 * sizes[query]
    return (np.round(2 * S) / 2 if ties else S), query


def losses(S, query, t):
    """(n,) share of each query's relevant items below t."""
    return np.array([(t > S[query == q]).mean() for q in np.unique(query)])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("target", [0.8, 0.9])
def test_average_oracle_loop(target, ties):
    S, query = relevant(np.random.default_rng(0), 80, ties=ties)
    alpha = round(1 - target, 9)
    wanted = max(t for t in S if (losses(S, query, t).sum() + 1) / 81 <= alpha)
    assert QueryRecallThreshold(target, kind="average").fit(S, clusters=query).threshold_ == wanted


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("target", [0.8, 0.9])
def test_confident_oracle_loop(target, ties):
    S, query = relevant(np.random.default_rng(1), 120, ties=ties)
    order = hashed_order(np.unique(query.astype(str)).tolist())
    names = np.unique(query.astype(str)).astype(int)[order]
    wanted = None
    for t in np.unique(S):
        kept = [1 - (t > S[query == q]).mean() for q in names]
        if betting_p_value(kept, target) > 0.05:
            break
        wanted = t
    assert QueryRecallThreshold(target, look=None).fit(S, clusters=query).threshold_ == wanted


def test_a_walk_of_many_blocks_ends_at_the_same_cut():
    """20,000 queries make blocks of 13 cuts."""
    S, query = relevant(np.random.default_rng(2), 20_000, ties=True)
    cut = QueryRecallThreshold(0.9, look=None).fit(S, clusters=query).threshold_
    kept = 1 - np.bincount(query, cut > S) / np.bincount(query)
    above = 1 - np.bincount(query, cut >= S) / np.bincount(query)
    order = np.argsort(np.unique(query.astype(str)).astype(int))  # names sort as text
    places = hashed_order(np.unique(query.astype(str)).tolist())
    by_name = np.unique(query.astype(str)).astype(int)
    assert order.shape == (20_000,)
    assert betting_p_value(kept[by_name][places], 0.9) <= 0.05 < betting_p_value(above[by_name][places], 0.9)


def test_promises_by_their_own_criterion():
    """Average: the mean over calibrations; confident: the share of them that fail. Truth from 20,000 queries."""
    rng = np.random.default_rng(3)
    S, query = relevant(rng, 20_000)
    order = np.argsort(S)
    ordered = S[order]
    lost = np.append(0, np.cumsum((1 / np.bincount(query)[query])[order])) / 20_000
    R = 400
    found = {"average": [], "confident": []}
    starts = np.append(0, np.cumsum(np.bincount(query)))
    for _ in range(R):
        drawn = rng.integers(20_000, size=100)
        rows = np.concatenate([np.arange(starts[q], starts[q + 1]) for q in drawn])
        names = np.repeat(np.arange(100), np.bincount(query)[drawn])
        for kind, recalls in found.items():
            t = QueryRecallThreshold(0.8, kind=kind, look=None).fit(S[rows], clusters=names).threshold_
            recalls.append(1 - lost[np.searchsorted(ordered, t)])
    average, confident = np.array(found["average"]), np.array(found["confident"])
    assert average.mean() + 4 * average.std() / np.sqrt(R) >= 0.8
    assert average.mean() < 0.83
    assert (average < 0.8).mean() > 0.2  # it promises nothing about one calibration
    assert (confident < 0.8).sum() <= binom.isf(1e-4, R, 0.05)
    assert confident.mean() < 0.9


def test_one_relevant_item_a_query_is_recall():
    """Then L is 0 or 1, and the average rule is an order statistic."""
    S = np.random.default_rng(4).normal(size=99)
    rule = QueryRecallThreshold(0.9, kind="average").fit(S, clusters=range(99))
    assert rule.threshold_ == np.sort(S)[10 - 1]


def test_recall_by_clusters_walks_the_same_way():
    S, query = relevant(np.random.default_rng(5), 150)
    walked = QueryRecallThreshold(0.8).fit(S, clusters=query)
    assert RecallThreshold(0.8).fit(S, clusters=query).threshold_ == walked.threshold_
    assert walked.guarantee.unit == "query"
    assert "gets at least 0.8 of them on average, for queries like these" in str(walked.guarantee)


def test_items_never_retrieved_are_lost_and_others_play_no_part():
    rng = np.random.default_rng(6)
    S, query = relevant(rng, 200)
    never = rng.uniform(size=len(S)) < 0.03
    for kind in ("average", "confident"):
        rule = QueryRecallThreshold(0.8, kind=kind).fit(np.where(never, -np.inf, S), clusters=query)
        assert (
            rule.threshold_
            == QueryRecallThreshold(0.8, kind=kind).fit(np.where(never, -99, S), clusters=query).threshold_
        )
        mixed = np.append(np.where(never, -np.inf, S), rng.normal(size=400))
        queries = np.append(query, rng.integers(400, size=400))
        y = np.arange(len(mixed)) < len(S)
        again = QueryRecallThreshold(0.8, kind=kind).fit(mixed, y, clusters=queries)
        assert again.threshold_ == rule.threshold_
        assert again.guarantee.n_units == 200
        assert (np.diff(again.probability([-1.0, 0.0, 1.0])) >= 0).all()


@pytest.mark.parametrize(("kind", "minimum"), [("average", 19), ("confident", 78)])
def test_too_few_queries_refused(kind, minimum):
    S, query = np.arange(2.0 * minimum), np.arange(2 * minimum) // 2
    rule = QueryRecallThreshold(0.95, kind=kind, look=None)
    assert rule.fit(S, clusters=query).threshold_ == 0
    with pytest.raises(NotEnoughLabels, match=f"at least {minimum}") as refused:
        rule.fit(S[2:], clusters=query[2:])
    assert (refused.value.minimum, refused.value.estimate, refused.value.reachable) == (minimum, 1, True)


@pytest.mark.parametrize("kind", ["average", "confident"])
@pytest.mark.parametrize(("missed", "reachable"), [(19, True), (80, False)])
def test_too_many_never_retrieved_refused(kind, missed, reachable):
    S = np.append([-np.inf] * missed, np.ones(200 - missed))
    with pytest.raises(NotEnoughLabels, match="never retrieved") as refused:
        QueryRecallThreshold(0.9, kind=kind).fit(S, clusters=np.arange(200) // 2)
    assert refused.value.reachable == reachable


def test_betting_minimum_oracle():
    for target in (0.5, 0.9, 0.95):
        n = betting_minimum(target, 0.025)
        assert betting_p_value(np.ones(n), target) <= 0.025 < betting_p_value(np.ones(n - 1), target)


@pytest.mark.parametrize("kind", ["average", "confident"])
def test_saved_and_read_back(kind):
    S, query = relevant(np.random.default_rng(7), 150)
    rule = QueryRecallThreshold(0.8, kind=kind).fit(S, clusters=query)
    again = load_decider(*save_decider(rule))
    assert vars(again) == vars(rule)


@pytest.mark.parametrize(
    ("rule", "arguments", "error", "message"),
    [
        (QueryRecallThreshold(1.0), {"clusters": [1, 2]}, DataError, "target must lie"),
        (QueryRecallThreshold(kind="both"), {"clusters": [1, 2]}, DataError, "kind is 'average' or 'confident'"),
        (QueryRecallThreshold(), {}, DataError, "name the query of each pair"),
        (QueryRecallThreshold(), {"clusters": [1, 2], "weights": [1, 2]}, DataError, "weights have no use"),
        (QueryRecallThreshold(), {"clusters": [1, 2], "y": [0, 0]}, Refused, "none of the 2 labels is 1"),
        (QueryRecallThreshold(), {"clusters": [1, 2], "by": [1, 2]}, DataError, "wrap it: PerGroup"),
        (QueryRecallThreshold(), {"clusters": [1, 2], "unlabelled": [1]}, DataError, "no use for unlabelled"),
    ],
)
def test_bad_input(rule, arguments, error, message):
    with pytest.raises(error, match=message):
        rule.fit([0.5, 0.6], **arguments)
