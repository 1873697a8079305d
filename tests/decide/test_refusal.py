import re

import numpy as np
import pytest

from cosimo.decide import FalseAcceptThreshold, PrecisionThreshold, QueryRecallThreshold, RecallThreshold
from cosimo.decide.fitting.labelled import Labelled
from cosimo.decide.fitting.refusal import _redrawn
from cosimo.errors import NotEnoughLabels


def refusal(scores, y, target, **given):
    look = given.pop("look", 1)
    per, at_most = given.pop("per", "cluster"), given.pop("at_most", None)
    with pytest.raises(NotEnoughLabels) as caught:
        PrecisionThreshold(target, look=look, per=per, at_most=at_most).fit(scores, y, **given)
    return caught.value


def sample(n, high, seed=0):
    """A score that separates in the middle: a share `high` of matches above it, few below."""
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    return scores, rng.random(n) < np.where(scores > 0.5, high, 0.02)


class TestVerdict:
    def test_too_few_yet(self):
        error = refusal(*sample(100, 0.99, seed=2), 0.95)
        assert error.minimum == 72  # zero errors at the first look's half of delta
        assert error.reachable
        assert re.search(r"about [\d,]+ more labelled pairs may do \(an estimate\)", str(error))

    def test_never(self):
        error = refusal(*sample(2000, 0.8), 0.95)
        assert not error.reachable
        assert error.estimate is None
        assert "more labels will not help" in str(error)
        assert re.search(r"accepts \d+ pairs, 9\d\.\d % of them right", str(error))

    def test_no_error_seen_is_no_verdict(self):
        """12 of 12 right say nothing against 0.99, whatever (k + 1/2) / (n + 1) is."""
        scores = np.concatenate([np.linspace(0.6, 1, 12), np.linspace(0, 0.5, 12)])
        error = refusal(scores, np.arange(24) < 12, 0.99)
        assert error.reachable
        assert error.estimate is None
        assert "no number can be given" in str(error)

    def test_counts_clusters(self):
        scores, y = sample(240, 0.99)
        error = refusal(scores, y, 0.95, clusters=np.arange(240) // 4, look=None)
        assert error.minimum == 78
        assert "60 labelled clusters" in str(error)
        assert "clusters may do (an estimate)" in str(error)

    def test_the_only_look_is_spent(self):
        assert "look=None left nothing" in str(refusal(*sample(100, 0.99), 0.95, look=None))

    def test_later_looks_want_more(self):
        first, tenth = (refusal(*sample(100, 0.99, seed=2), 0.95, look=look) for look in (1, 10))
        assert first.minimum < tenth.minimum
        assert first.estimate < tenth.estimate

    def test_few_matches_say_how_many_labels(self):
        y = np.arange(600) < 4
        error = refusal(np.linspace(1, 0, 600), y, 0.9)
        assert error.minimum == 42  # of two walks at half of 0.05
        assert error.estimate == 42 * 150 - 600


def flat(n, seed, rate=0.955):
    """A score that tells nothing: every cut is as precise as the whole."""
    rng = np.random.default_rng(seed)
    return rng.random(n), rng.random(n) < rate


def smooth(n, seed):
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    return scores, rng.random(n) < 1 / (1 + np.exp(-14 * (scores - 0.5)))


def clustered(n, seed):
    """Clusters of 5, correlated inside, of which every cut is as precise as the whole."""
    rng = np.random.default_rng(seed)
    return rng.random(5 * n), rng.random(5 * n) < np.repeat(rng.beta(3.9, 0.1, n), 5)


class TestEstimates:
    @pytest.mark.parametrize(
        ("draw", "n", "size", "floor"), [(flat, 400, 1, 0.65), (smooth, 150, 1, 0.8), (clustered, 60, 5, 0.5)]
    )
    @pytest.mark.slow
    def test_following_the_advice_mostly_certifies(self, draw, n, size, floor):
        """Old labels and as many new ones as advised, at the next look; 60 clusters tell less than 400 pairs."""

        def fit(scores, y, look):
            clusters = None if size == 1 else np.arange(len(y)) // size
            return PrecisionThreshold(0.9, look=look).fit(scores, y, clusters=clusters)

        certified = tried = 0
        for seed in range(50):
            old = draw(n, seed)
            try:
                fit(*old, 1)
            except NotEnoughLabels as error:
                if error.estimate is None:
                    continue
                tried += 1
                new = draw(error.estimate, 1000 + seed)
                try:
                    fit(np.append(old[0], new[0]), np.append(old[1], new[1]), 2)
                    certified += 1
                except NotEnoughLabels:
                    continue
        assert tried >= 15
        assert certified >= floor * tried  # 0.8 is meant, were the labels the whole truth

    def test_a_walk_that_failed_at_its_start_wants_more_than_one(self):
        """The whole is 95 % right, which would do as the first cut; the walks begin higher, and ended there."""
        estimates = []
        for seed in range(40):
            try:
                PrecisionThreshold(0.9).fit(*flat(400, seed))
            except NotEnoughLabels as error:
                estimates.append(error.estimate)
        assert len(estimates) >= 15
        assert all(estimate is None or estimate >= 100 for estimate in estimates)

    def test_beyond_the_largest_redraw(self):
        error = refusal(*flat(300, 1, rate=0.96), 0.955)
        assert error.reachable
        assert error.estimate is None
        assert "more than 16 times as many would be needed" in str(error)

    def test_too_many_labels_to_redraw(self, monkeypatch):
        monkeypatch.setattr("cosimo.decide.fitting.refusal.MOST_PAIRS", 100)
        error = refusal(*sample(100, 0.99), 0.95)
        assert error.reachable
        assert error.estimate is None
        assert "no number can be given" in str(error)

    def test_the_same_labels_get_the_same_number(self):
        first, second = (refusal(*sample(100, 0.99, seed=2), 0.95) for _ in range(2))
        assert str(first) == str(second)

    def test_a_cut_without_a_label_is_not_the_best(self):
        """Unlabelled scores above all labelled ones make such cuts."""
        scores, y = sample(400, 0.6)
        pool = np.append(np.linspace(1.5, 2, 200), np.linspace(0, 1, 4000))
        assert not refusal(scores, y, 0.95, unlabelled=pool).reachable


class TestRedraws:
    def labels(self):
        scores = np.arange(12.0)
        codes = np.array([0, 2, 1, 1, 0, 2, 2, 2, 3, 3, 0, 1])
        return Labelled(scores, scores % 2 == 0, codes, list("abcd"), weights=scores + 1)

    def test_whole_clusters_with_their_own_weights(self):
        labels = self.labels()
        drawn = _redrawn(labels, 200, 0.0, np.random.default_rng(0))
        assert len(drawn.names) == 200
        doubts = 0
        for cluster in range(200):
            at = drawn.clusters == cluster
            [code] = set(labels.clusters[drawn.scores[at].astype(int)])
            assert sorted(drawn.scores[at]) == np.flatnonzero(labels.clusters == code).tolist()
            assert (drawn.weights[at] == drawn.scores[at] + 1).all()
            doubts += bool((drawn.y[at] != (drawn.scores[at] % 2 == 0)).any())
        assert 15 <= doubts <= 70  # one in 5 is in doubt, and none of these clusters is all right or all wrong

    def test_pairs_keep_their_labels_but_one(self):
        labels = Labelled(np.arange(50.0), np.arange(50) >= 25)
        drawn = _redrawn(labels, 20_000, 40.0, np.random.default_rng(0))
        changed = drawn.y != (drawn.scores >= 25)
        assert drawn.clusters is None
        assert drawn.scores[changed].min() >= 40
        assert changed.mean() == pytest.approx(0.5 / 51, rel=0.2)


class TestOrderStatistics:
    """Refusals of rules that count true matches, or non-matches, name what they count and how many they want."""

    @pytest.mark.parametrize(
        ("rule", "given", "said"),
        [
            (
                RecallThreshold(),
                {"scores": np.arange(41.0)},
                "41 true matches cannot carry this promise: at least 72 are needed; "
                "about 31 more labelled true matches",
            ),
            (
                FalseAcceptThreshold(0.05),
                {"scores": np.arange(71.0)},
                "71 non-matches cannot carry this promise: at least 72 are needed; about 1 more labelled non-match",
            ),
            (
                RecallThreshold(look=None),
                {"scores": np.arange(100.0), "clusters": np.arange(100) // 2},
                "50 clusters cannot carry this promise: at least 78 are needed; about 28 more labelled clusters",
            ),
            (
                QueryRecallThreshold(kind="average"),
                {"scores": np.arange(16.0), "clusters": np.arange(16) // 2},
                "8 queries cannot carry this promise: at least 9 are needed; about 1 more labelled query",
            ),
        ],
    )
    def test_unit_and_number(self, rule, given, said):
        with pytest.raises(NotEnoughLabels) as caught:
            rule.fit(**given)
        assert str(caught.value) == said

    def test_light_weights_get_no_negative_number(self):
        """100 matches, more than the 78 it takes, but all but one count for little."""
        weights = np.append(50.0, np.ones(99))
        with pytest.raises(NotEnoughLabels, match="label more") as caught:
            RecallThreshold(look=None).fit(np.arange(100.0), weights=weights)
        assert caught.value.estimate is None
