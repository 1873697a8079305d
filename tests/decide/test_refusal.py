import re

import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide import PrecisionThreshold
from cosimo.decide.thresholds.refusal import pairs_wanted, units_wanted
from cosimo.errors import NotEnoughLabels
from cosimo.statistics import betting_p_value, critical


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
        error = refusal(*sample(100, 0.99), 0.95)
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
        first, tenth = (refusal(*sample(100, 0.99), 0.95, look=look) for look in (1, 10))
        assert first.minimum < tenth.minimum
        assert first.estimate < tenth.estimate

    def test_few_matches_say_how_many_labels(self):
        y = np.arange(600) < 4
        error = refusal(np.linspace(1, 0, 600), y, 0.9)
        assert error.minimum == 42  # of two walks at half of 0.05
        assert error.estimate == 42 * 150 - 600


class TestEstimates:
    def test_pairs_have_the_power_and_fewer_have_not(self):
        for q, target, delta in ((0.97, 0.95, 0.05), (0.98, 0.95, 0.05), (0.95, 0.9, 0.0083)):
            power = {n: binom.sf(critical(n, target, delta) - 1, n, q) for n in range(30, 1500)}
            first = min(n for n, value in power.items() if value >= 0.8)
            assert first <= pairs_wanted(q, target, delta) <= 1.03 * first + 15

    @pytest.mark.parametrize(("q", "about"), [(0.97, 600), (0.98, 230)])
    def test_known_sizes(self, q, about):
        assert pairs_wanted(q, 0.95, 0.05) == pytest.approx(about, rel=0.15)

    def test_out_of_reach(self):
        assert pairs_wanted(0.9500001, 0.95, 0.05) is None
        assert pairs_wanted(0.95, 0.95, 0.05) is None

    @pytest.mark.parametrize("rate", [0.93, 0.96, 0.98])
    def test_units_have_about_the_power(self, rate):
        """Graded units as clusters give them; the estimate rests on a sample, so the band is wide."""
        rng = np.random.default_rng(0)
        powers = []
        for _ in range(10):
            wanted = units_wanted(rng.binomial(5, rate, 400) / 5, 0.9, 0.025)
            powers.append(np.mean(betting_p_value(rng.binomial(5, rate, (100, wanted)) / 5, 0.9) <= 0.025))
        assert 0.65 <= np.median(powers) <= 0.95

    def test_the_estimate_is_about_enough(self):
        """As many labels of a smooth curve as refusals say, drawn afresh and tried at the next look, mostly certify."""

        def smooth(n, seed):
            rng = np.random.default_rng(seed)
            scores = rng.random(n)
            return scores, rng.random(n) < 1 / (1 + np.exp(-14 * (scores - 0.5)))

        certified = tried = 0
        for seed in range(40):
            try:
                PrecisionThreshold().fit(*smooth(150, seed))
            except NotEnoughLabels as error:
                tried += 1
                try:
                    PrecisionThreshold(look=2).fit(*smooth(150 + error.estimate, 1000 + seed))
                    certified += 1
                except NotEnoughLabels:
                    continue
        assert tried >= 20
        assert certified >= 0.75 * tried
