import numpy as np
import pytest
from scipy import stats

from cosimo.errors import DataError
from cosimo.statistics import benjamini_hochberg, benjamini_yekutieli, holm


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def step_down(p, alpha):
    """Holm's procedure as he wrote it: reject from the smallest p-value upward until one fails."""
    rejected = np.zeros(len(p), bool)
    for j, i in enumerate(np.argsort(p)):
        if p[i] > alpha / (len(p) - j):
            break
        rejected[i] = True
    return rejected


def test_holm_oracle_step_down(rng):
    for _ in range(50):
        p = rng.random(9) ** 4
        for alpha in (0.01, 0.05, 0.2):
            np.testing.assert_array_equal(holm(p) <= alpha, step_down(p, alpha))


def step_up(p, alpha):
    """Benjamini and Hochberg's procedure as they wrote it: reject up to the largest p_(j) of at most j alpha / m."""
    rising = np.sort(p)
    passed = [j for j in range(1, len(p) + 1) if rising[j - 1] <= j * alpha / len(p)]
    return p <= rising[passed[-1] - 1] if passed else np.zeros(len(p), bool)


@pytest.mark.parametrize(("ours", "related"), [(benjamini_hochberg, False), (benjamini_yekutieli, True)])
def test_oracle_step_up(rng, ours, related):
    for m in (1, 2, 17) * 20:
        p = rng.random(m) ** 4
        for alpha in (0.01, 0.05, 0.2):
            share = alpha / (1 / np.arange(1, m + 1)).sum() if related else alpha
            np.testing.assert_array_equal(ours(p) <= alpha, step_up(p, share))


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg, benjamini_yekutieli])
class TestAny:
    def test_order_is_kept_and_nothing_gets_smaller(self, rng, adjust):
        p = rng.random(30) ** 2
        found = adjust(p)
        assert (found >= p).all()
        assert found.max() <= 1
        assert (np.diff(found[np.argsort(p)]) >= 0).all()

    def test_one_is_left_alone(self, adjust):
        assert adjust([0.3]) == [0.3]

    def test_input_is_left_alone(self, rng, adjust):
        p = rng.random(5)
        before = p.copy()
        adjust(p)
        np.testing.assert_array_equal(p, before)

    @pytest.mark.parametrize("p", [[0.2, 1.5], [0.2, np.nan], [-0.1]])
    def test_no_p_values(self, adjust, p):
        with pytest.raises(DataError):
            adjust(p)


def test_what_they_control(rng):
    """Half of 20 hypotheses are true; p-values of the others are small."""
    p = rng.random((2000, 20))
    p[:, 10:] = stats.norm.sf(rng.normal(size=(2000, 10)) + 3)
    any_error = sum((holm(row)[:10] <= 0.05).any() for row in p)
    assert any_error <= stats.binom.isf(1e-4, 2000, 0.05)
    shares = [found[:10].sum() / max(found.sum(), 1) for found in (benjamini_hochberg(row) <= 0.05 for row in p)]
    assert np.mean(shares) <= 0.05 * 0.5 + 4 * np.std(shares) / np.sqrt(2000)
    assert np.mean(shares) > 0.015


def test_dependent_hypotheses_pay_the_harmonic_number():
    p = np.array([0.001, 0.02, 0.3])
    harmonic = 1 + 1 / 2 + 1 / 3
    np.testing.assert_allclose(benjamini_yekutieli(p), np.minimum(1, harmonic * benjamini_hochberg(p)))
