r"""Two systems on the same items: how much better, how sure, and what could have been seen at all.

    sign flip      p = Pr(|sum_i +-d_i| >= |sum_i d_i|) over all 2^n signs, or (1 + b) / (B + 1) after B random ones
    McNemar        p = min(1, 2 Pr(Bin(b + c, 1/2) <= min(b, c))),  b, c = items that one alone got right
    detectable     (t_.975 + t_.80) SE: the difference this many items would show in 80 of 100 repetitions

Symbols: d -> per-item differences (n,), b of B -> random signs that reach the sum seen.
Pitfalls: two intervals compared instead of one interval of the difference; items dropped that one system
lacks; p = 0 from random signs; Wilcoxon's test, which is not about the mean; raw scores of two scales swapped.
Reference: Smucker, Allan and Carterette, A comparison of statistical significance tests for information retrieval
evaluation, 2007, https://doi.org/10.1145/1321440.1321528
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed, generator
from cosimo.errors import Refused, ShapeError
from cosimo.statistics.jackknife import Statistic, jackknife_error, jackknife_t, left_out_values
from cosimo.statistics.means import mean_interval, ratio_error, t_quantile
from cosimo.statistics.resampling import bca_ends, bootstrap, enough_to_resample
from cosimo.statistics.units import ROUNDING, as_values, cluster_sums, difference, interval
from cosimo.types import Interval, PerItem, Rows

EXACT = 14
"""Non-zero differences up to which all signs are tried."""
BLOCK = 2**22


@dataclass(frozen=True)
class Comparison:
    """A difference between two systems, with what is known of it; None where a field does not apply.

    difference
        First minus second.
    interval
        None where nothing varies.
    p_value, test
        Two-sided, of "no difference".
    effect_size
        The difference over the standard deviation of a unit's.
    better, equal, worse
        Shares of the items on which the first did so.
    detectable
        Smallest true difference that would be seen in 80 of 100 repetitions, at the level of the interval.
    """

    difference: float
    interval: Interval | None
    p_value: float
    test: str
    effect_size: float | None = None
    better: float | None = None
    equal: float | None = None
    worse: float | None = None
    detectable: float | None = None


def sign_flip_test(X: ArrayLike, *, n_resamples: int = 9999, seed: Seed = 0) -> float:
    """p-value of "the differences `X` (n,) are symmetric around 0", two-sided; one an independent unit.

    Exact where at most 14 differ from 0.

    >>> sign_flip_test([0.2, 0.1, 0.4, 0.3, -0.0])
    0.125
    """
    differences = as_values(X)
    differences = differences[differences != 0]
    n = len(differences)
    enough = abs(float(differences.sum())) - ROUNDING * float(np.abs(differences).sum())
    if n <= EXACT:
        negative = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((1 - 2 * negative) @ differences) >= enough))
    rng, block, reached = generator(seed), max(BLOCK // n, 1), 0
    for start in range(0, n_resamples, block):
        signs = rng.integers(0, 2, size=(min(block, n_resamples - start), n), dtype=np.int8) * 2.0 - 1.0
        reached += int((np.abs(signs @ differences) >= enough).sum())
    return (1 + reached) / (n_resamples + 1)


def mcnemar_test(a: ArrayLike, b: ArrayLike) -> float:
    """Exact p-value of "both are right equally often", from what each got right (n,), 0 or 1, of the same items.

    >>> mcnemar_test([1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0, 1])
    0.0625
    """
    from scipy.special import bdtr

    first, second = as_values(a, name="a", bounds=(0, 1)), as_values(b, name="b", bounds=(0, 1))
    only_first, only_second = int((first > second).sum()), int((second > first).sum())
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def detectable_difference(error: float, df: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Smallest true difference found with probability `power` by a t test whose standard error is `error`.

    >>> detectable_difference(0.01, 99)
    0.0283
    """
    return (t_quantile(level, df) + t_quantile(2 * power - 1, df)) * error


