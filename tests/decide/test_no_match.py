"""No match: p-values and batches against naive loops and scipy, the promises against the truth of a generator."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import beta, binom, false_discovery_control, norm

from cosimo import Space
from cosimo.decide import NoMatch, query_log_background, topic_out_background
from cosimo.decide.conformal.no_match import null_p_values, rate_high
from cosimo.encode.models import homes
from cosimo.errors import DataError, NotEnoughLabels, Refused, ScaleMismatch, ShapeError

EXAMPLES = [NoMatch(0.1, look=None), NoMatch(0.1, kind="average"), NoMatch(0.1, kind="estimate")]


def known(n, seed=0):
    """Best scores of queries that match nothing, drawn from a standard normal."""
    return np.random.default_rng(seed).normal(size=n)


def false_found(rule):
    """Share of all such queries that the rule finds."""
    return norm.sf(rule.threshold_)


class TestPValues:
    def test_are_those_of_a_naive_count_with_ties(self):
        B, M = np.round(known(80), 1), np.round(known(40, 1), 1)
        expected = [(1 + sum(b >= m for b in B)) / 81 for m in M]
        np.testing.assert_allclose(null_p_values(M, B, np.ones(80)), expected)
        np.testing.assert_allclose(NoMatch(kind="average").fit(B).p_values(M), expected)

    def test_clusters_count_by_their_shares(self):
        B, M = np.round(known(60), 1), np.round(known(20, 1), 1)
        clusters = np.random.default_rng(2).integers(0, 25, 60)
        names = np.unique(clusters)
        expected = [(1 + sum(np.mean(B[clusters == c] >= m) for c in names)) / (1 + len(names)) for m in M]
        rule = NoMatch(0.1, kind="average").fit(B, clusters=clusters.tolist())
        np.testing.assert_allclose(rule.p_values(M), expected)

    def test_decide_what_is_found_on_average(self):
        M = np.round(known(500, 1) * 1.5, 1)
        for n, rate in ((19, 0.05), (99, 0.07), (100, 0.29), (250, 0.1)):
            rule = NoMatch(rate, kind="average").fit(np.round(known(n), 1))
            assert np.array_equal(rule.predict(M) == 1, rule.p_values(M) <= rate + 1e-12)

    def test_clusters_decide_likewise(self):
        M = np.round(known(500, 1) * 1.5, 1)
        clusters = np.random.default_rng(2).integers(0, 40, 120).tolist()
        rule = NoMatch(0.1, kind="average").fit(np.round(known(120), 1), clusters=clusters)
        assert np.array_equal(rule.predict(M) == 1, rule.p_values(M) <= 0.1 + 1e-12)

    def test_nan_is_one_and_never_found(self):
        rule = NoMatch(kind="average").fit(known(50))
        assert rule.p_values([np.nan, np.inf, -np.inf]).tolist() == [1.0, 1 / 51, 1.0]
        assert rule.predict([np.nan, np.inf, -np.inf]).tolist() == [0, 1, 0]
        assert rule.found([np.nan] * 3).tolist() == [False] * 3


class TestAverage:
    @pytest.mark.parametrize(("n", "rank"), [(19, 1), (300, 15)])
    def test_rate_follows_its_beta_law(self, n, rank):
        """The l-th largest of n draws: the mean is l / (n + 1), and single draws are above the rate quite often."""
        rates = np.array([false_found(NoMatch(kind="average").fit(known(n, seed))) for seed in range(1000)])
        law = beta(rank, n + 1 - rank)
        assert abs(rates.mean() - law.mean()) < 4 * law.std() / np.sqrt(len(rates))
        above = (rates > law.ppf(0.95)).sum()
        assert binom.ppf(1e-4, 1000, 0.05) <= above <= binom.isf(1e-4, 1000, 0.05)
        assert rate_high(n, 0.05) == pytest.approx(law.ppf(0.95))

    def test_says_what_a_single_draw_may_do(self):
        rule = NoMatch(kind="average").fit(known(300))
        assert "0.072" in rule.guarantee.method
        assert "average" in str(rule.guarantee)


class TestConfident:
    def test_few_draws_exceed_the_rate_and_not_for_want_of_trying(self):
        R = 500
        rates = np.array([false_found(NoMatch(look=None).fit(known(300, seed))) for seed in range(R)])
        assert (rates > 0.05).sum() <= binom.isf(1e-4, R, 0.05)
        assert np.median(rates) > 0.02

    def test_averaged_rule_breaks_the_confident_promise(self):
        rates = np.array([false_found(NoMatch(kind="average").fit(known(300, seed))) for seed in range(300)])
        assert (rates > 0.05).mean() > 0.3

    def test_cut_is_an_order_statistic(self):
        B = known(100)
        assert NoMatch(look=None).fit(B).threshold_ == np.nextafter(np.sort(B)[-2], np.inf)

    def test_a_look_spends_some(self):
        assert [NoMatch(look=look).fit(known(500)).threshold_ for look in (None, 1, 5)] == sorted(
            NoMatch(look=look).fit(known(500)).threshold_ for look in (None, 1, 5)
        )


class TestClusters:
    @staticmethod
    def draw(n_clusters, seed, each=8):
        """Users whose queries score alike; one query is standard normal again."""
        rng = np.random.default_rng(seed)
        level = np.repeat(rng.normal(0, np.sqrt(0.8), n_clusters), each)
        return level + rng.normal(0, np.sqrt(0.2), n_clusters * each), np.repeat(np.arange(n_clusters), each).tolist()

    def test_blind_rule_breaks_its_promise_and_ours_does_not(self):
        R, blind, ours, power = 100, 0, 0, []
        for seed in range(R):
            B, users = self.draw(60, seed)
            blind += false_found(NoMatch(0.2, look=None).fit(B)) > 0.2
            rule = NoMatch(0.2, look=None).fit(B, clusters=users)
            ours += false_found(rule) > 0.2
            power.append(false_found(rule))
        assert blind > binom.isf(1e-4, R, 0.05)
        assert ours <= binom.isf(1e-4, R, 0.05)
        assert np.median(power) > 0.05

    def test_average_holds_for_a_new_cluster(self):
        rates = []
        for seed in range(400):
            B, users = self.draw(19, seed)
            rates.append(false_found(NoMatch(0.1, kind="average").fit(B, clusters=users)))
        assert np.mean(rates) < 0.1 + 4 * np.std(rates) / 20

    def test_unit_is_named(self):
        B, users = self.draw(60, 0)
        promise = NoMatch(0.2).fit(B, clusters=users).guarantee
        assert (promise.unit, promise.n_units) == ("cluster", 60)
        assert "in a random cluster" in promise.statement
        assert NoMatch(0.2).fit(B, clusters=list(range(480))).guarantee.unit == "query"

    def test_names_of_clusters_decide_and_not_their_order(self):
        B, users = self.draw(60, 0)
        turned = NoMatch(0.2).fit(B[::-1], clusters=users[::-1])
        assert turned.threshold_ == NoMatch(0.2).fit(B, clusters=users).threshold_


class TestGrowth:
    @staticmethod
    def best(Q, K):
        return (Q @ K.T).max(axis=1)

    @pytest.fixture
    def world(self):
        rng = np.random.default_rng(0)
        sides = [rng.normal(size=(n, 12)) for n in (8000, 400, 4000)]
        return [X / np.linalg.norm(X, axis=1, keepdims=True) for X in sides]

    def test_sixteen_times_the_collection_keeps_the_rate(self, world):
        """500 to 8,000 items: the rule as it was finds several times too many, the raised one as many as promised."""
        K, nulls, new = world
        rule = NoMatch(look=None).fit(self.best(nulls, K[:500]))
        raised = rule.raised(self.best(nulls, K[500:2000])).raised(self.best(nulls, K[2000:]))
        M = self.best(new, K)
        assert (rule.predict(M) == 1).mean() > 0.15
        assert 0.02 < (raised.predict(M) == 1).mean() <= 0.05

    def test_raised_is_fitted_on_the_whole_collection(self, world):
        K, nulls, _ = world
        for kind in ("confident", "average"):
            raised = NoMatch(kind=kind).fit(self.best(nulls, K[:500])).raised(self.best(nulls, K[500:]))
            assert raised.threshold_ == NoMatch(kind=kind).fit(self.best(nulls, K)).threshold_

    def test_the_old_rule_stays_and_what_is_unknown_is_said(self):
        B = known(200)
        y = np.r_[np.zeros(200), np.ones(50)]
        rule = NoMatch().fit(np.r_[B, known(50, 1) + 3], y)
        cut, raised = rule.threshold_, rule.raised(B + 1)
        assert rule.threshold_ == cut < raised.threshold_
        assert rule.miss_rate is not None
        assert raised.miss_rate is None
        with pytest.raises(Refused, match="unknown"):
            raised.probability([0.5])

    def test_near_misses_need_near_misses_as_known_queries(self):
        """A limit: general questions as known queries promise nothing for hopeless queries from nearby."""
        rule = NoMatch(look=None).fit(known(300))
        near = known(2000, 1) + 1.5
        assert (rule.predict(near) == 1).mean() > 0.2
        assert (NoMatch(look=None).fit(known(300) + 1.5).predict(near) == 1).mean() <= 0.05


class TestBatch:
    @pytest.mark.parametrize("related", [False, True])
    def test_is_that_of_scipy(self, related):
        rule = NoMatch(0.1, kind="average").fit(known(1000))
        for seed in range(20):
            M = known(50, seed + 1) + np.r_[np.full(20, 2.0), np.zeros(30)]
            adjusted = false_discovery_control(rule.p_values(M), method="by" if related else "bh")
            assert np.array_equal(rule.found(M, related=related), adjusted <= 0.1 + 1e-12)

    @pytest.mark.parametrize("related", [False, True])
    def test_share_without_a_match_among_the_found(self, related):
        """Batches of 200 of which 40 match: at most `rate` of the found are wrong, on average, and many are found."""
        wrong, power = [], []
        for seed in range(300):
            rule = NoMatch(0.1, kind="average").fit(known(1000, 2 * seed))
            M = known(200, 2 * seed + 1) + np.r_[np.full(40, 3.0), np.zeros(160)]
            found = rule.found(M, related=related)
            wrong.append(found[40:].sum() / max(found.sum(), 1))
            power.append(found[:40].mean())
        assert np.mean(wrong) <= 0.1 + 4 * np.std(wrong) / np.sqrt(300)
        assert np.mean(power) > (0.3 if related else 0.6)

    def test_too_few_known_queries_find_nothing(self):
        rule = NoMatch(0.05, kind="average").fit(known(30))
        assert not rule.found(np.r_[100.0, known(199, 1)]).any()

    def test_clusters_allow_for_any_dependence(self):
        M = known(60, 1) + 2
        rule = NoMatch(0.1, kind="average").fit(known(400), clusters=[i // 2 for i in range(400)])
        assert np.array_equal(rule.found(M), rule.found(M, related=True))

    def test_empty_batch(self):
        assert NoMatch(0.1, kind="average").fit(known(30)).found([]).shape == (0,)


class TestMatchingQueries:
    @pytest.fixture
    def rule(self):
        return NoMatch().fit(np.r_[known(200), known(100, 1) + 2], np.r_[np.zeros(200), np.ones(100)])

    def test_do_not_move_the_cut(self, rule):
        assert rule.threshold_ == NoMatch().fit(known(200)).threshold_

    def test_give_the_miss_rate(self, rule):
        missed = (known(100, 1) + 2 < rule.threshold_).mean()
        assert rule.miss_rate.value == missed
        assert rule.miss_rate.interval.low < missed < rule.miss_rate.interval.high
        assert NoMatch().fit(known(200)).miss_rate is None

    def test_give_a_probability(self, rule):
        p = rule.probability(np.array([-3.0, 0.0, 3.0]))
        assert (np.diff(p) > 0).all()
        assert 0 <= p[0] <= p[-1] <= 1

    def test_none_no_probability(self):
        with pytest.raises(Refused, match="probability"):
            NoMatch().fit(known(200)).probability([0.5])

    def test_in_clusters_have_no_interval(self):
        y = np.r_[np.zeros(200), np.ones(20)]
        rule = NoMatch(0.2).fit(known(220), y, clusters=[i // 2 for i in range(220)])
        assert rule.miss_rate.interval is None


class TestPromise:
    def test_in_words(self):
        promise = NoMatch(0.05).fit(known(300)).guarantee
        assert promise.estimand == "false found"
        assert (promise.kind, promise.unit, promise.n_units, promise.look) == ("confident", "query", 300, 1)
        assert promise.errors == promise.n_accepted == int((known(300) >= NoMatch().fit(known(300)).threshold_).sum())
        assert "at most 0.05 of the queries that have no match are told that there is one" in str(promise)

    def test_estimate_is_no_guarantee(self):
        text = str(NoMatch(kind="estimate").fit(known(100)).guarantee)
        assert "guarantee" not in text.lower()
        assert "no promise" in text

    def test_never_rejects(self):
        rule = NoMatch().fit(known(300))
        assert set(rule.predict(np.linspace(-9, 9, 50)).tolist()) == {0, 1}
        assert rule.predict([9.0, 9.0], veto=np.array([True, False])).tolist() == [0, 1]


class TestState:
    @pytest.mark.parametrize("clusters", [None, [i // 2 for i in range(300)]])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_comes_back(self, clusters, dtype):
        scores, y = known(300).astype(dtype), np.r_[np.zeros(260), np.ones(40)]
        rule = NoMatch(0.1).fit(scores, y, clusters=clusters, context={"scale": "cosine"})
        saved, arrays = rule.state()
        again = NoMatch.from_state(json.loads(json.dumps(saved)), arrays)
        M = known(100, 1).astype(dtype)
        for answer in ("predict", "probability", "p_values", "found"):
            assert np.array_equal(getattr(rule, answer)(M), getattr(again, answer)(M))
        assert again.guarantee == rule.guarantee
        assert again.miss_rate == rule.miss_rate or again.miss_rate.value == rule.miss_rate.value
        assert again.raised(scores[:260] + 1).threshold_ == rule.raised(scores[:260] + 1).threshold_

    def test_without_matching_queries(self):
        rule = NoMatch().fit(known(100))
        assert NoMatch.from_state(*rule.state()).miss_rate is None


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: NoMatch(1.0).fit(known(99)), DataError, "rate"),
        (lambda: NoMatch(confidence=1.5).fit(known(99)), DataError, "confidence"),
        (lambda: NoMatch(look=0).fit(known(99)), DataError, "look"),
        (lambda: NoMatch(kind="sure").fit(known(99)), DataError, "kind"),
        (lambda: NoMatch().fit([0.1, np.nan] * 90), DataError, "NaN"),
        (lambda: NoMatch().fit(known(99), np.full(99, 2)), DataError, "labels"),
        (lambda: NoMatch().fit(known(99), np.ones(99)), Refused, "labels"),
        (lambda: NoMatch().fit(known(99), by=["a"] * 99), DataError, "PerGroup"),
        (lambda: NoMatch().fit(known(99), unlabelled=known(9)), DataError, "query_log_background"),
        (lambda: NoMatch().fit(known(99), weights=np.arange(1, 100)), Refused, "equal probabilities"),
        (lambda: NoMatch().fit(known(99), context={"scale": "dot"}).predict([1], context={"scale": "cosine"}),
         ScaleMismatch, "scale"),
        (lambda: NoMatch().fit(known(99), context={"scale": "dot"}).p_values([1], context={"scale": "cosine"}),
         ScaleMismatch, "scale"),
        (lambda: NoMatch().fit(known(99)).raised(known(9)), ShapeError, "99 known"),
        (lambda: NoMatch().fit(known(99)).raised(np.full(99, np.nan)), DataError, "NaN"),
    ],
)  # fmt: skip
def test_bad_input(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()


@pytest.fixture(scope="module")
def questions(data):
    """Banking77: a collection, best scores of a third of its intents, left out of it, and of the others."""
    if not homes.model_home("static").is_dir():
        pytest.skip("static is not on this machine: cosimo fetch static")
    table = pq.read_table(data / "banking77" / "banking77.parquet").to_pydict()
    X = Space.load("static").encode(table["text"])
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    rng = np.random.default_rng(0)
    left_out = np.isin(table["label"], rng.choice(sorted(set(table["label"])), 26, replace=False))
    there = rng.permutation(np.flatnonzero(~left_out))
    docs = X[there[:2500]]
    return docs, (X[left_out] @ docs.T).max(axis=1), (X[there[2500:4500]] @ docs.T).max(axis=1)


@pytest.mark.data
class TestBanking:
    """A third of the intents is left out of the collection: their questions are the population without a match."""

    def test_promise_over_draws_from_the_population(self, questions):
        _, hopeless, answered = questions
        R, rng = 200, np.random.default_rng(1)
        rules = [NoMatch(look=None).fit(rng.choice(hopeless, 300)) for _ in range(R)]
        told = np.array([(rule.predict(hopeless) == 1).mean() for rule in rules])
        assert (told > 0.05).sum() <= binom.isf(1e-4, R, 0.05)
        assert np.mean([(rule.predict(answered) == 1).mean() for rule in rules]) > 0.3

    def test_pairs_are_no_background_and_left_out_topics_are_a_fair_one(self, questions):
        docs, hopeless, answered = questions
        i, j = np.random.default_rng(2).integers(0, len(docs), (2, 2000))
        pairs = NoMatch(kind="average").fit((docs[i] * docs[j]).sum(axis=1))
        topics = topic_out_background(docs, topics=50)
        assert (pairs.predict(hopeless) == 1).mean() > 0.7
        assert (topics.predict(hopeless) == 1).mean() < 0.1
        assert (topics.predict(answered) == 1).mean() > 0.3

    def test_a_query_log_errs_towards_too_little_found(self, questions):
        _, hopeless, answered = questions
        log = query_log_background(np.r_[hopeless[::20], answered[:500]])
        assert (log.predict(hopeless) == 1).mean() < 0.02
        assert (log.predict(answered) == 1).mean() < 0.2


@pytest.mark.parametrize(
    ("rule", "n", "clusters", "minimum"),
    [
        (NoMatch(look=None), 58, None, 59),
        (NoMatch(), 71, None, 72),
        (NoMatch(kind="average"), 18, None, 19),
        (NoMatch(0.07, kind="average"), 13, None, 14),
        (NoMatch(look=None), 120, [i // 2 for i in range(120)], 78),
    ],
)
def test_too_few_known_queries_are_refused_with_a_number(rule, n, clusters, minimum):
    with pytest.raises(NotEnoughLabels) as refusal:
        rule.fit(known(n), clusters=clusters)
    assert refusal.value.minimum == minimum
    assert refusal.value.reachable
    if clusters is None:
        assert rule.fit(known(minimum)).guarantee.n_units == minimum


@pytest.mark.parametrize("use", ["predict", "probability", "p_values", "found", "raised"])
def test_unfitted_is_said(use):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        getattr(NoMatch(), use)(known(3))
