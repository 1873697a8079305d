import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

from cosimo.errors import DataError, ShapeError
from cosimo.statistics import rank_sets, sign_flip_test


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def holds(found, quality):
    """Whether every true rank lies in its set; equal systems may have any of their ranks."""
    ahead = (quality[:, None] > quality).sum(axis=0)
    behind = (quality[:, None] < quality).sum(axis=0)
    return ((found.lowest <= 1 + ahead) & (len(quality) - behind <= found.highest)).all()


def test_order_and_shapes(rng):
    X = rng.normal([0, 3, 1, 3, -2], size=(100, 5))
    found = rank_sets(X)
    np.testing.assert_allclose(found.means, X.mean(axis=0))
    assert found.top.tolist() == [False, True, False, True, False]
    assert found.lowest.tolist() == [4, 1, 3, 1, 5]
    assert found.highest.tolist() == [4, 2, 3, 2, 5]
    assert not np.diag(found.beats).any()


def test_critical_value_oracle_loop(rng):
    """Two equal tasks, the bootstrap written out, on the same resampled rows."""
    from cosimo.statistics.ranks import _max_t

    X, tasks = rng.normal(size=(30, 3)), np.arange(30) % 2
    shares = X / 30
    c, error = _max_t(shares, tasks, np.array([15, 15]), level=0.9, n_resamples=99, seed=4)
    draw = np.random.default_rng(4)
    rows = [np.flatnonzero(tasks == task)[draw.integers(15, size=(99, 15))] for task in (0, 1)]
    largest = []
    for b in range(99):
        T = 0
        for i in range(3):
            for j in range(3):
                d = X[:, i] - X[:, j]
                moved = [(d[rows[task][b]].mean() - d[tasks == task].mean()) * np.sqrt(15 / 14) for task in (0, 1)]
                se = np.sqrt(sum(d[tasks == task].var(ddof=1) / 15 for task in (0, 1))) / 2
                T = max(T, abs(np.mean(moved)) / se) if i != j else T
        largest.append(T)
    assert c == pytest.approx(stats.t.isf(stats.norm.sf(sorted(largest)[89]), 28))
    d = X[:, 0] - X[:, 2]
    se = np.sqrt(sum(d[tasks == task].var(ddof=1) / 15 for task in (0, 1))) / 2
    assert error[0, 2] == pytest.approx(se)


@pytest.mark.parametrize("quality", [[0.0] * 6, [0, 0, 0, 0.2, 0.4, 0.4], [0, 0.3, 0.6, 0.9, 1.2, 1.5]])
@pytest.mark.parametrize("n", [10, 40])
def test_all_ranks_are_covered_at_once(rng, quality, n):
    quality = np.array(quality)
    X = rng.standard_t(5, size=(150, n, 6)) * np.linspace(0.5, 1.5, 6) + quality
    X += rng.normal(size=(150, n, 1))  # hard and easy units
    wrong = sum(not holds(rank_sets(x, n_resamples=199, seed=rng), quality) for x in X)
    assert wrong <= binom.isf(1e-4, 150, 0.05 + 0.02)


def test_equal_systems_are_rarely_told_apart(rng):
    """Without Student's correction some pair of 8 is, in .15 of samples of 25 units."""
    wrong = sum(rank_sets(rng.normal(size=(25, 8)), n_resamples=199, seed=rng).beats.any() for _ in range(500))
    assert wrong <= binom.isf(1e-4, 500, 0.05 + 0.02)


def test_the_best_is_in_the_top_group(rng):
    """Nine nearly equal systems: the best of them is named nearly always, and hopeless ones are not."""
    quality = np.r_[np.linspace(0.2, 0.3, 8), 0.32, -1.5]
    tops = np.array([rank_sets(rng.normal(quality, size=(40, 10)), n_resamples=199).top for _ in range(100)])
    assert tops[:, 8].mean() >= 0.97
    assert tops[:, 9].mean() <= 0.05


def test_finds_what_is_there(rng):
    X = rng.normal([0, 0.5, 1, 1.5], size=(300, 4))
    assert rank_sets(X).top.tolist() == [False, False, False, True]


def test_few_units_by_sign_flips(rng):
    X = rng.normal([0, 3], size=(12, 2))
    found = rank_sets(X)
    assert found.method == "sign flips, Holm"
    assert found.beats[1, 0] == (sign_flip_test(X[:, 0] - X[:, 1]) <= 0.05)
    assert found.top.tolist() == [False, True]
    assert rank_sets(X[:5]).top.all(), "5 units cannot separate anything: the least p-value is 2 / 32"


def test_tasks_count_equally_and_are_drawn_apart(rng):
    """A large task says nothing about a small one: the mean of their means is ranked."""
    tasks = np.r_[np.zeros(300), np.ones(30)]
    X = np.stack([np.where(tasks == 0, 1.0, -2.0), np.zeros(330)], axis=1) + 0.1 * rng.normal(size=(330, 2))
    found = rank_sets(X, strata=tasks)
    np.testing.assert_allclose(found.means, (X[:300].mean(axis=0) + X[300:].mean(axis=0)) / 2)
    assert found.top.tolist() == [False, True]
    assert rank_sets(X).top.tolist() == [True, False]


def test_equal_systems_share_every_rank(rng):
    x = rng.random(50)
    found = rank_sets(np.stack([x, x, x], axis=1))
    assert found.lowest.tolist() == [1, 1, 1]
    assert found.highest.tolist() == [3, 3, 3]
    assert rank_sets(x[:, None]).top.tolist() == [True]
    assert rank_sets(x[:9, None]).top.tolist() == [True]


def test_a_difference_that_never_varies_counts_unless_it_is_rounding():
    assert rank_sets(np.tile([1.0, 0.5], (50, 1))).top.tolist() == [True, False]
    assert rank_sets(np.tile([0.1 + 0.2, 0.3], (50, 1))).top.all()


def test_seed(rng):
    X = rng.normal(size=(40, 6)) + np.linspace(0, 1, 6)
    assert np.array_equal(rank_sets(X, seed=1).beats, rank_sets(X, seed=1).beats)


@pytest.mark.parametrize("X", [np.ones(4), np.ones((0, 3)), np.full((30, 2), np.nan)])
def test_bad_values(X):
    with pytest.raises(ShapeError, match="finite values"):
        rank_sets(X)


def test_a_task_with_one_unit():
    with pytest.raises(DataError, match="single unit"):
        rank_sets(np.eye(21), strata=[0] * 20 + [1])
