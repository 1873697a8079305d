import json

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.exceptions import NotFittedError

from cosimo.decide import PerGroup, Platt, PrecisionThreshold, RecallThreshold, load_decider, save_decider
from cosimo.decide.fitting.groups import scope
from cosimo.errors import DataError, NotEnoughLabels, Refused, ScaleMismatch, ShapeError

EXAMPLES = [PerGroup(PrecisionThreshold(0.6)), PerGroup(PrecisionThreshold(0.6, look=None), promise="all")]


def grouped(sizes, seed=0, levels=None):
    """Scores, labels and groups; each group's matches lie above a level of its own."""
    rng = np.random.default_rng(seed)
    by = np.repeat(list(sizes), list(sizes.values()))
    scores = rng.random(len(by)) - 0.2
    middle = np.array([(levels or {}).get(group, 0.3) for group in by])
    return scores, rng.random(len(by)) < 1 / (1 + np.exp(-25 * (scores - middle))), by.tolist()


class TestGroups:
    def test_each_is_the_rule_fitted_on_the_group_alone(self):
        scores, y, by = grouped({"a": 300, "b": 400}, levels={"b": 0.0})
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        for name in ("a", "b"):
            here = np.array(by) == name
            alone = PrecisionThreshold().fit(scores[here], y[here])
            np.testing.assert_array_equal(
                rule.predict(scores[here], context={"by": np.array(by)[here]}), alone.predict(scores[here])
            )
            np.testing.assert_array_equal(
                rule.probability(scores[here], context={"by": np.array(by)[here]}), alone.probability(scores[here])
            )
            assert rule.by_group[name].n_units == here.sum()
        assert rule.predict([0.2, 0.2], context={"by": ["a", "b"]}).tolist() == [0, 1]

    def test_all_at_once_tests_each_at_its_share(self):
        scores, y, by = grouped({"a": 300, "b": 400, "c": 300})
        rule = PerGroup(PrecisionThreshold(), promise="all").fit(scores, y, by=by)
        alone = PrecisionThreshold(confidence=1 - 0.05 / 3).fit(scores[:300], y[:300])
        assert rule.parts_[0].rule.threshold_ == alone.threshold_
        assert rule.guarantee.delta == 0.05
        assert rule.by_group["a"].delta == pytest.approx(0.05 / 3)

    def test_small_groups_are_one_population(self):
        scores, y, by = grouped({"a": 300, "b": 20, "c": 35, "d": 30, "e": 33, "f": 10, "g": 35, "h": 20, "i": 35})
        rule = PerGroup(PrecisionThreshold(0.8)).fit(scores, y, by=by)
        rest = rule.parts_[-1]
        smallest = 17  # without an error at half of 0.05
        assert smallest == rule._fewest(9, False)
        assert [part.groups for part in rule.parts_ if part.is_rest] == [("f",)]
        assert rest.rule is None
        rule = PerGroup(PrecisionThreshold(0.8), smallest=36).fit(scores, y, by=by)
        assert rule.parts_[-1].groups == tuple("bcdefghi")
        alone = PrecisionThreshold(0.8).fit(scores[300:], y[300:])
        assert rule.parts_[-1].rule.threshold_ == alone.threshold_
        assert "as a whole, not for a member" in str(rule.by_group["b"])

    def test_a_group_that_fails_is_asked_and_stays_out_of_the_rest(self):
        scores, y, by = grouped({"a": 300, "bad": 300, "s": 15, "t": 15}, levels={"bad": 9.0})
        y[300:600] = np.random.default_rng(1).random(300) < 0.3
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        assert rule.predict([0.79, 0.79], context={"by": ["a", "bad"]}).tolist() == [1, 0]
        assert rule.by_group["bad"] is None
        assert [part.groups for part in rule.parts_ if part.is_rest] == [("s", "t")]
        assert "more labels will not help" in rule.parts_[1].refusal
        assert 0 <= rule.probability([0.79], context={"by": ["bad"]})[0] <= 1

    def test_a_group_of_one_class_is_asked(self):
        scores, y, by = grouped({"a": 300, "sure": 100})
        y[300:] = True
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        assert rule.predict([0.79], context={"by": ["sure"]}).tolist() == [0]

    def test_unseen_nan_and_vetoed_are_asked(self):
        scores, y, by = grouped({"a": 300})
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        decided = rule.predict(
            [0.79, 0.79, np.nan, 0.79], context={"by": ["a", "z", "a", "a"]}, veto=np.array([0, 0, 0, 1], dtype=bool)
        )
        assert decided.tolist() == [1, 0, 0, 0]

    def test_clusters_go_with_their_pairs(self):
        scores, y, by = grouped({"a": 600, "b": 600})
        clusters = np.arange(1200) // 4
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by, clusters=clusters)
        alone = PrecisionThreshold().fit(scores[:600], y[:600], clusters=clusters[:600])
        assert rule.parts_[0].rule.threshold_ == alone.threshold_
        assert rule.guarantee.estimand == "precision per cluster"
        assert rule.guarantee.n_units == 300

    def test_any_rule_with_a_confidence(self):
        scores, y, by = grouped({"a": 400, "b": 400}, levels={"b": 0.0})
        rule = PerGroup(RecallThreshold(0.9)).fit(scores, y, by=by)
        assert rule.parts_[0].rule.threshold_ > rule.parts_[1].rule.threshold_
        assert rule.guarantee.estimand == "recall"