def compare_paired(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    level: float = 0.95,
    unit: str = "item",
    seed: Seed = 0,
) -> Comparison:
    """Compare two systems by their values `a` (n,) and `b` (n,) on the same items, more being better.

    NaN is an item that a system has no answer to: it counts as 0 and is never dropped.

    clusters
        (n,) cluster of each item; clusters are the units then.
    bounds
        Lowest and highest possible value; None where there are none.

    >>> found = compare_paired([0.9, 0.4, 0.8, 0.7], [0.5, 0.5, 0.3, 0.6])
    >>> found.difference, found.p_value, found.better, found.worse
    (0.225, 0.375, 0.75, 0.25)
    """
    first, second = _values(a, "a", bounds), _values(b, "b", bounds)
    if first.shape != second.shape:
        raise ShapeError(f"both systems want a value for each item, got {first.shape} and {second.shape}")
    differences = difference(first, second)
    reach = None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
    try:
        found = mean_interval(differences, clusters=clusters, bounds=reach, level=level, unit=unit)
    except Refused:  # nothing varies, which an unbounded difference cannot be judged by
        found = None
    sums, sizes = cluster_sums(differences, clusters)
    ratio, error = ratio_error(sums, sizes)
    varies, C = error > 0, len(sums)
    binary = clusters is None and bool(np.isin(np.concatenate([first, second]), (0.0, 1.0)).all())
    return Comparison(
        difference=ratio,
        interval=found,
        p_value=mcnemar_test(first, second) if binary else sign_flip_test(sums, seed=seed),
        test="exact McNemar" if binary else "sign flip",
        effect_size=ratio / (error * math.sqrt(C)) if varies else None,
        better=float(np.mean(differences > 0)),
        equal=float(np.mean(differences == 0)),
        worse=float(np.mean(differences < 0)),
        detectable=detectable_difference(error, C - 1, level=level) if varies else None,
    )


def _values(X: ArrayLike, name: str, bounds: tuple[float, float] | None) -> PerItem:
    values = np.asarray(X)
    return as_values(np.nan_to_num(values, nan=0.0) if values.dtype.kind == "f" else values, name=name, bounds=bounds)


def compare_statistics(
    first: Statistic,
    second: Statistic,
    n: int,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    unit: str = "item",
    n_resamples: int = 1999,
    seed: Seed = 0,
) -> Comparison:
    """Compare two statistics of the same n rows by resampling their difference, the same rows for both.

    For correlations, average precision, F1 with its cut chosen inside, and other numbers that are no means.

    clusters
        (n,) cluster of each row; clusters are drawn then.

    Raises
    ------
    Refused
        They differ, and no resample says by how much they might not.

    >>> x = np.random.default_rng(0).normal(size=(2, 60))
    >>> found = compare_statistics(lambda rows: x[0, rows].std(), lambda rows: x[1, rows].std(), 60)
    >>> round(found.difference, 2), round(found.p_value, 2)
    (-0.11, 0.24)
    """

    def apart(rows: Rows) -> float:
        return float(difference(np.array([first(rows)]), np.array([second(rows)]))[0])

    value = apart(np.arange(n))
    left_out, count = left_out_values(apart, n, clusters=clusters, seed=seed)
    unit = unit if clusters is None else "cluster"
    ends, error, method = None, jackknife_error(left_out), "paired jackknife"
    if enough_to_resample(left_out, count):
        resampled = bootstrap(apart, n, clusters=clusters, n_resamples=n_resamples, seed=seed)
        ends = bca_ends(value, resampled, left_out, level=level)
    if ends is not None:
        error, method = float(resampled.std(ddof=1)), "paired bootstrap"
        found = interval(ends, level=level, method=f"BCa, {method}", unit=unit, n_units=count)
    elif value == error == 0:
        return Comparison(0.0, None, 1.0, method)
    else:
        found = jackknife_t(value, left_out, level=level, unit=unit, n_units=count)
    df = len(left_out) - 1
    detectable = detectable_difference(error, df, level=level)
    return Comparison(value, found, two_sided_p(value / error, df), method, detectable=detectable)


def two_sided_p(t: float, df: float) -> float:
    """Probability that Student's |t| is at least as large.

    >>> two_sided_p(-2.0, 9)
    0.0766
    """
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))
