import itertools
from collections import defaultdict

import numpy as np
import pytest
import pytrec_eval

from cosimo.errors import DataError
from cosimo.measure import MAP, MRR, NDCG, Precision, Recall, RPrecision, Success, estimate

EXAMPLES = [
    NDCG(),
    NDCG(k=None, ties="trec"),
    MRR(),
    MRR(k=3),
    MAP(),
    MAP(k=8, ties="trec"),
    Recall(k=3),
    Precision(k=3),
    Success(k=1),
    RPrecision(),
]

AGAINST = {
    "ndcg": NDCG(k=None),
    "ndcg_cut_10": NDCG(),
    "recip_rank": MRR(),
    "map": MAP(),
    "map_cut_5": MAP(k=5),
    "recall_5": Recall(k=5),
    "P_5": Precision(k=5),
    "P_100": Precision(k=100),
    "success_5": Success(k=5),
    "Rprec": RPrecision(),
}


def drawn(seed, *, queries=60, found=50, decimals=1, judged=12):
    """Runs full of ties, some only in float32, with judged documents that the run lacks and negative grades."""
    rng = np.random.default_rng(seed)
    truth, pred = {}, {}
    for q in range(queries):
        scores = np.round(rng.normal(size=found), decimals) + 1e-9 * rng.integers(0, 3, size=found)
        pred[f"q{q}"] = dict(zip([f"d{i}" for i in rng.permutation(found)], map(float, scores), strict=True))
        truth[f"q{q}"] = {f"d{i}": int(rng.integers(-2, 4)) for i in rng.choice(2 * found, judged, replace=False)}
    truth["nothing relevant"] = {"d1": 0, "d2": -1}
    pred["nothing relevant"] = pred["q0"]
    pred["unjudged"] = pred["q1"]
    return truth, pred


def trec(metric):
    return type(metric)(**{**metric.__dict__, "ties": "trec"})


@pytest.mark.parametrize("name", AGAINST)
@pytest.mark.parametrize("seed", range(3))
def test_trec_ties_equal_trec_eval(name, seed):
    truth, pred = drawn(seed)
    asked = {"ndcg", "ndcg_cut.10", "recip_rank", "map", "map_cut.5", "recall.5", "P.5,100", "success.5", "Rprec"}
    theirs = pytrec_eval.RelevanceEvaluator(truth, asked).evaluate(pred)
    expected = [theirs[query][name] for query in truth]
    np.testing.assert_allclose(trec(AGAINST[name])(truth, pred), expected, rtol=0, atol=1e-9)


def test_average_ties_are_not_trec_evals():
    truth, pred = drawn(0)
    for metric in (NDCG(), MRR(), MAP(), Recall(k=5), Precision(k=5), Success(k=5), RPrecision()):
        assert np.abs(metric(truth, pred) - trec(metric)(truth, pred)).max() > 1e-3


def naive(order, grades, k):
    """Every number from its definition, of one order of documents."""
    relevant = [grades.get(document, 0) > 0 for document in order]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    gains = [max(grades.get(document, 0), 0) for document in order]
    dcg, best = (sum(g / np.log2(i + 2) for i, g in enumerate(each[:k])) for each in (gains, ideal))
    places = [i + 1 for i, hit in enumerate(relevant) if hit]
    return {
        "NDCG": dcg / best,
        "MRR": 1 / places[0] if places and places[0] <= k else 0.0,
        "MAP": sum((n + 1) / place for n, place in enumerate(places) if place <= k) / len(ideal),
        "Recall": sum(relevant[:k]) / len(ideal),
        "Precision": sum(relevant[:k]) / k,
        "Success": float(any(relevant[:k])),
        "RPrecision": sum(relevant[: len(ideal)]) / len(ideal),
    }