class TestPromise:
    def test_says_whom_it_is_for(self):
        scores, y, by = grouped({"a": 300, "b": 300, "c": 8})
        each = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        assert "each by itself at that probability, not all at once" in str(each.guarantee)
        assert "always asked" in each.scope
        assert each.scope == scope(each.parts_, "each")
        together = str(PerGroup(PrecisionThreshold(), promise="all").fit(scores, y, by=by).guarantee)
        assert "all at once" in together
        assert "by itself" not in together
        assert each.guarantee.n_units == 600

    @pytest.mark.slow
    def test_all_at_once_is_false_as_rarely_as_promised(self):
        """Five groups just below the target: any certificate of any group is false; `each` breaks that, as it says."""
        rng, runs = np.random.default_rng(0), 60
        false = {"each": 0, "all": 0}
        by = np.repeat(list("abcde"), 120)
        for _ in range(runs):
            scores, y = rng.random(600), rng.random(600) < 0.895
            for promise in false:
                try:
                    PerGroup(PrecisionThreshold(0.9, look=None), promise=promise).fit(scores, y, by=by)
                    false[promise] += 1
                except NotEnoughLabels:
                    continue
        assert false["all"] <= binom.isf(1e-4, runs, 0.05)
        assert false["each"] > false["all"]

    def test_survives_saving(self):
        scores, y, by = grouped({"a": 300, "b": 300, "c": 8}, levels={"b": 0.0})
        rule = PerGroup(PrecisionThreshold(), promise="all").fit(scores, y, by=by, context={"scale": "cosine"})
        saved, arrays = save_decider(rule)
        read = load_decider(json.loads(json.dumps(saved)), arrays)
        context = {"by": [*by, "unseen"], "scale": "cosine"}
        more = np.append(scores, 0.7)
        np.testing.assert_array_equal(read.predict(more, context=context), rule.predict(more, context=context))
        np.testing.assert_array_equal(read.probability(more, context=context), rule.probability(more, context=context))
        assert read.guarantee == rule.guarantee
        assert read.by_group == rule.by_group
        assert (read.promise, read.rule.confidence, read.needs) == ("all", 0.95, {"by"})
        with pytest.raises(ScaleMismatch):
            read.predict(more, context={**context, "scale": "bm25"})


class TestBadInput:
    def test_unfitted(self):
        assert PerGroup(PrecisionThreshold()).guarantee is None
        with pytest.raises(NotFittedError):
            PerGroup(PrecisionThreshold()).predict([0.1], context={"by": ["a"]})

    def test_no_groups(self):
        scores, y, by = grouped({"a": 300})
        with pytest.raises(DataError, match="wants the group of each pair"):
            PerGroup(PrecisionThreshold()).fit(scores, y)
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        for context in (None, {}, {"scale": "cosine"}):
            with pytest.raises(DataError, match="wants the group of each pair"):
                rule.predict(scores, context=context)

    @pytest.mark.parametrize("missing", [None, np.nan])
    def test_a_group_without_a_name(self, missing):
        scores, y, by = grouped({"a": 300})
        with pytest.raises(DataError, match="names no group"):
            PerGroup(PrecisionThreshold()).fit(scores, y, by=[missing, *by[1:]])

    def test_groups_of_one(self):
        scores, y, _ = grouped({"a": 300})
        with pytest.raises(NotEnoughLabels, match="the largest of 300 groups has 1 labelled pairs"):
            PerGroup(PrecisionThreshold()).fit(scores, y, by=range(300))

    def test_none_that_holds(self):
        scores, _, by = grouped({"a": 300, "b": 300})
        y = np.random.default_rng(0).random(600) < 0.5
        with pytest.raises(NotEnoughLabels, match="none of 2 groups can be given the promise") as caught:
            PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        assert not caught.value.reachable

    def test_lengths(self):
        scores, y, by = grouped({"a": 300})
        for wrong in ({"by": by[1:]}, {"by": by, "clusters": by[1:]}, {"by": by, "weights": [1.0]}):
            with pytest.raises(ShapeError):
                PerGroup(PrecisionThreshold()).fit(scores, y, **wrong)
        rule = PerGroup(PrecisionThreshold()).fit(scores, y, by=by)
        with pytest.raises(ShapeError):
            rule.predict(scores, context={"by": by[1:]})
        with pytest.raises(ShapeError, match="veto"):
            rule.predict(scores, context={"by": by}, veto=np.zeros(3, dtype=bool))

    def test_a_rule_without_a_promise(self):
        scores, y, by = grouped({"a": 300})
        with pytest.raises(DataError, match="Platt has no confidence"):
            PerGroup(Platt()).fit(scores, y, by=by)

    def test_promise_unknown(self):
        scores, y, by = grouped({"a": 300})
        with pytest.raises(DataError, match="promise is 'each' or 'all'"):
            PerGroup(PrecisionThreshold(), promise="some").fit(scores, y, by=by)

    def test_unlabelled(self):
        scores, y, by = grouped({"a": 300})
        with pytest.raises(DataError, match="unlabelled"):
            PerGroup(PrecisionThreshold()).fit(scores, y, by=by, unlabelled=scores)

    def test_bad_arguments_of_the_rule_are_no_refusal(self):
        scores, y, by = grouped({"a": 300})
        with pytest.raises(DataError, match="target"):
            PerGroup(PrecisionThreshold(1.5), smallest=10).fit(scores, y, by=by)
        with pytest.raises(Refused):
            PerGroup(PrecisionThreshold()).fit(scores, np.ones(300), by=by)
