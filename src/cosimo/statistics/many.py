r"""Many p-values at once.

    Holm                   p_(i) -> max_{j <= i} min(1, (m - j + 1) p_(j))
    Benjamini-Hochberg     p_(i) -> min_{j >= i} min(1, m p_(j) / j)
    Benjamini-Yekutieli    the same times 1 + 1/2 + ... + 1/m

Rejecting what is adjusted to at most alpha, Holm makes any error at all with probability at most alpha, whatever the
dependence; the other two make a share of at most alpha errors among the rejected, on average, the first of them for
independent (or positively dependent) p-values, the second for any.

Symbols: the m p-values -> `p` (m,), p_(j) the j-th smallest.
Pitfalls: the smallest of several p-values reported as one; repeated or related queries of a batch taken for
independent ones.
Reference: Holm, A simple sequentially rejective multiple test procedure, 1979; Benjamini and Hochberg, Controlling the
false discovery rate, 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; Benjamini and Yekutieli, The control of
the false discovery rate in multiple testing under dependency, 2001, https://doi.org/10.1214/aos/1013699998
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cosimo.statistics.units import as_values
from cosimo.types import Floats


def holm(p: ArrayLike) -> Floats:
    """(m,) p-values `p` (m,) adjusted so that rejecting those at most alpha makes no error, but for probability alpha.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = as_values(p, name="p", bounds=(0, 1))
    order = np.argsort(values)
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """(m,) p-values `p` (m,) of independent tests, adjusted so that of those at most alpha a share alpha is wrong.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    array([0.03, 0.04, 0.04])
    """
    return _false_discoveries(p, "bh")


def benjamini_yekutieli(p: ArrayLike) -> Floats:
    """(m,) p-values `p` (m,) adjusted like Benjamini and Hochberg's, under any dependence.

    >>> benjamini_yekutieli([0.01, 0.04, 0.03]).round(3)
    array([0.055, 0.073, 0.073])
    """
    return _false_discoveries(p, "by")


def _false_discoveries(p: ArrayLike, method: Literal["bh", "by"]) -> Floats:
    from scipy.stats import false_discovery_control

    adjusted: Floats = false_discovery_control(as_values(p, name="p", bounds=(0, 1)), method=method)
    return adjusted
