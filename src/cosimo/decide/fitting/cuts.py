r"""Cuts: which thresholds are looked at, where the looking starts, and how far down it may go.

    grid     the scores in falling order at the counts 1, 1 + g, (1 + g)^2, ...; a cut takes its whole tie block along
    starts   s_e = min{c : c units with e errors reject},  e in {1}, {1, 4} or {1, 4, 16} by the number of units
    walk     from each start to lower cuts while "the precision is at most p" is rejected at delta / J;  J starts

A walk stops at its first failure, so that the first false cut of each is its only chance of a false promise: with
probability 1 - delta *all* certified cuts hold together, and any of them may be chosen.

Symbols: g -> `growth`, e -> `errors`, p -> `target`, delta / J -> `delta`.
Pitfalls: starting at the strictest cuts, which accept too few for any rejection and so end the walk before it
began; a grid or a start that looks at labels; a cut inside a block of equal scores.
Reference: Angelopoulos et al., Learn then test: calibrating predictive algorithms to achieve risk control, 2021,
https://arxiv.org/abs/2110.01052
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import DataError
from cosimo.statistics import betting_p_value, exact_p_value
from cosimo.types import Floats, PerItem

Counts = NDArray[np.int64]


def grid(scores: PerItem, growth: float) -> PerItem:
    """(m,) falling cuts through `scores` (n,), each accepting about 1 + `growth` times as many as the one before.

    Raises
    ------
    DataError
        There is no score, or one that is NaN or infinite.

    >>> grid(np.array([0.5, -0.2, 0.9, 0.5, 0.1]), 1.0)
    array([ 0.9,  0.5,  0.1, -0.2])
    """
    if not len(scores) or not np.isfinite(scores).all():
        raise DataError("the scores that fix the grid of cuts must be finite numbers, and at least one")
    rising = np.sort(scores)
    n = len(rising)
    steps = np.arange(int(np.log(n) / np.log1p(growth)) + 1)
    counts = np.append(np.ceil((1 + growth) ** steps).astype(np.int64), n)
    return np.unique(rising[n - np.minimum(counts, n)])[::-1]


def counts_above(scores: PerItem, cuts: PerItem) -> Counts:
    """(m,) how many of `scores` (n,) reach each of `cuts` (m,).

    >>> counts_above(np.array([0.5, -0.2, 0.9, 0.5]), np.array([0.9, 0.5, -1.0]))
    array([1, 3, 4])
    """
    return len(scores) - np.searchsorted(np.sort(scores), cuts)


def errors_to_allow(n: int) -> tuple[int, ...]:
    """Errors that the starts leave room for, by the number n of labelled units and nothing else.

    >>> errors_to_allow(300), errors_to_allow(600)
    ((1,), (1, 4))
    """
    return (1,) if n < 400 else (1, 4) if n < 1000 else (1, 4, 16)


@cache
def exact_size(errors: int, target: float, delta: float) -> int:
    """Fewest independent pairs of which all but `errors` right reject "the precision is at most `target`" at delta.

    >>> [exact_size(errors, 0.95, 0.05) for errors in (0, 1)]
    [59, 93]
    """
    return _first(lambda n: bool(exact_p_value(n - errors, n, target) <= delta), errors + 1)


@cache
def betting_size(errors: int, target: float, delta: float) -> int:
    """Fewest units that do so by betting, `errors` of them wrong and evenly spread.

    >>> [betting_size(0, target, 0.05) for target in (0.9, 0.95, 0.99)]
    [38, 78, 400]
    """

    def rejects(n: int) -> bool:
        X = np.ones(n)
        X[((np.arange(errors) + 0.5) * n / max(errors, 1)).astype(int)] = 0
        return bool(betting_p_value(X, target) <= delta)

    return _first(rejects, errors + 1)


def _first(holds: Callable[[int], bool], lowest: int) -> int:
    """The least n >= `lowest` that holds, where it holds from there on."""
    high = lowest
    while not holds(high):
        high *= 2
    low = max(lowest, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def starts(expected: Floats | Counts, sizes: Sequence[int]) -> tuple[int, ...]:
    """Places of the first cuts that accept as many units as each of `sizes`; none for a size that no cut reaches.

    expected
        (m,) never falling: how many units each cut accepts, or is expected to.

    >>> starts(np.array([10, 60, 80, 200]), (70, 300))
    (2,)
    """
    places = np.searchsorted(expected, sizes)
    return tuple(int(place) for place in places if place < len(expected))


def walk(rejects: Callable[[int], bool], begin: Sequence[int], m: int) -> NDArray[np.bool_]:
    """(m,) the cuts certified by walks down from each place in `begin`, each as long as `rejects(place)`.

    >>> walk([False, True, True, False, True].__getitem__, (1, 4), 5)
    array([False,  True,  True, False,  True])
    """
    certified = np.zeros(m, dtype=bool)
    for start in begin:
        for j in range(start, m):
            if not (certified[j] or rejects(j)):
                break
            certified[j] = True
    return certified
