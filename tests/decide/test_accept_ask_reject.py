import numpy as np
import pytest
from scipy.stats import binom, norm
from sklearn.exceptions import NotFittedError

from cosimo.decide import AcceptAskReject, PrecisionThreshold, RecallThreshold
from cosimo.decide.fitting.states import load_decider, save_decider
from cosimo.errors import DataError, NotEnoughLabels, Refused, ScaleMismatch

EXAMPLES = [AcceptAskReject(0.6, 0.6)]


def pairs(rng, n, *, gap=2.0, share=0.4):
    """Scores of matches around gap / 2 and of others around -gap / 2."""
    y = rng.uniform(size=n) < share
    return rng.normal(size=n) + gap * (y - 0.5), y


def test_composed_of_the_two_promises_at_half_delta():
    S, y = pairs(np.random.default_rng(0), 1000)
    rule = AcceptAskReject(0.9, 0.9, confidence=0.9).fit(S, y)
    accept = PrecisionThreshold(0.9, confidence=0.95).fit(S, y)
    reject = RecallThreshold(0.9, confidence=0.95).fit(S, y)
    assert (rule.accept_, rule.reject_) == (accept.threshold_, reject.threshold_)
    assert rule.reject_ < rule.accept_
    np.testing.assert_array_equal(rule.predict(S), np.where(rule.accept_ <= S, 1, np.where(rule.reject_ > S, -1, 0)))
    np.testing.assert_array_equal(rule.probability(S), accept.probability(S))


def test_where_the_cuts_cross_nothing_is_asked_and_both_promises_hold():
    S, y = pairs(np.random.default_rng(1), 1000, gap=6.0)
    rule = AcceptAskReject(0.8, 0.8).fit(S, y)
    assert rule.reject_rule_.threshold_ > rule.accept_rule_.threshold_
    assert rule.accept_ == rule.reject_ == rule.accept_rule_.threshold_
    assert set(rule.predict(S)) == {1, -1}
    assert (rule.accept_ <= S[y]).mean() >= 0.8 <= y[rule.accept_ <= S].mean()


def test_both_promises_break_in_few_draws():
    """Truth from the generator; 200 draws of 600 pairs."""
    rng = np.random.default_rng(2)
    broken = asked = 0
    for _ in range(200):
        rule = AcceptAskReject(0.9, 0.95, look=None).fit(*pairs(rng, 600, gap=3.0))
        above, wrong = norm.sf(rule.accept_ - 1.5) * 0.4, norm.sf(rule.accept_ + 1.5) * 0.6
        broken += above / (above + wrong) < 0.85 or norm.sf(rule.reject_ - 1.5) < 0.95
        asked += rule.accept_ > rule.reject_
    assert broken <= binom.isf(1e-4, 200, 0.05)
    assert asked > 100


def test_guarantees_are_both_kept():
    S, y = pairs(np.random.default_rng(3), 1000)
    rule = AcceptAskReject(0.9, 0.95)
    assert (rule.guarantee, rule.guarantees) == (None, ())
    accepted, rejected = rule.fit(S, y).guarantees
    assert rule.guarantee == accepted
    assert (accepted.estimand, accepted.target, accepted.delta) == ("precision", 0.9, pytest.approx(0.025))
    assert (rejected.estimand, rejected.target, rejected.delta) == ("rejected matches", 0.05, pytest.approx(0.025))
    assert "at most 0.05 of the true matches are rejected" in str(rejected)


def test_matches_never_retrieved_count_as_rejected():
    S, y = pairs(np.random.default_rng(4), 1000)
    S, y = np.append(S, [-np.inf] * 10), np.append(y, [True] * 10)
    rule = AcceptAskReject(0.9, 0.9).fit(S, y)
    assert rule.reject_ < AcceptAskReject(0.9, 0.9).fit(S[:1000], y[:1000]).reject_
    assert rule.accept_ == AcceptAskReject(0.9, 0.9).fit(S[:1000], y[:1000]).accept_
    np.testing.assert_array_equal(rule.predict([-np.inf, np.nan, np.inf]), [-1, 0, 1])


def test_clusters_reach_both_halves():
    rng = np.random.default_rng(5)
    S, y = pairs(rng, 2000, gap=4.0)
    query = np.arange(2000) // 5
    rule = AcceptAskReject(0.8, 0.8).fit(S, y, clusters=query)
    assert [g.unit for g in rule.guarantees] == ["cluster", "cluster"]
    assert (
        rule.reject_rule_.threshold_ == RecallThreshold(0.8, confidence=0.975).fit(S[y], clusters=query[y]).threshold_
    )


def test_saved_and_read_back():
    S, y = pairs(np.random.default_rng(6), 800)
    rule = AcceptAskReject(0.85, 0.9).fit(S, y, context={"scale": "cosine"})
    again = load_decider(*save_decider(rule))
    np.testing.assert_array_equal(again.predict(S), rule.predict(S))
    np.testing.assert_array_equal(again.probability(S), rule.probability(S))
    assert again.guarantees == rule.guarantees
    with pytest.raises(ScaleMismatch):
        again.predict(S, context={"scale": "dot"})


def test_vetoed_pairs_are_asked():
    S, y = pairs(np.random.default_rng(7), 800)
    rule = AcceptAskReject(0.85, 0.9).fit(S, y)
    np.testing.assert_array_equal(rule.predict([9.0, -9.0], veto=np.array([True, True])), [0, 0])


def test_before_fit():
    for use in (AcceptAskReject().predict, AcceptAskReject().probability):
        with pytest.raises(NotFittedError, match="AcceptAskReject is not fitted"):
            use([0.5])


def test_refusals_of_either_half():
    S, y = pairs(np.random.default_rng(8), 300)
    with pytest.raises(NotEnoughLabels):
        AcceptAskReject(0.99, 0.5).fit(S, y)
    with pytest.raises(NotEnoughLabels, match=r"at least .* are needed"):
        AcceptAskReject(0.6, 0.999).fit(S, y)


@pytest.mark.parametrize(
    ("rule", "y", "arguments", "error", "message"),
    [
        (AcceptAskReject(0), [0, 1], {}, DataError, "precision must lie"),
        (AcceptAskReject(0.9, 1), [0, 1], {}, DataError, "recall must lie"),
        (AcceptAskReject(confidence=2), [0, 1], {}, DataError, "confidence must lie"),
        (AcceptAskReject(), None, {}, DataError, "learns from labels"),
        (AcceptAskReject(), [1, 1], {}, Refused, "all 2 labels are 1"),
        (AcceptAskReject(), [0, 1], {"by": ["a", "b"]}, DataError, "wrap it: PerGroup"),
    ],
)
def test_bad_input(rule, y, arguments, error, message):
    with pytest.raises(error, match=message):
        rule.fit([0.1, 0.9], y, **arguments)