def in_every_order(scores, grades, k):
    """The mean over all orders of documents that falls with the score."""
    blocks = defaultdict(list)
    for document, score in scores.items():
        blocks[score].append(document)
    ways = itertools.product(*(itertools.permutations(blocks[score]) for score in sorted(blocks, reverse=True)))
    values = [naive(list(itertools.chain(*way)), grades, k) for way in ways]
    return {name: np.mean([value[name] for value in values]) for name in values[0]}


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("seed", range(8))
def test_average_ties_are_the_mean_over_all_orders(seed, k):
    rng = np.random.default_rng(seed)
    scores = {f"d{i}": float(s) for i, s in enumerate(rng.integers(-1, 2, size=7))}
    grades = {f"d{i}": int(rng.integers(-1, 3)) for i in rng.choice(9, size=6, replace=False)} | {"d1": 1}
    expected = in_every_order(scores, grades, k)
    for kind in (NDCG, MRR, MAP, Recall, Precision, Success):
        found = kind(k=k)({"q": grades}, {"q": scores})
        assert found[0] == pytest.approx(expected[kind.__name__], abs=1e-12), kind
    assert RPrecision()({"q": grades}, {"q": scores})[0] == pytest.approx(expected["RPrecision"], abs=1e-12)


def test_one_score_for_all_is_no_better_than_chance():
    """Optimistic ties would give 1."""
    truth, pred = {"q": {"d3": 1}}, {"q": {f"d{i}": 0.25 for i in range(10)}}
    assert MRR()(truth, pred)[0] == pytest.approx(np.mean([1 / i for i in range(1, 11)]))
    assert Success(k=1)(truth, pred)[0] == pytest.approx(0.1)
    assert Success(k=10)(truth, pred)[0] == 1.0


def test_order_of_the_run_means_nothing():
    truth, pred = drawn(1)
    other = {query: dict(sorted(found.items())) for query, found in pred.items()}
    for metric in EXAMPLES:
        np.testing.assert_array_equal(metric(truth, pred), metric(truth, other))


@pytest.mark.parametrize("metric", EXAMPLES, ids=repr)
def test_a_judged_query_that_the_run_lacks_counts_zero(metric):
    truth = {"lacking": {"a": 1}, "there": {"a": 1, "b": 1, "c": 1}, "nothing relevant": {"a": 0, "b": -1}}
    pred = {"there": {"a": 0.3, "b": 0.2, "c": -0.1}, "nothing relevant": {"a": 0.3}, "unjudged": {"a": 1.0}}
    assert metric(truth, pred).tolist() == [0.0, 1.0, 0.0]
    assert estimate(metric, truth, pred, unit="query").value == pytest.approx(1 / 3)


def test_a_query_that_found_nothing():
    assert MAP()({"q": {"a": 1}, "r": {"a": 1}}, {"q": {}, "r": {"a": 1.0}}).tolist() == [0.0, 1.0]


def test_whole_hits_are_whole_numbers():
    """So that they count as rates: no rounding in a sum of probabilities."""
    truth, pred = drawn(0, decimals=6)
    assert set(Success(k=5)(truth, pred).tolist()) == {0.0, 1.0}
    assert estimate(Success(k=5), truth, pred).interval.method == "Wilson"


@pytest.mark.parametrize("kind", [NDCG, MRR, MAP, Recall, Precision, Success])
@pytest.mark.parametrize("k", [0, -1, 2.5])
def test_k_counts_documents(kind, k):
    with pytest.raises(DataError, match=r"from 1 on"):
        kind(k=k)


def test_unknown_ties_refused():
    with pytest.raises(DataError, match="'average' or 'trec'"):
        NDCG(ties="optimistic")


def test_nan_scores_refused():
    with pytest.raises(DataError, match=r"pred.*'b'.*'q'.*NaN"):
        NDCG()({"q": {"a": 1}}, {"q": {"a": 0.5, "b": float("nan")}})


def test_a_run_of_other_queries_refused():
    with pytest.raises(DataError, match=r"'1'.*'q1'"):
        NDCG()({"1": {"a": 1}}, {"q1": {"a": 0.5}})


def test_no_judgements():
    assert NDCG()({}, {"q": {"a": 0.5}}).shape == (0,)
    with pytest.raises(DataError, match="no item"):
        estimate(NDCG(), {}, {"q": {"a": 0.5}})


def test_scores_too_great_for_float32_tie_in_trec_eval_order():
    truth, pred = {"q": {"a": 1}}, {"q": {"a": 1e300, "b": 1e200}}
    assert MRR(ties="trec")(truth, pred).tolist() == [0.5]
    assert MRR()(truth, pred).tolist() == [1.0]
