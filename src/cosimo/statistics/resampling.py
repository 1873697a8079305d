r"""The bootstrap: intervals of any statistic from rows, or clusters of rows, drawn again with replacement.

A statistic is a function of row numbers, `statistic(rows) -> float`, so that one bootstrap serves pairs of arrays,
tables and texts alike: `lambda rows: f(x[rows], y[rows])`.

    ends = order statistics of B resampled values at Phi(z0 + (z0 +- z) / (1 - a (z0 +- z)))
    z0 = Phi^-1(share of resamples below the value, half of those equal to it)
    a = sum_i d_i^3 / (6 (sum_i d_i^2)^(3/2)),        d_i = mean of the leave-one-out values - the one without i

Symbols: B -> `n_resamples`, leave-one-out values -> `left_out` (C,), one a unit.
Pitfalls: rows resampled where a duplicate is information (clusterings, neighbours, intrinsic dimension: leave
groups out instead); items resampled where clusters were drawn; quantiles interpolated; a width of zero, or NaN, where
every resample is the same.
Reference: Efron, Better bootstrap confidence intervals, 1987, https://doi.org/10.1080/01621459.1987.10478410
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed, generator
from cosimo.statistics.jackknife import Statistic, jackknife_t, left_out_values
from cosimo.statistics.units import DIFFERENT, FEW, ROUNDING, interval, off_the_commonest, one_way, tail
from cosimo.types import Floats, Interval


def bootstrap(
    statistic: Statistic, n: int, *, clusters: ArrayLike | None = None, n_resamples: int = 1999, seed: Seed = 0
) -> Floats:
    """(n_resamples,) values of the statistic on rows, or whole clusters of rows, drawn with replacement.

    clusters
        (n,) cluster of each row; clusters are drawn then, each with all of its rows.

    >>> x = np.array([3.0, -1.0, 4.0])
    >>> bootstrap(lambda rows: x[rows].mean(), 3, n_resamples=4).shape
    (4,)
    """
    rng = generator(seed)
    codes, count = one_way(clusters, n)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=count)
    starts = np.cumsum(sizes) - sizes
    values = np.empty(n_resamples)
    for b in range(n_resamples):
        drawn = rng.integers(count, size=count)
        lengths = sizes[drawn]
        places = np.repeat(starts[drawn] - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
        values[b] = statistic(order[places])
    return values


def bca_ends(value: float, resampled: Floats, left_out: Floats, *, level: float = 0.95) -> tuple[float, float] | None:
    """Ends of the BCa interval, order statistics of `resampled` (B,); None where the resamples cannot carry one.

    left_out
        (C,) leave-one-out values.

    >>> x = np.arange(30.0) ** 2
    >>> resampled = bootstrap(lambda rows: x[rows].mean(), 30)
    >>> bca_ends(x.mean(), resampled, (x.sum() - x) / 29)
    (197.4, 386.1)
    """
    from scipy.special import ndtr, ndtri

    deviations = left_out.mean() - left_out
    squares = float(deviations @ deviations)
    below = (np.mean(resampled < value) + np.mean(resampled <= value)) / 2
    if not (np.isfinite(resampled).all() and squares > 0 and 0 < below < 1):
        return None
    acceleration = float((deviations**3).sum()) / (6 * squares**1.5)
    centre = float(ndtri(below))
    shifted = centre + np.array([1, -1]) * ndtri(tail(level))
    stretch = 1 - acceleration * shifted
    if (stretch <= 0).any():
        return None
    B = len(resampled)
    first, last = (B + 1) * ndtr(centre + shifted / stretch)
    ordered = np.sort(resampled)
    low = float(ordered[max(math.floor(first), 1) - 1])
    high = float(ordered[min(math.ceil(last), B) - 1])
    return (low, high) if high - low > ROUNDING * abs(value) else None


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    unit: str = "item",
    n_resamples: int = 1999,
    seed: Seed = 0,
) -> Interval:
    """BCa interval of a statistic of n rows; by the jackknife where units are few or mostly alike.

    Few is below 20 units; alike means that below 5 of them change the statistic differently from the others when left
    out, or that there is a resample on which it is undefined.

    Raises
    ------
    Refused
        Neither rows drawn again nor rows left out change the statistic; only an exact interval can help.

    >>> x = np.random.default_rng(0).normal(size=50)
    >>> found = bootstrap_interval(lambda rows: float(np.median(x[rows])), 50)
    >>> round(found.low, 2), round(found.high, 2), found.method
    (-0.21, 0.36, 'BCa bootstrap, 1,999 resamples')
    """
    value = float(statistic(np.arange(n)))
    left_out, count = left_out_values(statistic, n, clusters=clusters, seed=seed)
    unit = unit if clusters is None else "cluster"
    if enough_to_resample(left_out, count):
        resampled = bootstrap(statistic, n, clusters=clusters, n_resamples=n_resamples, seed=seed)
        ends = bca_ends(value, resampled, left_out, level=level)
        if ends is not None:
            method = f"BCa bootstrap, {n_resamples:,} resamples"
            return interval(ends, level=level, method=method, unit=unit, n_units=count)
    return jackknife_t(value, left_out, level=level, unit=unit, n_units=count)


def enough_to_resample(left_out: Floats, n_units: int) -> bool:
    """Whether there are 20 units, of which 5 change the statistic differently from the others when left out."""
    return n_units >= FEW and bool(np.isfinite(left_out).all()) and off_the_commonest(left_out) >= DIFFERENT
