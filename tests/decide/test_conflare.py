import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta, binom

from cosimo.decide import ConformalRetriever
from cosimo.decide.conformal.conflare import coverage_low
from cosimo.decide.fitting.states import load_decider, save_decider
from cosimo.errors import DataError, NotEnoughLabels, Refused, ShapeError

EXAMPLES = [ConformalRetriever(0.2), ConformalRetriever(0.2, kind="confident", look=None)]


def percentile_cut(A, alpha):
    """The official rule: closer than the interpolated percentile of the distances, strictly."""
    return 1 - np.percentile(1 - A, 100 - 100 * alpha)


@pytest.mark.parametrize("n", [19, 20, 57, 99, 200])
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_average_oracle_loop(n, alpha):
    A = np.random.default_rng(n).normal(size=n)
    distances = sorted((1 - A).tolist())
    wanted = next(i for i in range(1, n + 1) if 20 * i >= round(20 * (1 - alpha)) * (n + 1))
    assert ConformalRetriever(alpha).fit(A).threshold_ == pytest.approx(1 - distances[wanted - 1])


@pytest.mark.parametrize("n", [59, 60, 93, 200])
def test_confident_oracle_loop(n):
    A = np.random.default_rng(n).normal(size=n)
    rank = max(i for i in range(1, n + 1) if binom.cdf(i - 1, n, 0.05) <= 0.05)
    assert ConformalRetriever(kind="confident", look=None).fit(A).threshold_ == np.sort(A)[rank - 1]


def test_oracle_mapie():
    """Prediction sets of a regressor that predicts 0 everywhere: |y| <= q is a distance within q."""
    from mapie.regression import SplitConformalRegressor
    from sklearn.dummy import DummyRegressor

    distances = np.random.default_rng(0).exponential(size=87)
    X = np.zeros((87, 1))
    theirs = SplitConformalRegressor(
        DummyRegressor(strategy="constant", constant=0.0).fit(X, distances), confidence_level=0.9, prefit=True
    ).conformalize(X, distances)
    _, interval = theirs.predict_interval(X[:1])
    assert -ConformalRetriever(0.1).fit(-distances).threshold_ == pytest.approx(interval[0, 1, 0])


def test_oracle_crepes():
    from crepes import ConformalRegressor

    distances = np.random.default_rng(1).exponential(size=63)
    theirs = ConformalRegressor().fit(distances)
    interval = theirs.predict_int(np.zeros(1), confidence=0.8)
    assert -ConformalRetriever(0.2).fit(-distances).threshold_ == pytest.approx(interval[0, 1])


@pytest.mark.parametrize(("n", "alpha"), [(20, 0.1), (50, 0.05), (100, 0.2)])
def test_average_coverage_follows_its_beta_law(n, alpha):
    """Scores are uniform, so coverage is 1 - t: its mean and its 5 % quantile over 2,000 calibrations."""
    draws = np.random.default_rng(n).uniform(size=(2000, n))
    rules = [ConformalRetriever(alpha).fit(A) for A in draws]
    coverage = np.array([1 - rule.threshold_ for rule in rules])
    rank = int(alpha * (n + 1) + 1e-9)
    law = beta(n + 1 - rank, rank)
    assert rules[0].coverage_low_ == pytest.approx(law.ppf(0.05))
    assert abs(coverage.mean() - law.mean()) < 4 * law.std() / np.sqrt(2000)
    assert binom.ppf(1e-4, 2000, 0.05) <= (coverage < law.ppf(0.05)).sum() <= binom.isf(1e-4, 2000, 0.05)
    assert law.mean() >= 1 - alpha


@pytest.mark.parametrize(("n", "alpha", "expected"), [(20, 0.1, 0.862), (50, 0.05, 0.932)])
def test_percentile_covers_less_than_promised(n, alpha, expected):
    draws = np.random.default_rng(n).uniform(size=(2000, n))
    theirs = np.array([1 - percentile_cut(A, alpha) for A in draws])
    assert theirs.mean() == pytest.approx(expected, abs=0.006)
    assert theirs.mean() + 4 * theirs.std() / np.sqrt(2000) < 1 - alpha


@pytest.mark.parametrize("n", [59, 100, 300])
def test_confident_fails_in_few_calibrations_and_average_in_many(n):
    draws = np.random.default_rng(n).uniform(size=(1000, n))
    for kind, fewest, most in (("confident", 0, binom.isf(1e-4, 1000, 0.05)), ("average", 250, 1000)):
        coverage = np.array([1 - ConformalRetriever(kind=kind, look=None).fit(A).threshold_ for A in draws])
        assert fewest <= (coverage < 0.95).sum() <= most


def test_users_count_once():
    """Half of all queries are those of 3 users who are served worse; a new user is nearly never one of them."""
    rng = np.random.default_rng(2)
    user = np.concatenate([np.repeat(np.arange(3), 99), np.arange(3, 300)])
    A = rng.normal(size=len(user)) - 3.0 * (user < 3)
    assert ConformalRetriever(0.1).fit(A, clusters=user).threshold_ > ConformalRetriever(0.1).fit(A).threshold_ + 1
    rule = ConformalRetriever(0.1).fit(A, clusters=user)
    kept = np.array([(A[user == u] < rule.threshold_).mean() for u in range(300)])
    assert (kept.sum() + 1) / 301 <= 0.1 < (kept.sum() + 2) / 301
    assert rule.coverage_low_ is None
    assert rule.guarantee.unit == "cluster"


