r"""Averages over all pairs of n items, and how sure they are: n items are independent, their pairs are not.

    h_i = 1 / (n - 1) sum_{j != i} h(x_i, x_j),        U = 1 / n sum_i h_i,        SE = 2 sd(h_i) / sqrt(n)

Symbols: h -> `kernel`, h_i -> what `pair_averages` returns (n,).
Pitfalls: the n (n - 1) / 2 pairs counted as independent (an error ten times too small); an item compared with
itself; logarithms averaged where the logarithm of the average was meant.
Reference: Hoeffding, A class of statistics with asymptotically normal distribution, 1948,
https://doi.org/10.1214/aoms/1177730196
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError, Refused
from cosimo.statistics.means import t_quantile
from cosimo.statistics.units import ROUNDING, as_values, interval
from cosimo.types import Floats, Interval, Vectors


def pair_averages(kernel: Callable[[Any, Any], NDArray[Any]], X: Vectors, *, block: int = 1024) -> Floats:
    """(n,) average of a symmetric kernel between each item of `X` (n, ...) and all others.

    kernel
        `kernel(X[rows], X) -> (len(rows), n)`.

    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> pair_averages(lambda Q, K: Q @ K.T, X)
    array([-0.5,  0. , -0.5])
    """
    n = len(X)
    if n < 2:
        raise DataError(f"averages over pairs want at least 2 items, got {n}")
    averages = np.empty(n)
    for start in range(0, n, block):
        S = np.array(kernel(X[start : start + block], X), dtype=np.float64)
        np.fill_diagonal(S[:, start:], 0.0)
        averages[start : start + block] = S.sum(axis=1) / (n - 1)
    return averages


def pair_average_interval(h: ArrayLike, *, log: bool = False, level: float = 0.95, unit: str = "item") -> Interval:
    """Student's interval of the average over all pairs from each item's average `h` (n,).

    The difference between two spaces of the same items has the interval of the difference of their `h`.

    log
        For the logarithm of the average, as in uniformity.

    Raises
    ------
    Refused
        All averages are equal.

    >>> found = pair_average_interval([0.2, -0.1, 0.4, 0.1, 0.2, 0.1])
    >>> round(found.low, 3), round(found.high, 3)
    (-0.195, 0.495)
    """
    values = as_values(h, name="h")
    n, centre = len(values), float(values.mean())
    error = 2 * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    if not error > ROUNDING * abs(centre):
        raise Refused(f"the averages of {n} items do not vary, so their spread says nothing; give more items")
    if log:
        if centre <= 0:
            raise DataError(f"the average over pairs is {centre:g} and has no logarithm")
        centre, error = math.log(centre), error / centre
    reach = t_quantile(level, n - 1) * error
    return interval((centre - reach, centre + reach), level=level, method="U-statistic t", unit=unit, n_units=n)
