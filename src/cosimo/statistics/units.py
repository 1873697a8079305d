"""What is counted: values, the clusters they come in, and the words that an interval carries.

A unit is what was drawn independently: an item, a query, a pair, or a cluster of them. Values inside one cluster may
depend on each other in any way.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError, ShapeError
from cosimo.types import Interval, PerItem, Rows

FEW = 20
"""Units below which nothing is resampled."""
DIFFERENT = 5
"""Units that must differ from the commonest value before their spread is believed."""

ROUNDING = 1e-12
"""Relative difference that may come from rounding."""

Kind = Literal["confident", "average", "estimate"]


def as_values(X: ArrayLike, *, name: str = "X", bounds: tuple[float, float] | None = None) -> PerItem:
    """(n,) float64 with n >= 1, finite, and inside `bounds` up to rounding."""
    values = np.asarray(X)
    if values.dtype.kind not in "fiub":
        raise DataError(f"{name} must hold numbers, got dtype {values.dtype}")
    if values.ndim != 1 or not values.size:
        raise ShapeError(f"{name} must have shape (n,) with n at least 1, got {values.shape}")
    values = np.array(values, dtype=np.float64)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise DataError(f"{name} contains NaN or infinity (the first in row {row}); decide what such a unit counts")
    if bounds is None:
        return values
    low, high = bounds
    slack = 1e-9 * (high - low)
    if values.min() < low - slack or values.max() > high + slack:
        raise DataError(
            f"{name} has values from {values.min():g} to {values.max():g}, outside of {low:g} to {high:g}; "
            "give the bounds of what was measured"
        )
    inside: PerItem = np.clip(values, low, high)
    return inside


def as_labels(y: ArrayLike, n: int) -> NDArray[np.bool_]:
    """(n,) labels 0 or 1 as bool, with both classes."""
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ShapeError(f"labels must have shape ({n},) like the scores, got {labels.shape}")
    if not np.isin(labels, (0, 1)).all():
        raise DataError(f"labels must be 0 or 1, got {np.unique(labels)[:5].tolist()}")
    positive = labels.astype(np.bool_)
    if positive.all() or not positive.any():
        raise DataError(f"all {n} labels are {int(positive[0])}; both classes are needed")
    return positive


def cluster_codes(clusters: ArrayLike | None, n: int) -> tuple[Rows, int]:
    """Codes 0 .. C - 1 of the clusters of n rows, and C; every row is its own where `clusters` is None.

    `clusters` may be (n, 2): a row then belongs to two, as a pair does to the item on either side.

    >>> cluster_codes(["b", "a", "b"], 3)
    (array([1, 0, 1]), 2)
    """
    if clusters is None:
        return np.arange(n), n
    names = np.asarray(clusters)
    if len(names) != n or names.shape[1:] not in ((), (2,)):
        raise ShapeError(f"clusters must have shape ({n},) or ({n}, 2), one or two names a row, got {names.shape}")
    if names.dtype.kind == "O":
        names = names.astype(str)
    found, codes = np.unique(names, return_inverse=True)
    return codes.reshape(names.shape).astype(np.int64), len(found)


def one_way(clusters: ArrayLike | None, n: int) -> tuple[Rows, int]:
    """Codes (n,) of clusters of which each row has one, and their number."""
    codes, count = cluster_codes(clusters, n)
    if codes.ndim != 1:
        raise ShapeError("two clusters a row can only be left out one at a time (jackknife), not resampled or summed")
    return codes, count


def cluster_sums(X: PerItem, clusters: ArrayLike | None) -> tuple[PerItem, PerItem]:
    """(C,) sums and (C,) sizes of the clusters of `X` (n,).

    >>> cluster_sums(np.array([1.0, -2.0, 3.0]), [7, 5, 7])
    (array([-2.,  4.]), array([1., 2.]))
    """
    codes, count = one_way(clusters, len(X))
    sums, sizes = (np.bincount(codes, values, count).astype(np.float64) for values in (X, np.ones(len(X))))
    return sums, sizes


def off_the_commonest(X: PerItem) -> int:
    """How many of the values differ from the most frequent one, rounding aside; 0 where all are alike.

    >>> off_the_commonest(np.array([1.0, 1.0, 1.0, -2.0, 0.5]))
    2
    """
    size = float(np.abs(X).max())
    _, counts = np.unique(np.round(X / size, 11) if size > 0 else X, return_counts=True)
    return len(X) - int(counts.max())


def difference(a: PerItem, b: PerItem) -> PerItem:
    """`a - b`, exactly 0 where they differ by rounding alone.

    >>> difference(np.array([0.1 + 0.2, 0.5]), np.array([0.3, 0.7]))
    array([ 0. , -0.2])
    """
    apart = a - b
    apart[np.abs(apart) <= ROUNDING * np.maximum(np.abs(a), np.abs(b))] = 0.0
    return apart


def tail(level: float) -> float:
    """Half of what a two-sided interval leaves out."""
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, got {level}")
    return (1 - level) / 2


def interval(
    ends: tuple[float, float],
    *,
    level: float,
    method: str,
    unit: str,
    n_units: int,
    kind: Kind = "estimate",
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """The interval from `ends`, kept inside `bounds`, with its scope in words."""
    low, high = (float(end) for end in (ends if bounds is None else np.clip(ends, *bounds)))
    units = f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"
    scope = f"other {units} drawn like these; not other seeds, trainings, annotators or tasks"
    return Interval(low, high, level, method, unit, n_units, kind, scope)
