import itertools

import numpy as np
import pytest
from scipy import stats

from cosimo.errors import DataError, Refused, ShapeError
from cosimo.statistics import (
    compare_paired,
    compare_statistics,
    detectable_difference,
    jackknife_interval,
    mcnemar_test,
    sign_flip_test,
    smallest_sign_flip_p,
    t_interval,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class TestSignFlip:
    @pytest.mark.parametrize("n", [1, 2, 5, 9])
    def test_exact_oracle_loop(self, rng, n):
        x = rng.normal(size=n).round(1)
        sums = [
            abs(sum(s * v for s, v in zip(signs, x, strict=True))) for signs in itertools.product((1, -1), repeat=n)
        ]
        assert sign_flip_test(x) == pytest.approx(np.mean([s >= abs(x.sum()) - 1e-9 for s in sums]))

    def test_exact_oracle_scipy(self, rng):
        x = rng.normal(size=11) + 0.4
        theirs = stats.permutation_test((x,), np.sum, permutation_type="samples", n_resamples=np.inf)
        assert sign_flip_test(x) == pytest.approx(theirs.pvalue)

    def test_random_agrees_with_t(self, rng):
        x = rng.normal(size=60) + 0.25
        assert sign_flip_test(x) == pytest.approx(stats.ttest_1samp(x, 0).pvalue, abs=0.02)

    def test_random_is_near_exact(self, rng):
        x = np.r_[rng.normal(size=14) + 0.5, 1e-9]
        assert sign_flip_test(x) == pytest.approx(sign_flip_test(x[:14]), abs=0.015)

    def test_never_zero_and_never_below_what_is_possible(self):
        assert sign_flip_test(np.ones(500)) == 1 / 10000
        assert sign_flip_test(np.ones(10)) == smallest_sign_flip_p(10) == 2 / 1024

    def test_items_without_difference_change_nothing(self, rng):
        x = rng.normal(size=10)
        assert sign_flip_test(np.r_[x, np.zeros(1000)]) == sign_flip_test(x)
        assert sign_flip_test(np.zeros(20)) == 1

    @pytest.mark.parametrize("n", [8, 30])
    def test_type_one_error(self, rng, n):
        p = np.array([sign_flip_test(x, n_resamples=199, seed=rng) for x in rng.laplace(size=(1000, n))])
        assert (p <= 0.05).sum() <= stats.binom.isf(1e-4, 1000, 0.05)
        assert (p <= 0.05).mean() > 0.02

    def test_seed_decides_only_the_random_signs(self, rng):
        x = rng.normal(size=30)
        assert sign_flip_test(x, seed=1) == sign_flip_test(x, seed=1)
        assert len({sign_flip_test(x, seed=s) for s in range(5)}) > 1


class TestMcNemar:
    @pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 1), (0, 9), (12, 12)])
    def test_oracle_binomtest(self, first, second):
        a = np.r_[np.ones(first), np.zeros(second), np.ones(5), np.zeros(4)]
        b = np.r_[np.zeros(first), np.ones(second), np.ones(5), np.zeros(4)]
        wanted = stats.binomtest(first, first + second).pvalue if first + second else 1
        assert mcnemar_test(a, b) == pytest.approx(wanted)

    def test_is_the_sign_flip_test(self, rng):
        a, b = rng.integers(0, 2, (2, 20))
        assert mcnemar_test(a, b) == pytest.approx(sign_flip_test(a - b))

    def test_wants_0_and_1(self):
        with pytest.raises(DataError):
            mcnemar_test([0, 2], [0, 1])


