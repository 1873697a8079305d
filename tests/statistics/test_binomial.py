import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm

from cosimo.errors import DataError
from cosimo.statistics import clopper_pearson, critical, exact_p_value, order_rank, wilson, zero_error_minimum

DELTAS = (0.1, 0.05, 0.025, 0.05 / 3, 0.001)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9, 0.99])
def test_p_value_oracle_binomtest(p):
    for right, n in [(0, 0), (0, 7), (3, 7), (7, 7), (290, 300)]:
        wanted = binomtest(right, n, p, alternative="greater").pvalue if n else 1.0
        assert exact_p_value(right, n, p) == pytest.approx(wanted, rel=1e-9)


def test_p_value_broadcasts():
    found = exact_p_value([[1], [9]], [9, 10, 11], 0.5)
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(binom.sf(8, 11, 0.5))


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9, 0.95, 0.99])
def test_critical_oracle_search(p):
    for n in (0, 1, 5, 28, 29, 58, 59, 299, 1000, 20000):
        k = np.arange(n + 2)
        tails = binom.sf(k - 1, n, p)
        for delta in DELTAS:
            assert critical(n, p, delta) == k[tails <= delta][0]


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.9])
def test_order_rank_oracle_search(rate):
    for n in (0, 1, 5, 28, 29, 58, 59, 299, 1000, 20000):
        ranks = np.arange(1, n + 1)
        for delta in DELTAS:
            fit = ranks[binom.cdf(ranks - 1, n, rate) <= delta]
            assert order_rank(n, rate, delta) == fit.max(initial=0)


def test_order_rank_keeps_its_promise_and_not_more():
    """The l-th smallest of n exceeds the quantile as rarely as promised, and the next one does so more often."""
    draws = np.sort(np.random.default_rng(0).random((4000, 150)), axis=1)
    rank = order_rank(150, 0.1, 0.05)
    assert (draws[:, rank - 1] > 0.1).sum() <= binom.isf(1e-4, 4000, 0.05)
    assert (draws[:, rank] > 0.1).mean() > 0.05


def test_zero_error_minimum():
    assert [zero_error_minimum(p, 0.05) for p in (0.9, 0.95, 0.99)] == [29, 59, 299]
    assert zero_error_minimum(0.95, 0.025) == 72
    for p in (0.8, 0.95, 0.995):
        n = zero_error_minimum(p, 0.05)
        assert critical(n, p, 0.05) == n
        assert critical(n - 1, p, 0.05) == n


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (1, 50), (33, 40), (0, 1)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_clopper_pearson_oracle_binomtest(right, n, level):
    theirs = binomtest(right, n).proportion_ci(level, method="exact")
    assert clopper_pearson(right, n, level=level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (1, 50), (33, 40), (0, 1)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_oracle_score_test(right, n, level):
    """At its ends the rate is as far from p as the score test rejects, p's own standard error taken for it."""
    z = norm.isf((1 - level) / 2)
    for p in wilson(right, n, level=level):
        assert abs(right / n - p) == pytest.approx(z * np.sqrt(p * (1 - p) / n), abs=1e-9)
    assert wilson(right, n, level=level) == pytest.approx(tuple(1 - np.array(wilson(n - right, n, level=level))[::-1]))


def test_few_errors_of_many_have_an_exact_end():
    low, _ = clopper_pearson(1, 10**9)
    assert low == pytest.approx(-np.log1p(-0.025) / 10**9, rel=1e-6)


def test_clopper_pearson_covers_at_every_rate():
    n = 30
    ends = np.array([clopper_pearson(right, n) for right in range(n + 1)])
    for rate in np.linspace(0.01, 0.99, 99):
        covered = (ends[:, 0] <= rate) & (rate <= ends[:, 1])
        assert binom.pmf(np.arange(n + 1), n, rate) @ covered >= 0.95


def test_no_trials_say_nothing():
    assert clopper_pearson(0, 0) == wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("interval", [clopper_pearson, wilson])
@pytest.mark.parametrize(("right", "n"), [(-1, 5), (6, 5)])
def test_impossible_counts(interval, right, n):
    with pytest.raises(DataError, match="no count"):
        interval(right, n)
