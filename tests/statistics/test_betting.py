import numpy as np
import pytest
from scipy.stats import binom

from cosimo.errors import DataError
from cosimo.statistics import betting_lower_bound, betting_p_value, hashed_order, hoeffding_bentkus, log_wealth


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def naive_wealth(X, p):
    """The formula of the paper, one unit at a time."""
    wealth, total, squares, log = 1.0, 0.0, 0.0, []
    for i, x in enumerate(X, start=1):
        m, v = (0.5 + total) / i, (0.25 + squares) / i
        bet = min(max((m - p) / (v + (m - p) ** 2), 0.0), 0.9 / p)
        wealth *= 1 + bet * (x - p)
        total += x
        squares += (x - (0.5 + total) / (i + 1)) ** 2
        log.append(np.log(wealth))
    return log


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.99])
def test_wealth_oracle_loop(rng, p):
    X = rng.beta(2, 1, size=(3, 40))
    np.testing.assert_allclose(log_wealth(X, p), [naive_wealth(row, p) for row in X], atol=1e-12)


def test_p_value_is_the_highest_wealth_so_far():
    X = np.r_[np.ones(100), np.zeros(100)]
    assert betting_p_value(X, 0.9) == betting_p_value(X[:100], 0.9) == np.exp(-log_wealth(X, 0.9).max())
    assert betting_p_value(np.zeros(50), 0.3) == 1
    assert betting_p_value(np.empty((2, 0)), 0.3).tolist() == [1, 1]


@pytest.mark.parametrize(("p", "minimum"), [(0.9, 38), (0.95, 78), (0.99, 400)])
def test_zero_error_minimum(p, minimum):
    assert betting_p_value(np.ones(minimum), p) <= 0.05 < betting_p_value(np.ones(minimum - 1), p)


@pytest.mark.parametrize("p", [0.7, 0.9])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape, p: rng.random(shape) < p,
        lambda rng, shape, p: rng.beta(8 * p, 8 * (1 - p), shape),
        lambda rng, shape, p: rng.binomial(5, p, shape) / 5,
        lambda rng, shape, p: np.where(rng.random(shape) < 0.1, p - 9 * p / 10, p + p / 10),
    ],
    ids=["0/1", "beta", "fifths", "rare loss"],
)
def test_type_one_error_at_the_boundary(rng, p, draw):
    """A mean of exactly p is called more than p in at most 5 % of runs, however often one looks."""
    X = draw(rng, (4000, 150), p).astype(float)
    assert (betting_p_value(X, p) <= 0.05).sum() <= binom.isf(1e-4, 4000, 0.05)


def test_power_against_hoeffding_bentkus(rng):
    """150 graded units of true mean .96, tested against .9."""
    X = rng.beta(2.4, 0.1, (500, 150))
    ours = np.mean(betting_p_value(X, 0.9) <= 0.05)
    assert ours >= 0.9
    assert ours > np.mean(hoeffding_bentkus(1 - X.mean(axis=1), 150, 0.1) <= 0.05) + 0.1


class TestLowerBound:
    def test_nothing_below_it_is_credible_and_the_next_step_is(self, rng):
        X = rng.random(200) ** 0.2
        bound = betting_lower_bound(X, 0.05, precision=1e-3)
        below = [betting_p_value(X, p) for p in np.arange(1e-3, bound + 5e-4, 1e-3)]
        assert max(below) <= 0.05 < betting_p_value(X, bound + 1e-3)

    def test_a_gap_in_what_is_rejected_ends_it(self):
        """The p-value need not grow with p, so that a bisection may step over a mean that is still credible."""
        X = np.ones(150)
        X[[7, 8, 19, 54, 74, 80]] = 0
        credible, rejected = betting_p_value(X, 0.885), betting_p_value(X, 0.895)
        assert rejected <= 0.05 < credible
        assert betting_lower_bound(X, 0.05, precision=0.0025) == pytest.approx(0.8825)

    @pytest.mark.parametrize("mean", [0.5, 0.95])
    def test_covers(self, rng, mean):
        X = rng.random((600, 60)) < mean
        missed = sum(betting_lower_bound(row, 0.05, precision=0.005) > mean for row in X)
        assert missed <= binom.isf(1e-4, 600, 0.05)

    def test_weights_are_those_of_the_mean(self):
        """Units that count nothing change nothing, however good they are."""
        X, w = np.r_[np.zeros(50), np.ones(50)], np.r_[np.ones(50), np.zeros(50)]
        assert betting_lower_bound(X, 0.05, weights=w) == betting_lower_bound(X[:50], 0.05) == 0
        assert betting_lower_bound(1 - X, 0.05, weights=w) == pytest.approx(betting_lower_bound(np.ones(50), 0.05))

    def test_weighted_bound_covers_the_weighted_mean(self, rng):
        """Large clusters that are worse: the mean over their items is .6, that over clusters .7."""
        large = rng.random((400, 80)) < 1 / 3
        X = rng.random((400, 80)) < np.where(large, 0.5, 0.8)
        bounds = [
            betting_lower_bound(x, 0.05, weights=w, precision=0.01)
            for x, w in zip(X, np.where(large, 1.0, 0.25), strict=True)
        ]
        truth = (0.5 / 3 + 0.25 * 0.8 * 2 / 3) / (1 / 3 + 0.25 * 2 / 3)
        assert sum(bound > truth for bound in bounds) <= binom.isf(1e-4, 400, 0.05)
        assert np.mean(bounds) > 0.3

    def test_no_units(self):
        assert betting_lower_bound([], 0.05) == 0


@pytest.mark.parametrize("X", [[0.5, 1.1], [-0.2, 0.5], [0.5, np.nan]])
def test_units_outside_of_the_bets(X):
    with pytest.raises(DataError, match="from 0 to 1"):
        betting_p_value(X, 0.5)


def test_hashed_order_depends_on_names_alone():
    names = [f"q{i}" for i in range(50)]
    order = hashed_order(names)
    ordered = [names[i] for i in order]
    shuffled = names[::-1]
    assert sorted(order) == list(range(50))
    assert ordered != names
    assert [shuffled[i] for i in hashed_order(shuffled)] == ordered
    assert hashed_order([]).tolist() == []


def test_hoeffding_bentkus_oracle_formula():
    n, level = 60, 0.1
    for errors in range(8):
        R = errors / n
        h = (R * np.log(R / level) if R else 0) + (1 - R) * np.log((1 - R) / (1 - level))
        wanted = min(np.exp(-n * h), np.e * binom.cdf(errors, n, level), 1) if level > R else 1
        assert hoeffding_bentkus(R, n, level) == pytest.approx(wanted, rel=1e-9)


def test_hoeffding_bentkus_errs_rarely(rng):
    losses = rng.binomial(100, 0.1, 20000) / 100
    assert (hoeffding_bentkus(losses, 100, 0.1) <= 0.05).sum() <= binom.isf(1e-4, 20000, 0.05)