class TestComparison:
    def test_fields(self, rng):
        a = rng.random(80)
        b = np.where(np.arange(80) < 20, a, rng.random(80))
        found = compare_paired(a, b)
        d = a - b
        assert found.difference == pytest.approx(d.mean())
        assert (found.interval.low, found.interval.high) == pytest.approx((t_interval(d).low, t_interval(d).high))
        assert found.effect_size == pytest.approx(d.mean() / d.std(ddof=1))
        assert (found.better, found.equal, found.worse) == ((d > 0).mean(), 0.25, (d < 0).mean())
        factor = stats.t.ppf(0.975, 79) + stats.t.ppf(0.8, 79)
        assert found.detectable == pytest.approx(factor * d.std(ddof=1) / np.sqrt(80))
        assert (found.p_value, found.test) == (sign_flip_test(d), "sign flip")

    def test_what_is_detectable_is_detected_in_80_of_100(self, rng):
        shift = detectable_difference(1 / np.sqrt(40), 39)
        p = stats.ttest_1samp(rng.normal(size=(4000, 40)) + shift, 0, axis=1).pvalue
        assert np.mean(p <= 0.05) == pytest.approx(0.8, abs=0.03)

    def test_is_antisymmetric(self, rng):
        a, b = rng.random((2, 30))
        one, other = compare_paired(a, b), compare_paired(b, a)
        assert one.difference == -other.difference
        assert (one.interval.low, one.interval.high) == pytest.approx((-other.interval.high, -other.interval.low))
        assert (one.better, one.worse, one.p_value) == (other.worse, other.better, other.p_value)

    def test_right_or_wrong_is_mcnemar(self, rng):
        a, b = rng.random((2, 60)) < [[0.8], [0.5]]
        found = compare_paired(a, b)
        assert (found.p_value, found.test) == (mcnemar_test(a, b), "exact McNemar")

    def test_missing_items_count_as_0(self):
        a, b = np.array([0.5, np.nan, 0.9, 0.4]), np.array([0.5, 0.8, np.nan, 0.1])
        assert compare_paired(a, b) == compare_paired(np.nan_to_num(a), np.nan_to_num(b))

    def test_clusters_are_the_units(self, rng):
        clusters = np.arange(200) // 10
        d = np.repeat(rng.normal(size=20), 10)
        a, b = 0.5 + d / 50, np.full(200, 0.5)
        found = compare_paired(a, b, clusters=clusters)
        assert (found.interval.unit, found.interval.n_units) == ("cluster", 20)
        assert found.p_value == pytest.approx(sign_flip_test(d[::10]), abs=0.02)
        assert found.effect_size == pytest.approx((a - b)[::10].mean() / (a - b)[::10].std(ddof=1))
        assert compare_paired(a, b).p_value < found.p_value

    def test_a_system_against_itself(self, rng):
        a = rng.random(50)
        found = compare_paired(a, a)
        assert (found.difference, found.p_value, found.equal) == (0, 1, 1)
        assert found.interval.low < 0 < found.interval.high
        assert found.effect_size is found.detectable is None
        assert compare_paired(a, a, bounds=None).interval is None

    def test_rounding_is_no_difference(self):
        found = compare_paired([0.1 + 0.2] * 30, [0.3] * 30)
        assert (found.difference, found.equal, found.p_value) == (0, 1, 1)

    def test_one_item(self):
        found = compare_paired([0.9], [0.2])
        assert found.p_value == 1
        assert found.interval.low < 0.7 < found.interval.high
        assert found.detectable is None

    def test_bad_input(self):
        with pytest.raises(ShapeError, match="each item"):
            compare_paired([0.1, 0.2], [0.1])
        with pytest.raises(DataError, match="outside of 0 to 1"):
            compare_paired([0.1, 70.0], [0.1, 0.2])
        assert compare_paired([0.1, 70.0], [0.1, 0.2], bounds=None).better == 0.5


class TestCompareStatistics:
    def test_of_means_is_the_paired_t_test(self, rng):
        a, b = rng.normal(size=(2, 80))
        a += 0.2
        found = compare_statistics(lambda rows: a[rows].mean(), lambda rows: b[rows].mean(), 80)
        assert found.test == "paired bootstrap"
        assert found.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.02)
        assert (found.interval.low, found.interval.high) == pytest.approx(
            (t_interval(a - b).low, t_interval(a - b).high), abs=0.04
        )

    def test_few_units_are_left_out_instead(self, rng):
        a, b = rng.normal(size=(2, 12))
        found = compare_statistics(lambda rows: a[rows].std(), lambda rows: b[rows].std(), 12)
        assert found.test == "paired jackknife"
        assert found.interval == jackknife_interval(lambda rows: a[rows].std() - b[rows].std(), 12)

    def test_type_one_error(self, rng):
        """Two noisy views of one quantity, equally correlated with it."""
        p = []
        for _ in range(50):
            y = rng.normal(size=60)
            a, b = y + rng.normal(size=(2, 60))
            p.append(
                compare_statistics(
                    lambda rows, a=a, y=y: np.corrcoef(a[rows], y[rows])[0, 1],
                    lambda rows, b=b, y=y: np.corrcoef(b[rows], y[rows])[0, 1],
                    60,
                    n_resamples=99,
                    seed=rng,
                ).p_value
            )
        assert (np.array(p) <= 0.05).sum() <= stats.binom.isf(1e-4, 50, 0.05 + 0.03)

    def test_equal_everywhere(self, rng):
        x = rng.normal(size=50)
        found = compare_statistics(lambda rows: x[rows].std(), lambda rows: x[rows].std(), 50)
        assert (found.difference, found.interval, found.p_value) == (0, None, 1)

    def test_rounding_is_no_difference(self, rng):
        x, y = rng.normal(size=(2, 50))
        found = compare_statistics(
            lambda rows: np.corrcoef(x[rows], y[rows])[0, 1],
            lambda rows: np.corrcoef(3 * x[rows] + 1, y[rows])[0, 1],
            50,
        )
        assert (found.difference, found.interval, found.p_value) == (0, None, 1)

    def test_different_everywhere_by_the_same_is_refused(self):
        with pytest.raises(Refused, match="does not change"):
            compare_statistics(lambda rows: 1.0, lambda rows: 0.5, 50)
