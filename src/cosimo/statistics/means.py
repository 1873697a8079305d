r"""Intervals of means: of independent units, of clusters, and of 0/1 items.

    mean of n units       m +- t_{n-1} s / sqrt(n)
    mean over clusters    R = sum_c s_c / sum_c n_c,    e_c = s_c - R n_c,
                          R +- t_{C-1} sqrt(C / (C - 1) sum_c e_c^2) / sum_c n_c

0/1 items have Wilson's interval, and the exact one of Clopper and Pearson where fewer than 5 went one way. Where fewer
than 5 units of a bounded mean differ from the rest, their spread says little, and the interval is found by betting.

Symbols: s_c, n_c -> sum and size of cluster c.
Pitfalls: items of one cluster counted as independent; Student's t on 0/1 data near 0 or 1 (true coverage .79 for
a stated .95 at rate .97, n = 50); an interval of width zero because nothing was seen to vary.
Reference: Wilson, Probable inference, the law of succession, and statistical inference, 1927; Nadeau and Bengio,
Inference for the generalization error, 2003, https://doi.org/10.1023/A:1024068626366
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cosimo.errors import Refused
from cosimo.statistics.betting import betting_lower_bound, hashed_order
from cosimo.statistics.binomial import clopper_pearson, wilson
from cosimo.statistics.units import DIFFERENT, FEW, ROUNDING, as_values, cluster_sums, interval, off_the_commonest, tail
from cosimo.types import Interval, PerItem


def t_quantile(level: float, df: float) -> float:
    """Student's t that |t| exceeds with probability 1 - level."""
    from scipy.special import stdtrit

    return float(-stdtrit(df, tail(level)))


def ratio_error(sums: PerItem, sizes: PerItem) -> tuple[float, float]:
    """Ratio of two sums over C clusters and its standard error, 0 where nothing varies.

    >>> ratio_error(np.array([1.0, 0.0, 2.0]), np.array([1.0, 1.0, 1.0]))
    (1.0, 0.577)
    """
    C, total = len(sums), float(sizes.sum())
    ratio = float(sums.sum()) / total
    rest = sums - ratio * sizes
    # rounding alone must not pass for spread
    rest[np.abs(rest) <= ROUNDING * np.abs(sums).max(initial=0.0)] = 0.0
    return ratio, math.sqrt(C / (C - 1) * float(rest @ rest)) / total if C > 1 else math.nan


def _t(sums: PerItem, sizes: PerItem, level: float, unit: str, bounds: tuple[float, float] | None) -> Interval:
    C = len(sums)
    ratio, error = ratio_error(sums, sizes)
    if not error > 0:
        raise Refused(
            f"{C} {unit} value{'s do' if C > 1 else ' does'} not vary, so their spread says nothing; "
            "give more units, or the bounds of the values"
        )
    reach = t_quantile(level, C - 1) * error
    ends = (ratio - reach, ratio + reach)
    return interval(ends, level=level, method="Student t", unit=unit, n_units=C, bounds=bounds)


def t_interval(X: ArrayLike, *, level: float = 0.95, unit: str = "item") -> Interval:
    """Student's interval of the mean of `X` (n,), one value an independent unit.

    Raises
    ------
    Refused
        Fewer than two units, or all equal.

    >>> found = t_interval([0.2, -0.1, 0.4, 0.1])
    >>> round(found.low, 3), round(found.high, 3)
    (-0.181, 0.481)
    """
    values = as_values(X)
    return _t(values, np.ones_like(values), level, unit, None)


def ratio_interval(
    numerator: ArrayLike, denominator: ArrayLike, *, level: float = 0.95, unit: str = "cluster"
) -> Interval:
    """Student's interval of sum / sum, one numerator (C,) and denominator (C,) an independent cluster.

    >>> found = ratio_interval([2, 1, 4], [3, 2, 4])
    >>> round(found.low, 3), round(found.high, 3)
    (0.134, 1.422)
    """
    return _t(as_values(numerator, name="numerator"), as_values(denominator, name="denominator"), level, unit, None)


