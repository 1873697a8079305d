"""One-to-one against scipy's dense solver, and what must hold of every answer."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cosimo.apply.jobs.assignment import EPSILON, one_to_one


def problem(n, m, share, seed, *, levels=None):
    rng = np.random.default_rng(seed)
    a, b = np.nonzero(rng.random((n, m)) < share)
    scores = rng.random(len(a)) if levels is None else rng.integers(0, levels, len(a)) / levels
    return a, b, (scores * 3 - 2).astype(np.float32)


def worth(scores):
    S = scores.astype(np.float64)
    return EPSILON + (S - S.min()) / (np.ptp(S) or 1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "m", "share", "levels"), [(6, 9, 0.5, None), (9, 5, 0.3, None), (8, 8, 0.6, 3)])
def test_total_equals_the_dense_solver(n, m, share, levels, seed):
    a, b, scores = problem(n, m, share, seed, levels=levels)
    W = np.zeros((n, m))
    W[a, b] = worth(scores)
    best = W[linear_sum_assignment(W, maximize=True)].sum()
    kept = one_to_one(a, b, scores)
    assert W[a[kept], b[kept]].sum() == pytest.approx(best, abs=1e-9)
    assert np.bincount(a[kept]).max() == np.bincount(b[kept]).max() == 1
    free = ~np.isin(a, a[kept]) & ~np.isin(b, b[kept])
    assert not free.any(), "a pair whose items are both alone could be added"


def test_it_does_not_depend_on_the_zero_of_the_scale():
    a, b, scores = problem(12, 12, 0.4, 3)
    np.testing.assert_array_equal(one_to_one(a, b, scores), one_to_one(a, b, 7 * scores.astype(np.float64) - 100))


def test_greedy_would_score_less():
    a, b = np.array([0, 0, 1]), np.array([0, 1, 0])
    assert one_to_one(a, b, np.array([0.90, 0.88, 0.86])).tolist() == [True, False, False]
    c, d = np.append(a, 2), np.append(b, 2)
    assert one_to_one(c, d, np.array([0.90, 0.88, 0.86, 0.1])).tolist() == [False, True, True, True]


def test_equal_scores_and_nothing():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert one_to_one(a, b, np.ones(4)).sum() == 2
    assert one_to_one(a[:0], b[:0], np.ones(0)).shape == (0,)
    assert one_to_one(a[:1], b[:1], np.ones(1)).tolist() == [True]
    np.testing.assert_array_equal(one_to_one(a, b, np.ones(4)), one_to_one(a, b, np.ones(4)))