@pytest.mark.parametrize("kind", ["average", "confident"])
def test_clusters_of_one_change_nothing_but_the_method(kind):
    A = np.random.default_rng(3).normal(size=120)
    alone = ConformalRetriever(0.1, kind=kind).fit(A)
    assert ConformalRetriever(0.1, kind=kind).fit(A, clusters=range(120)).threshold_ == alone.threshold_


def test_a_query_that_was_never_answered_counts():
    A = np.random.default_rng(4).uniform(size=99)
    rule = ConformalRetriever(0.1).fit(np.append(A, [-np.inf] * 5))
    assert rule.threshold_ == np.sort(A)[10 - 1 - 5]
    assert rule.threshold_ < ConformalRetriever(0.1).fit(A).threshold_


def test_too_many_never_answered_refused():
    A = np.append(np.ones(80), [-np.inf] * 20)
    with pytest.raises(NotEnoughLabels, match="20 of the matches were never retrieved") as refused:
        ConformalRetriever(0.1).fit(A)
    assert not refused.value.reachable
    assert refused.value.estimate is None


@pytest.mark.parametrize(
    ("kind", "look", "minimum"), [("average", 1, 19), ("confident", None, 59), ("confident", 1, 72)]
)
def test_too_few_queries_refused(kind, look, minimum):
    A = np.linspace(0, 1, minimum)
    rule = ConformalRetriever(0.05, kind=kind, look=look)
    assert rule.fit(A).threshold_ == 0
    with pytest.raises(NotEnoughLabels, match=f"at least {minimum}") as refused:
        rule.fit(A[1:])
    assert (refused.value.minimum, refused.value.estimate, refused.value.reachable) == (minimum, 1, True)


def test_queries_without_anything_relevant_are_outside():
    A = np.random.default_rng(5).normal(size=100)
    relevant = np.arange(100) % 3 > 0
    assert ConformalRetriever(0.1).fit(A, relevant).threshold_ == ConformalRetriever(0.1).fit(A[relevant]).threshold_


def test_k_turns_what_is_never_served_into_a_loss():
    A, rank = np.linspace(1, 0, 100), np.arange(1, 101)
    rule = ConformalRetriever(0.1, k=95).fit(A, context={"rank": rank})
    assert rule.threshold_ == ConformalRetriever(0.1).fit(np.where(rank <= 95, A, -np.inf)).threshold_
    assert rule.guarantee.binds == {"k": "95"}
    with pytest.raises(DataError, match="k needs the place"):
        ConformalRetriever(0.1, k=95).fit(A)


def retrieval(n, seed):
    """(n, 50) scores of queries whose levels differ, the best relevant score of each, and its place."""
    rng = np.random.default_rng(seed)
    S = rng.normal(size=(n, 50)) + rng.normal(size=(n, 1))
    relevant = rng.uniform(size=S.shape) < 0.1
    relevant[:, 0] = True
    best = np.where(relevant, S, -np.inf).max(axis=1)
    return S, best, 1 + (best[:, None] < S).sum(axis=1)


def test_report_oracle_loop():
    _, A, rank = retrieval(150, 6)
    rule = ConformalRetriever(0.1).fit(A, context={"rank": rank})
    S, best, place = retrieval(400, 7)
    best[:3] = -np.inf
    report = rule.coverage_report(S, best)
    sizes = [sum(score >= rule.threshold_ for score in row) for row in S.tolist()]
    assert report.coverage.value == np.mean([b >= rule.threshold_ for b in best])
    assert report.size.value == np.mean(sizes)
    assert report.empty == np.mean([size == 0 for size in sizes])
    assert rule.top_k_ == np.sort(rank)[-int(0.1 * 151)]
    assert report.top_k_coverage.value == np.mean(
        [b > -np.inf and p <= rule.top_k_ for b, p in zip(best, place, strict=True)]
    )
    for estimate in (report.coverage, report.size, report.top_k_coverage):
        assert estimate.interval.low < estimate.value < estimate.interval.high
    assert f"covers less than {rule.coverage_low_:.3f}" in str(report)
    assert f"{rule.top_k_} hits" in str(report)


def test_report_serves_k_at_most():
    S, A, rank = retrieval(300, 8)
    rule = ConformalRetriever(0.2, k=30).fit(A, context={"rank": rank})
    report = rule.coverage_report(S, A)
    assert report.size.per_item.max() == 30
    assert report.coverage.value == ((rank <= 30) & (rule.threshold_ <= A)).mean()