def rate_interval(right: int, n: int, *, level: float = 0.95, unit: str = "item") -> Interval:
    """Interval of a rate after `right` of `n` independent units.

    >>> rate_interval(50, 50).method, rate_interval(40, 50).method
    ('Clopper-Pearson', 'Wilson')
    """
    tail(level)
    if min(right, n - right) < DIFFERENT:
        ends = clopper_pearson(right, n, level=level)
        return interval(ends, level=level, method="Clopper-Pearson", unit=unit, n_units=n, kind="confident")
    return interval(wilson(right, n, level=level), level=level, method="Wilson", unit=unit, n_units=n)


def betting_interval(
    X: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
    unit: str = "item",
) -> Interval:
    """Interval of the mean of units `X` (n,) in `bounds` that holds at every n, by betting from either side.

    weights
        (n,) in [0, 1], for the mean weighted by them: sizes of clusters over a size that none can exceed, or inclusion
        weights over their greatest possible value.

    >>> found = betting_interval([1.0] * 100)
    >>> round(found.low, 2), found.high
    (0.95, 1.0)
    """
    low, high = bounds
    values = (as_values(X, bounds=bounds) - low) / (high - low)
    order = hashed_order(range(len(values)))  # rows often come sorted by what they are worth
    w = None if weights is None else as_values(weights, name="weights", bounds=(0.0, 1.0))[order]
    bottom = betting_lower_bound(values[order], tail(level), weights=w)
    top = 1 - betting_lower_bound(1 - values[order], tail(level), weights=w)
    ends = (low + (high - low) * bottom, low + (high - low) * top)
    return interval(ends, level=level, method="betting", unit=unit, n_units=len(values), kind="confident")


def mean_interval(
    X: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    level: float = 0.95,
    unit: str = "item",
) -> Interval:
    """Interval of the mean of `X` (n,) by the method that its kind of values asks for.

    clusters
        (n,) cluster of each value, where values of one cluster may depend on each other; clusters are the units then.
    bounds
        Lowest and highest possible value; None where there are none. 0/1 values in bounds (0, 1) count as rates.

    Raises
    ------
    Refused
        Values without bounds that do not vary, or only one of them.

    >>> mean_interval([0.3, 0.9, 0.4, 0.7, 0.2, 0.8]).method
    'Student t'
    >>> mean_interval([0, 1, 1, 1, 1, 1]).method
    'Clopper-Pearson'
    """
    values = as_values(X, bounds=bounds)
    binary = bounds == (0.0, 1.0) and bool(np.isin(values, (0.0, 1.0)).all())
    if clusters is None and binary:
        return rate_interval(int(values.sum()), len(values), level=level, unit=unit)
    sums, sizes = cluster_sums(values, clusters)
    unit = unit if clusters is None else "cluster"
    alike = off_the_commonest(sums / sizes) < DIFFERENT
    if bounds is None or not (alike or (binary and len(sums) < FEW)):
        return _t(sums, sizes, level, unit, bounds)
    found = betting_interval(sums / sizes, weights=sizes / sizes.max(), bounds=bounds, level=level, unit=unit)
    # that no cluster is larger was only seen, not known beforehand
    return found if clusters is None else replace(found, kind="estimate")


def splits_interval(X: ArrayLike, *, n_train: int, n_test: int, level: float = 0.95) -> Interval:
    """Interval of a mean over J random splits into training and test items, which overlap: Nadeau and Bengio's.

        SE^2 = s^2 (1 / J + n_test / n_train)

    >>> found = splits_interval([0.8, 0.82, 0.79, 0.83, 0.81], n_train=400, n_test=100)
    >>> round(found.low, 3), round(found.high, 3)
    (0.781, 0.839)
    """
    values = as_values(X)
    J = len(values)
    mean, error = ratio_error(values, np.ones(J))
    if not error > 0:
        raise Refused(f"{J} equal or single split results say nothing about their spread; run more splits")
    reach = t_quantile(level, J - 1) * error * math.sqrt(1 + J * n_test / n_train)
    return interval((mean - reach, mean + reach), level=level, method="Nadeau-Bengio t", unit="split", n_units=J)
