from itertools import permutations

import numpy as np
import pytest

from cosimo.measure.probes.finding_again import hits, reciprocal_ranks, same_texts

RNG = np.random.default_rng(0)


def over_orders(scores, right):
    """Mean over all orders of tied items of the reciprocal rank of the one right item, and of its being first."""
    ranks = []
    for order in permutations(range(len(scores))):
        ranked = sorted(order, key=lambda j: -scores[j])  # stable: ties stay in the order given
        ranks.append(1 + next(place for place, j in enumerate(ranked) if right[j]))
    return np.mean(1 / np.array(ranks)), np.mean(np.array(ranks) == 1)


def test_oracle_all_orders_of_ties():
    for _ in range(30):
        scores = RNG.integers(-2, 2, size=6) / 2
        right = np.arange(6) == RNG.integers(6)
        expected = over_orders(scores, right)
        S = scores[None]
        assert (reciprocal_ranks(S, right[None])[0], hits(S, right[None])[0]) == pytest.approx(expected)


def test_the_best_of_several_right_ones_counts():
    S = np.array([[0.9, 0.8, 0.1, -0.5]])
    right = np.array([[False, True, False, True]])
    np.testing.assert_array_equal(reciprocal_ranks(S, right), [0.5])
    np.testing.assert_array_equal(hits(S, right), [0.0])


def test_a_space_in_which_all_is_equal_finds_nothing_but_by_chance():
    S, right = np.ones((1, 1000)), np.arange(1000)[None] == 0
    assert hits(S, right)[0] == pytest.approx(1 / 1000)
    assert reciprocal_ranks(S, right)[0] == pytest.approx((1 / np.arange(1, 1001)).mean())


def test_texts_that_say_the_same():
    np.testing.assert_array_equal(same_texts(["Ab c", "x", "ab  C", "", " "]), [0, 1, 0, 3, 3])