def test_guarantee_says_average_or_confident():
    A = np.random.default_rng(9).normal(size=99)
    said = str(ConformalRetriever(0.1).fit(A).guarantee)
    assert said.startswith("Guarantee on average over draws of 99 labelled queries, not for each draw")
    assert "at least 0.9 of the queries that have a relevant item get one of them" in said
    assert "one calibration in twenty covers less than 0.847" in said
    made = ConformalRetriever(0.1, kind="confident").fit(np.append(A, A), np.arange(198) < 99).guarantee
    assert (made.n_units, made.n_accepted, made.errors, made.delta) == (99, 96, 0, 0.05)
    said = str(made)
    assert said.startswith("Guarantee: with probability at least 95 % over the draw of the 99 labelled queries")


def test_probability_refused():
    with pytest.raises(Refused, match="knows no probability"):
        ConformalRetriever(0.1).fit(np.arange(50.0)).probability([1.0])


def test_saved_and_read_back():
    A, rank = np.random.default_rng(10).normal(size=100).astype(np.float32), np.arange(1, 101)
    rule = ConformalRetriever(0.1, kind="confident", k=99).fit(A, context={"rank": rank, "scale": "cosine"})
    again = load_decider(*save_decider(rule))
    assert vars(again) == vars(rule)


@pytest.mark.parametrize(
    ("rule", "arguments", "message"),
    [
        (ConformalRetriever(0), {}, "alpha must lie strictly between 0 and 1"),
        (ConformalRetriever(1.5), {}, "alpha must lie strictly between 0 and 1"),
        (ConformalRetriever(confidence=1), {}, "confidence must lie strictly between 0 and 1"),
        (ConformalRetriever(kind="estimate"), {}, "kind is 'average' or 'confident', got 'estimate'"),
        (ConformalRetriever(), {"weights": np.ones(50)}, "weights have no use"),
        (ConformalRetriever(), {"unlabelled": np.ones(50)}, "no use for unlabelled"),
        (ConformalRetriever(), {"by": np.ones(50)}, "wrap it: PerGroup"),
        (ConformalRetriever(k=5), {"context": {"rank": np.zeros(50)}}, "rank is 1 for the first hit"),
    ],
)
def test_bad_arguments(rule, arguments, message):
    with pytest.raises(DataError, match=message):
        rule.fit(np.linspace(0, 1, 50), **arguments)


def test_bad_scores():
    with pytest.raises(DataError, match="1 of 50 scores are NaN or infinite"):
        ConformalRetriever().fit(np.append(np.ones(49), np.nan))
    with pytest.raises(ShapeError, match=r"rank must have shape \(50,\)"):
        ConformalRetriever(k=5).fit(np.ones(50), context={"rank": [1]})
    rule = ConformalRetriever().fit(np.ones(50))
    with pytest.raises(ShapeError, match="one score for each row"):
        rule.coverage_report(np.ones((3, 4)), np.ones(2))
    with pytest.raises(DataError, match="best holds NaN"):
        rule.coverage_report(np.ones((1, 4)), [np.nan])


def test_coverage_low_oracle():
    assert coverage_low(99, 9) == pytest.approx(beta.ppf(0.05, 90, 10))


def cranfield(encode, folder):
    """Scores (225, 1400) of queries and documents, and which are relevant."""
    import pandas as pd

    docs = pd.read_parquet(folder / "cranfield" / "docs.parquet")
    queries = pd.read_parquet(folder / "cranfield" / "queries.parquet")
    judged = pd.read_parquet(folder / "cranfield" / "qrels.parquet").query("gain > 0")
    relevant = np.zeros((len(queries), len(docs)), bool)
    row, column = pd.Index(queries.query_id), pd.Index(docs.doc_id)
    relevant[row.get_indexer(judged.query_id), column.get_indexer(judged.doc_id)] = True
    return encode(list(queries.text)) @ encode(list(docs.text)).T, relevant


def banking77(encode, folder):
    """Scores (3080, 10003) of test and training utterances, and which have the same intent."""
    import pandas as pd

    table = pd.read_parquet(folder / "banking77" / "banking77.parquet")
    test, train = (table[table.split == split] for split in ("test", "train"))
    relevant = test.label.to_numpy()[:, None] == train.label.to_numpy()
    return encode(list(test.text)) @ encode(list(train.text)).T, relevant


@cache
def scored(data, model):
    """Scores (n, m), the best relevant score and its place (n,), and all scores in order."""
    from cosimo.encode import load_encoder

    encoder = load_encoder(model)

    def encode(texts):
        X = encoder.encode(texts)
        return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)

    S, relevant = {"cranfield": cranfield, "banking77": banking77}[data](encode, Path(os.environ["COSIMO_DATA"]))
    best = np.where(relevant, S, -np.inf).max(axis=1)
    there = np.isfinite(best)
    S, best = S[there], best[there]
    return S, best, 1 + (best[:, None] < S).sum(axis=1), np.sort(S, axis=None)


def kept(data, model, alpha, rng, kind):
    """(200,) whether a rule from 100 queries, drawn with replacement, covers what it promises in the population."""
    A = scored(data, model)[1]
    drawn = (rng.choice(A, 100) for _ in range(200))
    cuts = [ConformalRetriever(alpha, kind=kind, look=None).fit(sample).threshold_ for sample in drawn]
    return np.array([float((t <= A).mean() >= 1 - alpha) for t in cuts])
