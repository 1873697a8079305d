import math

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.exceptions import NotFittedError

from cosimo.contracts import Decider
from cosimo.decide import PrecisionThreshold, load_decider, save_decider
from cosimo.decide.fitting.local_precision import local_precision
from cosimo.errors import DataError, NotEnoughLabels, Refused, ScaleMismatch, ShapeError
from cosimo.statistics import hashed_order

EXAMPLES = [PrecisionThreshold(0.6), PrecisionThreshold(0.7, confidence=0.8, look=None)]


def labels(n=600, seed=0, dtype=np.float64, steepness=14.0):
    rng = np.random.default_rng(seed)
    scores = (rng.random(n) - 0.3).astype(dtype)
    return scores, rng.random(n) < 1 / (1 + np.exp(-steepness * (scores - 0.1)))


def naive_walks(cuts, sizes, full, rejects):
    """Certified cuts by a walk from each start, written out."""
    certified = set()
    for size in sizes:
        places = [j for j, units in enumerate(full) if units >= size]
        for j in range(places[0], len(cuts)) if places else []:
            if not rejects(cuts[j]):
                break
            certified.add(float(cuts[j]))
    return sorted(certified, reverse=True)


def naive_grid(scores, growth):
    falling = sorted(scores.tolist(), reverse=True)
    counts = {math.ceil((1 + growth) ** step) for step in range(2000) if (1 + growth) ** step <= len(falling)}
    return sorted({falling[count - 1] for count in counts} | {falling[-1]}, reverse=True)


def naive_exact(scores, y, p, delta):
    allowed = [e for e, least in ((1, 0), (4, 400), (16, 1000)) if len(y) >= least]
    each = delta / len(allowed)
    cuts = naive_grid(scores, 0.05)
    sizes = []
    for e in allowed:
        c = e + 1
        while binom.sf(c - e - 1, c, p) > each:
            c += 1
        sizes.append(c)

    def rejects(t):
        above = [right for score, right in zip(scores, y, strict=True) if score >= t]
        return binom.sf(sum(above) - 1, len(above), p) <= each

    return naive_walks(cuts, sizes, [sum(score >= t for score in scores) for t in cuts], rejects)


def naive_wealth(X, p):
    """The highest wealth reached, unit by unit."""
    wealth, highest, total, squares = 1.0, 1.0, 0.5, 0.25
    for i, x in enumerate(X, start=1):
        m, v = total / i, squares / i
        bet = min(max((m - p) / (v + (m - p) ** 2), 0), 0.9 / p)
        wealth *= 1 + bet * (x - p)
        highest = max(highest, wealth)
        total += x
        squares += (x - total / (i + 1)) ** 2
    return highest


def naive_betting_size(errors, p, delta):
    n = errors + 1
    while True:
        wrong = {int((e + 0.5) * n / errors) for e in range(errors)}
        if naive_wealth([0.0 if i in wrong else 1.0 for i in range(n)], p) >= 1 / delta:
            return n
        n += 1


def naive_clustered(scores, y, clusters, p, delta, cap=None):
    names = sorted(set(clusters))
    allowed = [e for e, least in ((1, 0), (4, 400), (16, 1000)) if len(names) >= least]
    each = delta / len(allowed)
    cuts = naive_grid(scores, 0.1)
    order = [names[i] for i in hashed_order(names)]

    def units(t):
        X = []
        for name in order:
            right = [float(y[i]) for i in range(len(y)) if clusters[i] == name and scores[i] >= t]
            if right:
                X.append(sum(right) / len(right) if cap is None else p + sum(r - p for r in right) / cap)
        return X

    full = [len(units(t)) if cap is None else sum(score >= t for score in scores) / cap for t in cuts]
    sizes = [naive_betting_size(e, p, each) for e in allowed]
    return naive_walks(cuts, sizes, full, lambda t: naive_wealth(units(t), p) >= 1 / each)


