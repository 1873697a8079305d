r"""Exact statements about 0/1 data.

    P = Pr(Bin(n, p) >= k)                        p-value of "the rate is at most p" with k of n right
    crit(n, delta) = min{k : P <= delta}
    n0(p, delta) = ceil(ln delta / ln p)          units without any error before P <= delta is possible
    ell(n, a, delta) = max{l : Pr(Bin(n, a) <= l - 1) <= delta}

For l = ell(n, a, delta) the l-th smallest of n draws lies, with probability at least 1 - delta, at or below the
a-quantile of their distribution, whatever that is.

Pitfalls: Hoeffding's bound for 0/1 data (loses a factor e and more); a bootstrap bound of 1 when no error was
seen; an interpolated quantile in place of an order statistic.
Reference: Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial, 1934;
Wilks, Determination of sample sizes for setting tolerance limits, 1941.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError
from cosimo.types import Floats

Counts = NDArray[np.int64]


def exact_p_value(right: ArrayLike, n: ArrayLike, p: float) -> Floats:
    """p-value of "the rate is at most p" after `right` of `n`; shapes broadcast.

    >>> exact_p_value([59, 58], 59, 0.95).round(3)
    array([0.048, 0.199])
    """
    from scipy.special import bdtrc

    right, n = np.asarray(right), np.asarray(n)
    # bdtrc(k, n, p) = Pr(Bin > k); k = -1 would be outside its domain
    return np.where(right <= 0, 1.0, bdtrc(np.maximum(right, 1) - 1, np.maximum(n, 1), p))


def critical(n: ArrayLike, p: float, delta: float) -> Counts:
    """Smallest number right of n at which "the rate is at most p" is rejected at delta; n + 1 where none is.

    >>> critical([58, 59, 100], 0.95, 0.05)
    array([59, 59, 99])
    """
    from scipy.stats import binom

    n = np.asarray(n)
    found = np.asarray(binom.isf(delta, n, p), dtype=np.int64) + 1  # isf(q) = min{k : Pr(X > k) <= q}
    return np.where(exact_p_value(found - 1, n, p) <= delta, found - 1, found)


def zero_error_minimum(p: float, delta: float) -> int:
    """Units without any error after which "the rate is at most p" can be rejected at delta.

    >>> [zero_error_minimum(p, 0.05) for p in (0.9, 0.95, 0.99)]
    [29, 59, 299]
    """
    return math.ceil(math.log(delta) / math.log(p) - 1e-12)


def order_rank(n: int, rate: float, delta: float) -> int:
    """The l for which the l-th smallest of n draws is at or below the `rate`-quantile, but for probability delta.

    The largest such l; 0 where n is too small for any.

    >>> order_rank(58, 0.05, 0.05), order_rank(59, 0.05, 0.05)
    (0, 1)
    """
    from scipy.stats import binom

    rank = int(binom.ppf(delta, n, rate))  # min{k : Pr(X <= k) >= delta}
    return rank + 1 if float(binom.cdf(rank, n, rate)) <= delta else rank


def clopper_pearson(right: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a rate after `right` of `n`.

    Raises
    ------
    DataError
        Not 0 <= right <= n.

    >>> low, high = clopper_pearson(10, 10)
    >>> round(low, 3), high
    (0.692, 1.0)
    """
    from scipy.special import betaincinv

    _check_counts(right, n)
    # scipy's `proportion_ci` searches the ends to within 1e-12, too coarse for a few of a billion.
    tail = (1 - level) / 2
    low = float(betaincinv(right, n - right + 1, tail)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, n - right, 1 - tail)) if right < n else 1.0
    return low, high


def wilson(right: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a rate after `right` of `n`, which is anything when n is 0.

    Raises
    ------
    DataError
        Not 0 <= right <= n.

    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.490, 0.943)
    """
    from scipy.stats import binomtest

    _check_counts(right, n)
    if n == 0:
        return 0.0, 1.0
    found = binomtest(right, n).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def _check_counts(right: int, n: int) -> None:
    if not 0 <= right <= n:
        raise DataError(f"{right} right of {n} is no count; give 0 <= right <= n")
