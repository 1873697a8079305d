import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide.fitting.cuts import betting_size, counts_above, errors_to_allow, exact_size, grid, starts, walk
from cosimo.errors import DataError
from cosimo.statistics import betting_p_value


def naive_grid(scores, growth):
    """Counts in a loop, each moved to the end of its block of equal scores."""
    falling = sorted(scores.tolist(), reverse=True)
    n, cuts, step = len(falling), [], 0
    while (count := int(np.ceil((1 + growth) ** step))) <= n:
        while count < n and falling[count] == falling[count - 1]:
            count += 1
        cuts.append(falling[count - 1])
        step += 1
    cuts.append(falling[-1])
    return sorted(set(cuts), reverse=True)


class TestGrid:
    @pytest.mark.parametrize("growth", [0.05, 0.1])
    @pytest.mark.parametrize("n", [1, 2, 77, 1000])
    @pytest.mark.parametrize("distinct", [5, 20, 10**6])
    def test_equals_a_loop(self, n, growth, distinct):
        scores = np.random.default_rng(n).integers(0, distinct, n) / distinct - 0.5
        assert grid(scores, growth).tolist() == naive_grid(scores, growth)

    def test_counts_grow_by_the_step(self):
        scores = np.random.default_rng(0).random(100_000)
        counts = counts_above(scores, grid(scores, 0.05))
        assert counts[0] == 1
        assert counts[-1] == 100_000
        assert ((counts[1:] - counts[:-1]) <= np.maximum(1, 0.05 * counts[:-1] + 1)).all()

    def test_keeps_the_dtype(self):
        assert grid(np.array([0.1, 0.2], np.float32), 0.05).dtype == np.float32

    @pytest.mark.parametrize("bad", [[], [np.nan, 0.1], [np.inf]])
    def test_refuses_what_fixes_no_grid(self, bad):
        with pytest.raises(DataError, match="finite"):
            grid(np.array(bad), 0.05)


class TestSizes:
    @pytest.mark.parametrize(("target", "minimum"), [(0.9, 29), (0.95, 59), (0.99, 299)])
    def test_exact_without_an_error(self, target, minimum):
        assert exact_size(0, target, 0.05) == minimum

    @pytest.mark.parametrize(("target", "minimum"), [(0.9, 38), (0.95, 78), (0.99, 400)])
    def test_betting_without_an_error(self, target, minimum):
        assert betting_size(0, target, 0.05) == minimum

    def test_first_of_two_looks_at_95(self):
        assert exact_size(0, 0.95, 0.025) == 72

    @pytest.mark.parametrize("errors", [0, 1, 4, 16])
    @pytest.mark.parametrize("target", [0.3, 0.9, 0.95])
    @pytest.mark.parametrize("delta", [0.05, 0.05 / 3])
    def test_exact_equals_a_loop(self, errors, target, delta):
        n = errors + 1
        while binom.sf(n - errors - 1, n, target) > delta:
            n += 1
        assert exact_size(errors, target, delta) == n

    @pytest.mark.parametrize("errors", [1, 4, 16])
    def test_betting_size_rejects_and_one_less_does_not(self, errors):
        def p_value(n):
            X = np.ones(n)
            X[((np.arange(errors) + 0.5) * n / errors).astype(int)] = 0
            return betting_p_value(X, 0.9)

        n = betting_size(errors, 0.9, 0.025)
        assert p_value(n) <= 0.025 < p_value(n - 1)

    def test_errors_allowed_depend_on_n_alone(self):
        assert [errors_to_allow(n) for n in (399, 400, 999, 1000)] == [(1,), (1, 4), (1, 4), (1, 4, 16)]


def test_starts_are_the_first_cuts_that_are_large_enough():
    counts = np.array([3, 40, 60, 60, 90])
    assert starts(counts, (1, 40, 41, 60, 91)) == (0, 1, 2, 2)


def test_walk_equals_separate_walks():
    rng = np.random.default_rng(0)
    for _ in range(50):
        passes = rng.random(40) < 0.8
        begin = tuple(sorted(rng.integers(0, 40, 3).tolist()))
        certified = set()
        for start in begin:
            for j in range(start, 40):
                if not passes[j]:
                    break
                certified.add(j)
        assert set(np.flatnonzero(walk(passes.__getitem__, begin, 40)).tolist()) == certified
