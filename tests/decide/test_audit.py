"""The audit against the bets of its formula, its false alarms, and how soon it sees a broken precision."""

import json
import math

import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide import Audit
from cosimo.errors import DataError, ShapeError
from cosimo.statistics import clopper_pearson


def naive_evidence(y, p):
    """Wealth label by label, each bet made from what came before."""
    wealth = highest = 1.0
    total, squares = 0.5, 0.25
    for i, right in enumerate(y, start=1):
        m, v = total / i, squares / i
        gap = m - (1 - p)
        bet = min(max(gap / (v + gap**2), 0.0), 0.9 / (1 - p))
        wealth *= 1 + bet * (p - right)
        highest = max(highest, wealth)
        total += 1 - right
        squares += (1 - right - total / (i + 1)) ** 2
    return highest


def test_evidence_is_that_of_the_formula():
    y = np.random.default_rng(0).random(200) < 0.8
    audit = Audit(0.9)
    audit.update(y)
    assert audit.evidence == pytest.approx(naive_evidence(y, 0.9), rel=1e-9)


def test_a_kept_promise_is_seldom_called_broken():
    """Precision exactly at the promise, looked at after every label."""
    R, rng = 400, np.random.default_rng(1)
    broken = 0
    for _ in range(R):
        audit = Audit(0.9)
        broken += audit.update(rng.random(1000) < 0.9) == "broken"
    assert broken <= binom.isf(1e-4, R, 0.05)


def test_a_broken_promise_is_seen():
    R, rng = 100, np.random.default_rng(2)
    assert sum(Audit(0.9).update(rng.random(150) < 0.75) == "broken" for _ in range(R)) >= 0.9 * R


def test_a_change_later_is_seen_and_stays():
    audit, rng = Audit(0.9), np.random.default_rng(3)
    assert audit.update(rng.random(200) < 0.95) == "valid"
    assert audit.update(rng.random(300) < 0.6) == "broken"
    assert audit.update(np.ones(2000)) == "broken"


def test_clusters_that_are_wrong_together():
    """Sessions all right or all wrong, at the promise: decision by decision it alarms far too often."""
    R, rng, blind, ours = 100, np.random.default_rng(4), 0, 0
    for _ in range(R):
        y = np.repeat(rng.random(40) < 0.9, 10)
        blind += Audit(0.9).update(y) == "broken"
        ours += Audit(0.9).update(y, clusters=np.repeat(np.arange(40), 10).tolist()) == "broken"
    assert blind > binom.isf(1e-4, R, 0.05)
    assert ours <= binom.isf(1e-4, R, 0.05)


def test_a_cluster_counts_as_its_share_in_order_of_appearance():
    whole, shares = Audit(0.7), Audit(0.7)
    whole.update([1, 0, 0, 1, 1], clusters=["z", "a", "z", "a", "b"])
    assert whole.state()[1]["right"].tolist() == [0.5, 0.5, 1.0]
    with pytest.raises(DataError, match="labels of an audit"):
        shares.update([0.5])


def test_effect_is_the_share_right_among_the_latest():
    audit = Audit(0.9)
    audit.update([0] * 100 + [1] * 150 + [0] * 50)
    effect = audit.effect()
    assert effect.value == 0.75
    assert (effect.interval.low, effect.interval.high) == clopper_pearson(150, 200)
    assert effect.interval.kind == "estimate"


def test_clusters_have_no_binomial_interval():
    audit = Audit(0.9)
    audit.update([1, 0, 1], clusters=[1, 1, 2])
    assert audit.effect().value == 0.75
    assert audit.effect().interval is None


def test_in_parts_as_at_once():
    y, whole, parts = np.random.default_rng(5).random(90) < 0.8, Audit(0.9), Audit(0.9)
    whole.update(y)
    for label in y:
        parts.update([label])
    assert parts.evidence == whole.evidence


def test_goes_on_where_it_was_saved():
    audit = Audit(0.9, false_alarm=0.01)
    audit.update([1, 0, 1], clusters=["a", "a", "b"])
    saved, arrays = audit.state()
    other = Audit.from_state(json.loads(json.dumps(saved)), arrays)
    assert (other.precision, other.false_alarm, other.evidence) == (0.9, 0.01, audit.evidence)
    with pytest.raises(DataError, match="cluster a"):
        other.update([1], clusters=["a"])


def test_evidence_is_finite():
    audit = Audit(0.99)
    audit.update(np.zeros(5000))
    assert math.isfinite(audit.evidence)


def test_input_unchanged():
    y = np.array([1, 0, 1])
    Audit(0.9).update(y)
    assert y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: Audit(1.0), DataError, "precision"),
        (lambda: Audit(0.9, false_alarm=0.0), DataError, "false_alarm"),
        (lambda: Audit(0.9).update([2]), DataError, "1 .right. or 0"),
        (lambda: Audit(0.9).update([np.nan]), DataError, "1 .right. or 0"),
        (lambda: Audit(0.9).update(["yes"]), DataError, "1 .right. or 0"),
        (lambda: Audit(0.9).update([[1]]), ShapeError, r"\(n,\)"),
        (lambda: Audit(0.9).update([1, 0], clusters=["a"]), ShapeError, "clusters"),
        (lambda: Audit(0.9).effect(), DataError, "no decision"),
        (lambda: Audit.from_state({}, {}), DataError, "not an audit"),
    ],
)
def test_bad_input(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()


def test_nothing_audited_says_nothing():
    assert Audit(0.9).update([]) == "valid"
