r"""Intervals of any statistic from leaving rows out: the jackknife, and subsamples.

A statistic is a function of row numbers, `statistic(rows) -> float`. Nothing is drawn twice, so that both serve
statistics to which a duplicate row is information: clusterings, neighbours, intrinsic dimension.

    jackknife     SE^2 = (C - 1) / C sum_c (value without c - mean of these)^2,  c an item, a cluster or a random group
    subsamples    SE = sd of the values on m of n rows, drawn without replacement, times sqrt(m / (n - m))

Both intervals are Student's around the full value, the jackknife's with C - 1 degrees of freedom.

Symbols: C -> units or `groups`, m -> `size`.
Pitfalls: the jackknife for statistics that jump (medians, best cuts); a subsample's spread taken for that of the
whole; the mean of the subsamples taken for the value, although the statistic depends on n.
Reference: Efron and Stein, The jackknife estimate of variance, 1981, https://doi.org/10.1214/aos/1176345462;
Politis and Romano, Large sample confidence regions based on subsamples under minimal assumptions, 1994,
https://doi.org/10.1214/aos/1176325770
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed, generator
from cosimo.errors import DataError, Refused
from cosimo.statistics.means import t_quantile
from cosimo.statistics.units import ROUNDING, cluster_codes, interval
from cosimo.types import Floats, Interval, Rows

Statistic: TypeAlias = Callable[[Rows], float]

MOST_LEFT_OUT = 2000
"""Units above which they are left out in `GROUPS_LEFT_OUT` random groups instead of one at a time."""
GROUPS_LEFT_OUT = 200


def jackknife(statistic: Statistic, n: int, *, clusters: ArrayLike | None = None) -> Floats:
    """(C,) values of the statistic without the rows of each unit in turn.

    clusters
        (n,) cluster of each row, or (n, 2) where a row belongs to two, and is left out with either.

    >>> x = np.array([3.0, -1.0, 4.0])
    >>> jackknife(lambda rows: x[rows].sum(), 3)
    array([3., 7., 2.])
    """
    codes, count = cluster_codes(clusters, n)
    if codes.ndim == 1:
        return np.array([statistic(np.flatnonzero(codes != unit)) for unit in range(count)])
    return np.array([statistic(np.flatnonzero((codes != unit).all(axis=1))) for unit in range(count)])


def jackknife_error(values: ArrayLike) -> float:
    """Standard error from leave-one-out values (C,).

    >>> jackknife_error([3.0, 7.0, 2.0])
    3.055
    """
    left_out = np.asarray(values, dtype=np.float64)
    C = len(left_out)
    deviations = left_out - left_out.mean()
    return math.sqrt((C - 1) / C * float(deviations @ deviations))


def random_groups(n: int, *, groups: int = 40, seed: Seed = 0) -> Rows:
    """(n,) random groups of equal size, up to one, for a delete-group jackknife.

    >>> np.bincount(random_groups(10, groups=4))
    array([3, 3, 2, 2])
    """
    labels: Rows = generator(seed).permutation(np.arange(n) % groups)
    return labels


def jackknife_interval(
    statistic: Statistic,
    n: int,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    unit: str = "item",
    seed: Seed = 0,
) -> Interval:
    """Student's interval of a smooth statistic of n rows, its error from leaving out one unit at a time.

    clusters
        (n,) cluster of each row, or (n, 2) where pairs share items on both sides.

    >>> x = np.array([0.2, -0.1, 0.4, 0.1])
    >>> found = jackknife_interval(lambda rows: x[rows].mean(), 4)
    >>> round(found.low, 3), round(found.high, 3)
    (-0.181, 0.481)
    """
    left_out, count = left_out_values(statistic, n, clusters=clusters, seed=seed)
    unit = unit if clusters is None else "cluster"
    return jackknife_t(float(statistic(np.arange(n))), left_out, level=level, unit=unit, n_units=count)


def delete_group_interval(
    statistic: Statistic,
    n: int,
    *,
    groups: int = 40,
    added_variance: float = 0.0,
    level: float = 0.95,
    unit: str = "item",
    seed: Seed = 0,
) -> Interval:
    """Student's interval of a statistic in which duplicate rows would be information, such as a clustering's score.

    added_variance
        Variance from another source, such as that over R seeds divided by R.

    >>> x = np.random.default_rng(0).normal(size=200)
    >>> found = delete_group_interval(lambda rows: np.log(x[rows].var()), 200)
    >>> found.low < 0 < found.high
    True
    """
    labels = random_groups(n, groups=groups, seed=seed)
    left_out = jackknife(statistic, n, clusters=labels)
    value, error = float(statistic(np.arange(n))), jackknife_error(left_out)
    ends = _t_ends(value, math.hypot(error, math.sqrt(added_variance)), len(left_out), level)
    method = f"delete-group jackknife, {len(left_out)} groups"
    return interval(ends, level=level, method=method, unit=unit, n_units=n)


def subsample_interval(
    statistic: Statistic,
    n: int,
    *,
    size: int | None = None,
    n_resamples: int = 200,
    level: float = 0.95,
    unit: str = "item",
    seed: Seed = 0,
) -> Interval:
    """Interval of a statistic of n rows around its full value, from its spread over subsamples without replacement.

    size
        Rows of a subsample; None for half of them.

    >>> x = np.random.default_rng(0).normal(size=200)
    >>> found = subsample_interval(lambda rows: x[rows].mean(), 200)
    >>> round(found.high - found.low, 2), round(float(2 * 1.97 * x.std() / 200**0.5), 2)
    (0.27, 0.27)
    """
    rng = generator(seed)
    m = n // 2 if size is None else size
    if not 0 < m < n:
        raise DataError(f"a subsample of {m} of {n} rows is none; give a size from 1 to {n - 1}")
    values = np.array([statistic(rng.permutation(n)[:m]) for _ in range(n_resamples)])
    error = float(values.std(ddof=1)) * math.sqrt(m / (n - m))
    ends = _t_ends(float(statistic(np.arange(n))), error, n_resamples, level)
    method = f"{n_resamples:,} subsamples of {m:,} without replacement"
    return interval(ends, level=level, method=method, unit=unit, n_units=n)


def left_out_values(
    statistic: Statistic, n: int, *, clusters: ArrayLike | None = None, seed: Seed = 0
) -> tuple[Floats, int]:
    """Leave-one-out values, and the number of units; many units are left out in random groups.

    Of rows that belong to two units each, those of either unit in the group are left out.

    >>> left_out_values(lambda rows: float(len(rows)), 3)
    (array([2., 2., 2.]), 3)
    """
    codes, count = cluster_codes(clusters, n)
    if count > MOST_LEFT_OUT:
        codes = random_groups(count, groups=GROUPS_LEFT_OUT, seed=seed)[codes]
    return jackknife(statistic, n, clusters=codes), count


def jackknife_t(value: float, left_out: Floats, *, level: float, unit: str, n_units: int) -> Interval:
    """Student's interval around `value` from leave-one-out values (C,)."""
    ends = _t_ends(value, jackknife_error(left_out), len(left_out), level)
    return interval(ends, level=level, method="jackknife t", unit=unit, n_units=n_units)


def _t_ends(value: float, error: float, count: int, level: float) -> tuple[float, float]:
    if not (math.isfinite(value) and ROUNDING * abs(value) < error < math.inf):
        raise Refused(
            f"the statistic is {value:g}, and leaving out any of {count} parts of the data does not change it, or "
            "leaves it undefined; use an interval that is exact for it, or more data"
        )
    reach = t_quantile(level, count - 1) * error
    return value - reach, value + reach
