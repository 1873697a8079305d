import numpy as np
import pytest
from scipy import stats

from cosimo.errors import DataError, ShapeError
from cosimo.statistics import over_tasks_like_these, over_these_tasks, sign_flip_test, smallest_sign_flip_p, t_interval


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_these_tasks_formula():
    D, SE = np.array([0.02, -0.01, 0.05, 0.03]), np.array([0.01, 0.02, 0.01, 0.03])
    found = over_these_tasks(D, SE, level=0.9)
    error = np.sqrt((SE**2).sum()) / 4
    assert (found.interval.low, found.interval.high) == pytest.approx(stats.norm.interval(0.9, D.mean(), error))
    assert found.p_value == pytest.approx(2 * stats.norm.sf(D.mean() / error))
    assert "these same tasks" in found.interval.scope


def test_tasks_like_these_counts_families():
    D, families = [0.1, 0.3, 0.5, -0.1, 0.2], ["sts", "sts", "sts", "nli", "news"]
    found = over_tasks_like_these(D, families=families)
    means = [0.3, -0.1, 0.2]
    assert found.difference == pytest.approx(np.mean(means))
    assert found.p_value == sign_flip_test(means)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (t_interval(sorted(means)).low, t_interval(means).high)
    )
    assert (found.better, found.worse) == pytest.approx((2 / 3, 1 / 3))
    assert (found.interval.unit, found.interval.n_units) == ("family", 3)


def test_the_two_scopes_differ(rng):
    """Many items a task make these tasks sure, and say nothing about others: +.1 and -.1 at random."""
    wrong_these = wrong_like = 0
    for _ in range(300):
        D = rng.choice([-0.1, 0.1], 10) + rng.normal(size=10) / 1000
        wrong_these += over_these_tasks(D, np.full(10, 1 / 1000)).p_value <= 0.05
        wrong_like += over_tasks_like_these(D).p_value <= 0.05
    assert wrong_these > 150
    assert wrong_like <= stats.binom.isf(1e-4, 300, 0.05)


def test_too_few_tasks_to_earn_a_star():
    assert smallest_sign_flip_p(10) == pytest.approx(0.00195, rel=1e-2)
    assert [smallest_sign_flip_p(n) for n in (0, 1, 2, 5)] == [1, 1, 0.5, 0.0625]
    assert over_tasks_like_these([0.3] * 5).p_value == smallest_sign_flip_p(5)


def test_one_family_has_no_interval():
    found = over_tasks_like_these([0.1, 0.2], families=["sts", "sts"])
    assert (found.interval, found.p_value) == (None, 1)


def test_bad_input():
    with pytest.raises(ShapeError, match="error"):
        over_these_tasks([0.1, 0.2], [0.1])
    for errors in ([0.0, 0.0], [-0.1, 0.1]):
        with pytest.raises(DataError, match="errors"):
            over_these_tasks([0.1, 0.2], errors)
