"""Online ranks against a naive count and crepes, the martingale against crepes and its promise."""

import numpy as np
import pytest
from crepes.martingales import SimpleJumper, semi_online_p_values
from scipy.stats import binom, kstest

from cosimo.decide.monitors.rank_martingale import BINS, JUMP, WAGERS, Stream, online_ranks, score_bins, simple_jumper


def naive_ranks(values, U):
    """Each value among all before it, one by one."""
    ranks = []
    for t, value in enumerate(values):
        higher = sum(earlier > value for earlier in values[:t])
        ties = sum(earlier == value for earlier in values[:t])
        ranks.append((higher + U[t] * (1 + ties)) / (t + 1))
    return np.array(ranks)


def ranks_of(values, U, block=512):
    return online_ranks(score_bins(values), U, np.zeros(BINS, np.int64), block=block)


@pytest.fixture
def values():
    """With ties, and further apart than the bins are wide."""
    return np.random.default_rng(0).integers(-40, 40, 300) / 40


def test_ranks_are_those_of_a_naive_count(values):
    U = np.random.default_rng(1).random(len(values))
    np.testing.assert_allclose(ranks_of(values, U), naive_ranks(values, U), rtol=1e-12)


def test_ranks_are_those_of_crepes(values):
    U = np.random.RandomState(7).rand(len(values))  # what crepes draws for its seed
    np.testing.assert_allclose(ranks_of(values, U), semi_online_p_values(values, seed=7), rtol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 512])
def test_ranks_do_not_depend_on_the_block(values, block):
    U = np.random.default_rng(1).random(len(values))
    assert np.array_equal(ranks_of(values, U, block), ranks_of(values, U))


def test_martingale_is_that_of_crepes():
    u = np.random.default_rng(0).beta(1, 1.3, 2000)
    ours, shares = simple_jumper(u, np.full(5, 0.2))
    theirs = SimpleJumper(J=JUMP).apply(u)
    np.testing.assert_allclose(np.exp(ours), theirs, rtol=1e-9)
    assert WAGERS.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert shares.sum() == pytest.approx(1)


def test_martingale_goes_on_where_it_stopped():
    u = np.random.default_rng(0).beta(1, 1.5, 400)
    whole, last = simple_jumper(u, np.full(5, 0.2))
    first, between = simple_jumper(u[:150], np.full(5, 0.2))
    second, end = simple_jumper(u[150:], between)
    np.testing.assert_allclose(np.concatenate([first, first[-1] + second]), whole, rtol=1e-9)
    np.testing.assert_allclose(end, last)


def test_bins_keep_the_order_and_are_fixed():
    scores = np.sort(np.random.default_rng(0).normal(size=500)) * 50
    assert (np.diff(score_bins(scores)) >= 0).all()
    assert np.array_equal(score_bins(scores[:3]), score_bins(scores)[:3])
    assert len(np.unique(score_bins(np.linspace(-1, 1, 2001)))) == 2001  # cosines 0.001 apart are told apart
    assert score_bins([np.nan, -np.inf, np.inf, 1e38]).tolist() == [0, 0, BINS - 1, BINS - 1]


def test_ranks_of_what_does_not_change_are_uniform_with_ties_too():
    rng = np.random.default_rng(3)
    stream = rng.integers(0, 8, 20_000) / 8
    u = ranks_of(stream, rng.random(len(stream)))
    assert kstest(u, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 4 / np.sqrt(len(u))


def alarms(u, epsilon=0.05):
    """Which rows of ranks (runs, n) ever alarm."""
    wealth, _ = simple_jumper(u, np.full((len(u), 5), 0.2))
    return wealth.max(axis=1) >= np.log(1 / epsilon)


def runs(R, n_cal, n, seed=0):
    """(R, n_cal + n) scores that never change, and ranks among all earlier ones, and among calibration alone."""
    rng = np.random.default_rng(seed)
    S = rng.normal(0.4, 0.1, (R, n_cal + n))
    U = rng.random(S.shape)
    online = np.stack([ranks_of(s, v)[n_cal:] for s, v in zip(S, U, strict=True)])
    cal = np.sort(S[:, :n_cal], axis=1)
    lower = np.stack([np.searchsorted(c, s, side="right") for c, s in zip(cal, S[:, n_cal:], strict=True)])
    return online, (n_cal - lower + U[:, n_cal:]) / (n_cal + 1)


@pytest.mark.slow
def test_false_alarms_over_ten_thousand_steps():
    """At 5 %: online at most that; ranks among the calibration scores alone, which are no martingale, far more."""
    R = 100
    online, fixed = runs(R, n_cal=100, n=10_000)
    assert alarms(online).sum() <= binom.isf(1e-4, R, 0.05)
    assert alarms(fixed).sum() > binom.isf(1e-6, R, 0.05)


def test_a_stream_of_equal_values_never_alarms():
    stream = Stream.calibrated(np.zeros(100), 0.5, 0)
    stream.push(np.zeros(3000))
    assert stream.highest < np.log(20)


def test_memory_is_constant():
    stream = Stream.calibrated(np.zeros(10), 0.5, 0)
    stream.push(np.random.default_rng(0).normal(size=5000))
    assert stream.counts.shape == (BINS,)
    assert stream.counts.sum() == 5010
    assert len(stream.recent) == 500
