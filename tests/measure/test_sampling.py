import numpy as np
import pytest
from scipy.stats import chisquare

from cosimo.errors import DataError
from cosimo.measure.vectors.one_pass import Block
from cosimo.measure.vectors.sampling import (
    Reservoir,
    group_estimate,
    histogram,
    left_out_groups,
    scaled,
)
from cosimo.statistics import delete_group_interval, t_interval


def drawn(n, size, seed, step=10):
    X = np.arange(n, dtype=np.float64)[:, None]
    found = Reservoir(size, seed)
    for start in range(0, n, step):
        found.update(Block(X[start : start + step]))
    return found


def test_everything_while_there_is_room():
    found = drawn(30, 30, 0)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(30))
    np.testing.assert_array_equal(found.numbers, np.arange(30))


def test_rows_belong_to_their_numbers_none_twice_in_order():
    found = drawn(1000, 50, 1)
    np.testing.assert_array_equal(found.rows[:, 0], found.numbers)
    assert (np.diff(found.numbers) > 0).all()
    assert len(found.rows) == 50


def test_blocks_change_nothing_and_seeds_do():
    one, other, third = drawn(500, 40, 2, step=1), drawn(500, 40, 2, step=333), drawn(500, 40, 3)
    np.testing.assert_array_equal(one.numbers, other.numbers)
    assert not np.array_equal(one.numbers, third.numbers)


def test_every_row_is_drawn_equally_often():
    counts = np.zeros(25)
    for seed in range(2000):
        counts[drawn(25, 5, seed).numbers] += 1
    assert counts.sum() == 10_000
    assert chisquare(counts).pvalue > 0.001


def test_float_types_of_blocks_may_differ():
    found = Reservoir(4, 0)
    for X in (np.ones((3, 2), np.float32), np.full((9, 2), 0.1)):
        found.update(Block(X))
    assert set(found.rows.ravel().tolist()) == {1.0, 0.1}


@pytest.mark.parametrize("size", [1, 0, -3])
def test_a_sample_of_nothing_refused(size):
    with pytest.raises(DataError, match="size of at least 2"):
        Reservoir(size, 0)


def test_groups_oracle_statistics():
    """The same interval as the library's own delete-group jackknife."""
    x = np.random.default_rng(0).normal(size=230)

    def statistic(rows):
        return float(np.log(x[rows].var()))

    left = left_out_groups(lambda rows: [statistic(rows)], 230, seed=5)
    ours = group_estimate(statistic(np.arange(230)), left[:, 0], sample=230).interval
    theirs = delete_group_interval(statistic, 230, seed=5)
    assert (ours.low, ours.high, ours.method) == (theirs.low, theirs.high, theirs.method)


def test_fewer_rows_than_groups_leave_out_one_at_a_time():
    x = np.array([3.0, -1.0, 4.0])
    assert sorted(left_out_groups(lambda rows: [x[rows].sum()], 3)[:, 0]) == [2, 3, 7]


def test_what_does_not_vary_has_no_interval():
    assert group_estimate(2.0, np.full(40, 2.0), sample=100).interval is None
    assert group_estimate(2.0, np.full(40, np.nan), sample=100).interval is None


def test_scaled_to_all_rows():
    found = t_interval(np.random.default_rng(1).normal(size=100))
    half = (found.high - found.low) / 2
    wide = scaled(found, -3.0, sample=100, n=400)
    assert (wide.low, wide.high) == pytest.approx((-3 - half / 2, -3 + half / 2))
    assert (wide.n_units, wide.method) == (400, "Student t, error from 100 rows")
    assert scaled(found, 0.0, sample=100, n=100).method == "Student t"


@pytest.mark.slow
def test_intervals_from_a_sample_cover():
    """The variance of 5,000 rows, its error from 200 of them: 95 of 100 hold the true one, within 2 of 1,000 rounds."""
    hits = 0
    for seed in range(1000):
        x = np.random.default_rng(seed).normal(size=5000)
        sample = x[:200]
        left = left_out_groups(lambda rows: [sample[rows].var()], 200, seed=seed)  # noqa: B023
        found = group_estimate(float(x.var()), left[:, 0], sample=200, n=5000).interval
        hits += found.low <= 1 <= found.high
    assert 930 <= hits <= 970


def test_histogram_is_plain_lists():
    found = histogram(np.array([-1.0, 0.2, 0.9, 1.0]), bins=4, bounds=(-1, 1))
    assert found == {"edges": [-1.0, -0.5, 0.0, 0.5, 1.0], "counts": [1, 0, 1, 2]}