class TestOracle:
    @pytest.mark.parametrize("n", [300, 600, 1500])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_independent_pairs_equal_loops(self, n, dtype):
        scores, y = labels(n, seed=n, dtype=dtype)
        rule = PrecisionThreshold(0.9, look=None).fit(scores, y)
        assert rule.cuts_.cut.tolist() == naive_exact(scores, y, 0.9, 0.05)
        assert rule.threshold_ == rule.cuts_.cut[-1]

    def test_ties_equal_loops_and_stay_whole(self):
        scores, y = labels(800, seed=5)
        scores = np.round(scores, 1)
        rule = PrecisionThreshold(0.85, look=None).fit(scores, y)
        assert rule.cuts_.cut.tolist() == naive_exact(scores, y, 0.85, 0.05)
        assert rule.predict(scores).tolist() == (scores >= rule.threshold_).astype(int).tolist()

    @pytest.mark.parametrize("cap", [None, 8])
    def test_clusters_equal_loops(self, cap):
        scores, y = labels(900, seed=7, steepness=30.0)
        clusters = [f"q{i}" for i in np.random.default_rng(1).integers(0, 250, 900)]
        cap = cap and max(cap, max(clusters.count(name) for name in set(clusters)))
        rule = PrecisionThreshold(0.8, look=None, per="cluster" if cap is None else "pair", at_most=cap)
        rule.fit(scores, y, clusters=clusters)
        assert rule.cuts_.cut.tolist() == pytest.approx(naive_clustered(scores, y, clusters, 0.8, 0.05, cap))

    def test_counts_are_those_of_the_labels(self):
        scores, y = labels()
        rule = PrecisionThreshold().fit(scores, y)
        for cut, accepted, wrong in zip(rule.cuts_.cut, rule.cuts_.accepted, rule.cuts_.wrong, strict=True):
            assert (accepted, wrong) == ((scores >= cut).sum(), (~y[scores >= cut]).sum())
        assert (rule.guarantee.n_accepted, rule.guarantee.errors) == (rule.cuts_.accepted[-1], rule.cuts_.wrong[-1])

    def test_equal_weights_are_none(self):
        scores, y = labels()
        plain = PrecisionThreshold().fit(scores, y)
        assert PrecisionThreshold().fit(scores, y, weights=np.full(600, 3.0)).guarantee == plain.guarantee

    def test_clusters_of_one_are_none(self):
        scores, y = labels()
        plain = PrecisionThreshold().fit(scores, y)
        assert PrecisionThreshold().fit(scores, y, clusters=range(600)).guarantee == plain.guarantee


class TestPromise:
    def test_is_worded_by_what_was_counted(self):
        scores, y = labels(900, steepness=30.0)
        clusters = np.arange(900) // 3
        pairs = PrecisionThreshold(0.8).fit(scores, y).guarantee
        assert (pairs.estimand, pairs.unit, pairs.n_units, pairs.kind) == ("precision", "pair", 900, "confident")
        assert (pairs.delta, pairs.look) == (0.05, 1)
        per_cluster = PrecisionThreshold(0.8).fit(scores, y, clusters=clusters).guarantee
        assert (per_cluster.estimand, per_cluster.unit, per_cluster.n_units) == (
            "precision per cluster",
            "cluster",
            300,
        )
        per_pair = PrecisionThreshold(0.8, per="pair", at_most=3).fit(scores, y, clusters=clusters).guarantee
        assert (per_pair.estimand, per_pair.unit) == ("precision", "cluster")

    def test_a_later_look_has_less_to_spend(self):
        scores, y = labels()
        cuts = [PrecisionThreshold(look=look).fit(scores, y).threshold_ for look in (None, 1, 20)]
        assert cuts[0] <= cuts[1] < cuts[2]

    def test_unlabelled_scores_fix_the_grid(self):
        scores, y = labels(dtype=np.float32)
        pool = np.linspace(-0.3, 0.7, 41)
        rule = PrecisionThreshold().fit(scores, y, unlabelled=pool)
        assert set(rule.cuts_.cut.tolist()) <= set(pool.astype(np.float32).tolist())
        assert rule.threshold_ == float(np.float32(rule.threshold_))

    def test_survives_saving_bit_by_bit(self):
        scores, y = labels(dtype=np.float32)
        rule = PrecisionThreshold().fit(scores, y, context={"scale": "cosine"})
        read = load_decider(*save_decider(rule))
        assert isinstance(read, Decider)
        assert read.threshold_ == rule.threshold_
        assert read.guarantee == rule.guarantee
        assert read.local_precision_.value == rule.local_precision_.value
        assert read.local_precision_.interval == rule.local_precision_.interval
        assert (read.target, read.confidence, read.per, read.look) == (0.9, 0.95, "cluster", 1)
        for name in ("cut", "accepted", "wrong"):
            np.testing.assert_array_equal(getattr(read.cuts_, name), getattr(rule.cuts_, name), strict=True)
        np.testing.assert_array_equal(read.predict(scores), rule.predict(scores))
        np.testing.assert_array_equal(read.probability(scores), rule.probability(scores))
        with pytest.raises(ScaleMismatch):
            read.predict(scores, context={"scale": "bm25"})

    def test_nan_and_vetoed_pairs_are_asked(self):
        rule = PrecisionThreshold().fit(*labels())
        veto = np.array([False, True, False, False])
        assert rule.predict([0.7, 0.7, np.nan, -1.0], veto=veto).tolist() == [1, 0, 0, 0]

    def test_probability_rises_with_the_score(self):
        P = PrecisionThreshold().fit(*labels()).probability(np.linspace(-1, 1, 50))
        assert (np.diff(P) >= 0).all()
        assert ((P >= 0) & (P <= 1)).all()


