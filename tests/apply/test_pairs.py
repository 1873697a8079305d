"""What decides about pairs, what it promises of them, and what it refuses."""

import dataclasses

import numpy as np
import pytest

from apply.rules import rule_of
from assembly.toys import toy_space
from cosimo.apply.jobs.pairs import Judge
from cosimo.errors import DataError, GuaranteeVoid, Refused, ScaleMismatch

FOUND = np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0.9, 0.5, 0.1], np.float32)
HOW = "the 10 nearest of each"
TEXTS = ["turn the light on", "turn the light off", "sofa"]


@pytest.fixture(scope="module")
def space():
    return toy_space()


def judged(space, rule=None, min_score=None, items=100):
    return Judge(space, rule, min_score).pairs(FOUND, HOW, items, left=TEXTS, right=TEXTS)


def test_a_plain_score_accepts_and_promises_nothing(space):
    pairs = judged(space, min_score=0.1)
    assert pairs.decision.tolist() == [1, 1, 1]
    assert pairs.decision.dtype == np.int8
    assert pairs.promise.startswith("No promise")
    assert pairs.found == {"candidates": HOW, "items": "100", "floor": "0.1"}
    assert pairs.probability is None


def test_a_rule_decides(space):
    pairs = judged(space, rule_of(space, 0.8, 0.3))
    assert pairs.decision.tolist() == [1, 0, -1]
    assert (pairs.accepted.tolist(), pairs.asked.tolist()) == ([True, False, False], [False, True, False])
    np.testing.assert_allclose(pairs.probability, FOUND[2])


def test_a_guarded_rule_asks_about_opposites(space):
    from cosimo.decide import OppositesGuard

    pairs = judged(space, rule_of(space, 0.8, 0.3, guard=OppositesGuard().version))
    assert pairs.decision.tolist() == [0, 0, -1]
    assert "opposite" in pairs.reasons[0]
    with pytest.raises(GuaranteeVoid, match="guard"):
        judged(space, rule_of(space, 0.8, guard="old", binds={"guard": "old"}))


BOUND = {"candidates": HOW, "items": "100"}


def test_within_the_promise_the_guarantee_is_said(space):
    rule = rule_of(space, 0.8, binds=BOUND)
    assert judged(space, rule).promise == str(rule.guarantee)
    assert judged(space, rule, items=110).promise == str(rule.guarantee)


@pytest.mark.parametrize(
    ("binds", "items", "said"),
    [
        ({}, 100, "in a way it does not state"),
        (BOUND | {"candidates": "the 5 nearest of each"}, 100, "made for the 5 nearest of each"),
        (BOUND, 111, "among 100 items, these among 111"),
        (BOUND, 89, "among 100 items, these among 89"),
        ({"candidates": HOW}, 100, "among how many items"),
        (BOUND | {"filter": "year > 2000"}, 100, "tied to the filter year > 2000"),
    ],
)
def test_outside_the_promise_nothing_is_guaranteed(space, binds, items, said):
    told = judged(space, rule_of(space, 0.8, binds=binds), items=items).promise
    assert told.startswith("Outside the promise")
    assert said in told
    assert "Guarantee:" not in told


def test_a_rule_of_unknown_space_promises_nothing(space):
    rule = rule_of(space, 0.8)
    bare = dataclasses.replace(rule, guarantee=dataclasses.replace(rule.guarantee, binds=BOUND))
    assert "in which space" in judged(space, bare).promise


def test_the_floor_comes_with_the_rule(space):
    assert Judge(space, rule_of(space, 0.8), None).floor is None
    assert Judge(space, rule_of(space, 0.8, binds={"floor": "0.5"}), None).floor == 0.5
    told = judged(space, rule_of(space, 0.8, binds=BOUND | {"floor": "0.5"})).promise
    assert told.startswith("Guarantee")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scale": "dot"}, ScaleMismatch),
        ({"unit": "hit"}, ScaleMismatch),
        ({"binds": {"space": "0123456789abcdef"}}, GuaranteeVoid),
        ({"needs": ["query"]}, Refused),
    ],
)
def test_other_rules_are_refused(space, changes, error):
    with pytest.raises(error):
        Judge(space, rule_of(space, 0.8, **changes), None)


def test_a_rule_that_expired_is_refused(space):
    with pytest.raises(GuaranteeVoid, match="moved"):
        Judge(space, rule_of(space, 0.8).in_state("moved"), None)


def test_one_of_the_two_decides(space):
    for rule, min_score in ((None, None), (rule_of(space, 0.8), 0.9)):
        with pytest.raises(DataError, match="one of the two"):
            Judge(space, rule, min_score)
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match="finite"):
            Judge(space, None, bad)
