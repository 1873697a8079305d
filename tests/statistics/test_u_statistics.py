import numpy as np
import pytest
from scipy.stats import binom, t

from cosimo.errors import DataError, Refused
from cosimo.statistics import pair_average_interval, pair_averages


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def inner(Q, K):
    return Q @ K.T


@pytest.mark.parametrize("block", [1, 3, 7, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_loop(rng, block, dtype):
    X = rng.normal(size=(11, 3)).astype(dtype)
    before = X.copy()
    wanted = [np.mean([x @ z for j, z in enumerate(X) if j != i]) for i, x in enumerate(X)]
    np.testing.assert_allclose(pair_averages(inner, X, block=block), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(X, before)


def test_kernel_output_is_left_alone(rng):
    S = rng.random((9, 9))
    before = S.copy()
    pair_averages(lambda Q, K: S, np.zeros((9, 1)))
    np.testing.assert_array_equal(S, before)


def test_interval_formula(rng):
    h = rng.normal(size=20)
    reach = t.ppf(0.95, 19) * 2 * h.std(ddof=1) / np.sqrt(20)
    found = pair_average_interval(h, level=0.9)
    assert (found.low, found.high) == pytest.approx((h.mean() - reach, h.mean() + reach))


@pytest.mark.parametrize("log", [False, True])
def test_covers_where_pairs_as_units_do_not(rng, log):
    """Mean of exp(-(x - y)^2) over pairs of standard normal items: 1 / sqrt(5)."""
    truth = 1 / np.sqrt(5)
    missed = blind = 0
    for x in rng.normal(size=(400, 60)):
        S = np.exp(-((x[:, None] - x) ** 2))
        h = (S.sum(axis=1) - np.diag(S)) / 59
        found = pair_average_interval(h, log=log)
        missed += not found.low <= (np.log(truth) if log else truth) <= found.high
        pairs = S[np.triu_indices(60, 1)]
        blind += abs(pairs.mean() - truth) > 1.96 * pairs.std() / np.sqrt(len(pairs))
    assert missed <= binom.isf(1e-4, 400, 0.05 + 0.03)
    assert blind > 60


def test_paired_difference_of_two_spaces(rng):
    """What both spaces share cancels in the difference of their averages."""
    h = rng.normal(size=50)
    other = h + 0.01 * rng.normal(size=50) + 0.05
    found = pair_average_interval(other - h)
    assert 0.04 < found.low < found.high < 0.06


def test_bad_input():
    with pytest.raises(DataError, match="at least 2"):
        pair_averages(inner, np.ones((1, 2)))
    for h in ([0.3], [0.3] * 9, [0.1 + 0.2] * 5 + [0.3] * 5):
        with pytest.raises(Refused, match="do not vary"):
            pair_average_interval(h)
    with pytest.raises(DataError, match="logarithm"):
        pair_average_interval([-0.2, -0.1, 0.0], log=True)