class TestLocalPrecision:
    def test_tells_what_the_promise_does_not(self):
        scores, y = labels(2000, steepness=10.0)
        rule = PrecisionThreshold(0.9).fit(scores, y)
        at = scores >= rule.threshold_
        near = np.sort(scores[at])[round(0.1 * at.sum()) - 1]
        assert rule.local_precision_.value == pytest.approx(y[at & (scores <= near)].mean())
        assert rule.local_precision_.value < 0.85 < 0.9 < y[at].mean()
        interval = rule.local_precision_.interval
        assert interval.kind == "estimate"
        assert interval.low < rule.local_precision_.value < interval.high

    def test_a_cluster_counts_once(self):
        scores, y = labels(900, steepness=30.0)
        clusters = np.arange(900) // 9
        rule = PrecisionThreshold(0.7).fit(scores, y, clusters=clusters)
        interval = rule.local_precision_.interval
        assert interval.unit == "cluster"
        assert interval.n_units == 20

    def test_weights_undo_the_design(self):
        from cosimo.decide.fitting.labelled import labelled

        found = labelled(np.linspace(0, 1, 20), np.arange(20) % 2, weights=np.where(np.arange(20) % 2, 3.0, 1.0))
        assert local_precision(found, 0.0).value == pytest.approx(0.75)


class TestBadInput:
    def test_unfitted(self):
        assert PrecisionThreshold().guarantee is None
        with pytest.raises(NotFittedError):
            PrecisionThreshold().predict([0.1])

    @pytest.mark.parametrize("target", [0, 1, 1.5, -0.2])
    def test_target_outside(self, target):
        with pytest.raises(DataError, match="target must lie strictly between 0 and 1"):
            PrecisionThreshold(target).fit(*labels())

    def test_confidence_outside(self):
        with pytest.raises(DataError, match="confidence"):
            PrecisionThreshold(confidence=95).fit(*labels())

    def test_one_class(self):
        with pytest.raises(Refused, match="all 50 labels are 1"):
            PrecisionThreshold().fit(np.arange(50.0), np.ones(50))

    def test_equal_scores(self):
        with pytest.raises(Refused, match="scores equal"):
            PrecisionThreshold().fit(np.ones(50), np.arange(50) % 2)

    def test_nan_scores(self):
        with pytest.raises(DataError, match="NaN"):
            PrecisionThreshold().fit([0.1, np.nan], [0, 1])

    def test_labels_that_are_none(self):
        with pytest.raises(DataError, match="labels must be 1"):
            PrecisionThreshold().fit([0.1, 0.2], [2, 1])
        with pytest.raises(DataError, match="learns from labels"):
            PrecisionThreshold().fit([0.1, 0.2])

    def test_groups(self):
        with pytest.raises(DataError, match="PerGroup"):
            PrecisionThreshold().fit(*labels(), by=["a"] * 600)

    def test_lengths(self):
        with pytest.raises(ShapeError):
            PrecisionThreshold().fit([0.1, 0.2], [1])

    def test_unlabelled_nan(self):
        with pytest.raises(DataError, match="finite"):
            PrecisionThreshold().fit(*labels(), unlabelled=[np.nan])

    def test_per_unknown(self):
        with pytest.raises(DataError, match="per is 'cluster' or 'pair'"):
            PrecisionThreshold(per="query").fit(*labels())

    def test_cap_missing_too_small_or_useless(self):
        scores, y = labels()
        with pytest.raises(DataError, match="needs at_most"):
            PrecisionThreshold(per="pair").fit(scores, y, clusters=np.arange(600) // 4)
        with pytest.raises(DataError, match="a cluster has 4 labels"):
            PrecisionThreshold(per="pair", at_most=3).fit(scores, y, clusters=np.arange(600) // 4)
        with pytest.raises(DataError, match="at_most"):
            PrecisionThreshold(at_most=3).fit(scores, y)

    def test_weights_that_differ_inside_a_cluster(self):
        scores, y = labels()
        weights = 1.0 + np.arange(600) % 2
        with pytest.raises(Refused, match="differ inside a cluster"):
            PrecisionThreshold().fit(scores, y, clusters=np.arange(600) // 4, weights=weights)

    def test_few_matches(self):
        y = np.zeros(600)
        y[:9] = 1
        with pytest.raises(NotEnoughLabels, match="only 9 of 600 labels are matches") as caught:
            PrecisionThreshold().fit(labels()[0], y)
        assert caught.value.reachable
