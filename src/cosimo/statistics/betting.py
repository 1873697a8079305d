r"""Betting against "the mean is at most p": exact for any bounded variables, strong when their spread is small.

    W_i = W_{i-1} (1 + lambda_i (X_i - p)),        W_0 = 1,        X_i in [0, 1], one an independent unit
    lambda_i = clip((m - p) / (v + (m - p)^2), 0, 0.9 / p)
    m = (1/2 + sum_{j<i} X_j) / i,        v = (1/4 + sum_{j<i} (X_j - mean_j)^2) / i,
    mean_j = (1/2 + X_1 + ... + X_j) / (j + 1)

Under the hypothesis W is a non-negative supermartingale, so that 1 / max_i W_i is a p-value (Ville), and one may stop
at W >= 1 / delta whenever one likes.

Symbols: X -> `X` (..., n) along the last axis, p -> `p`.
Pitfalls: bets that look at X_i itself; an order chosen after the labels were seen (`hashed_order` fixes it by
the units' names); units that are not independent; a bound by bisection, although the p-value need not grow with p.
Reference: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2024,
https://arxiv.org/abs/2010.09686
"""

import hashlib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError
from cosimo.types import Floats

ROUNDING = 1e-9
FIRST = 64
"""Units that are tried before all of them."""
BLOCK = 2**20
"""Numbers held at a time."""


def hashed_order(units: Iterable[Any]) -> NDArray[np.int64]:
    """(n,) places of the units in an order that depends on nothing but their names.

    >>> sorted(hashed_order(["b", "a", "c"]).tolist())
    [0, 1, 2]
    """
    digests = [hashlib.blake2b(str(unit).encode(), digest_size=8).digest() for unit in units]
    return np.argsort(np.array(digests, dtype="S8"), kind="stable") if digests else np.empty(0, np.int64)


def log_wealth(X: ArrayLike, p: float | Floats) -> Floats:
    """(..., n) logarithm of the wealth after each unit of `X` (..., n), for units in the order given.

    p
        In (0, 1); one number, or an array that broadcasts against `X`.

    Raises
    ------
    DataError
        Units outside of [0, 1], or NaN.

    >>> log_wealth([1.0, 1.0, 0.0], 0.5).round(2)
    array([ 0.  ,  0.45, -0.9 ])
    """
    X = np.asarray(X, dtype=np.float64)
    if X.size and not (X.min() >= -ROUNDING and X.max() <= 1 + ROUNDING):
        raise DataError(f"bets want units from 0 to 1, got {X.min():g} to {X.max():g}; scale them by their bounds")
    n = X.shape[-1]
    seen = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(X, axis=-1)) / (seen + 1)  # m_j, with unit j
    squares = np.cumsum((X - means) ** 2, axis=-1)
    start = np.zeros_like(X[..., :1])
    m = np.concatenate([start + 0.5, means[..., :-1]], axis=-1)
    v = (0.25 + np.concatenate([start, squares[..., :-1]], axis=-1)) / seen
    bets = np.clip((m - p) / (v + (m - p) ** 2), 0.0, 0.9 / p)
    wealth: Floats = np.cumsum(np.log1p(bets * (X - p)), axis=-1)
    return wealth


def betting_p_value(X: ArrayLike, p: float | Floats) -> Floats:
    """(...) p-value of "the mean is at most p" from units `X` (..., n), in the order given.

    >>> bool(betting_p_value(np.ones(78), 0.95) <= 0.05 < betting_p_value(np.ones(70), 0.95))
    True
    """
    wealth = log_wealth(X, p)
    highest: Floats = wealth.max(axis=-1, initial=0.0)
    return np.exp(-highest)


def betting_lower_bound(
    X: ArrayLike, delta: float, *, weights: ArrayLike | None = None, precision: float = 1e-4
) -> float:
    """Lower confidence bound at 1 - delta of the mean of units `X` (n,), in the order given.

    The means 0, `precision`, 2 `precision`, ... are tested in turn and the bound is the last one before the first that
    is not rejected: a fixed sequence, which is valid whatever the shape of the p-value.

    weights
        (n,) in [0, 1], for the mean sum w X / sum w of units that count unequally.

    >>> 0.94 < betting_lower_bound(np.ones(100), 0.05) < 1
    True
    """
    X = np.asarray(X, dtype=np.float64)
    w = np.ones_like(X) if weights is None else np.asarray(weights, dtype=np.float64)
    grid = np.arange(math.ceil(1 / precision)) * precision
    block = min(max(BLOCK // max(len(X), 1), 1), 256)
    for start in range(1, len(grid), block):
        rejected = _rejected(X, w, grid[start : start + block], delta)
        if not rejected.all():
            return float(grid[start - 1 + int(np.argmin(rejected))])
    return float(grid[-1])


def _rejected(X: Floats, w: Floats, means: Floats, delta: float) -> NDArray[np.bool_]:
    """(k,) whether each of `means` (k,) is rejected; those far below the bound are by the first few units."""
    rejected = np.zeros(len(means), np.bool_)
    size = FIRST
    while True:
        p = means[~rejected, None]
        rejected[~rejected] = betting_p_value(p + w[:size] * (X[:size] - p), p) <= delta
        if size >= len(X) or rejected.all():
            return rejected
        size *= 8


def hoeffding_bentkus(loss: ArrayLike, n: int, level: float) -> Floats:
    r"""p-value of "the mean loss is at least `level`" after a mean loss over n units in [0, 1].

        P = min(exp(-n h(R, a)), e Pr(Bin(n, a) <= ceil(n R)))  for R < a, else 1,    h = binary relative entropy

    >>> bool(hoeffding_bentkus(0.0, 100, 0.05) < 0.02)
    True
    """
    from scipy.special import bdtr, rel_entr

    R = np.asarray(loss, dtype=np.float64)
    entropy = rel_entr(R, level) + rel_entr(1 - R, 1 - level)
    errors = np.ceil(np.round(n * R, 9))  # a whole number of errors stays one
    bound = np.minimum(np.exp(-n * entropy), np.e * bdtr(errors, n, level))
    return np.where(level > R, np.minimum(bound, 1.0), 1.0)
