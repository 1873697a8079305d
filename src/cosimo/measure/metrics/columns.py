"""The columns that metrics compare, and what weights mean: how often each item counts.

Bootstraps and jackknives are written in weights, so that an item drawn twice stays one item.

Pitfalls: an item drawn twice taken for two, so that a cut is tried on the item that it was chosen on.
Reference: Efron, Bootstrap methods: another look at the jackknife, 1979, https://doi.org/10.1214/aos/1176344552
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError, ShapeError
from cosimo.statistics.units import as_values
from cosimo.types import PerItem, Rows

Weighed: TypeAlias = Callable[[Any], float]
"""A metric of given items as a function of their weights (n,), or None for ones."""


def as_columns(truth: ArrayLike, pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two columns (n,) of the same length, of anything."""
    right, given = np.asarray(truth), np.asarray(pred)
    if right.ndim != 1 or right.shape != given.shape:
        raise ShapeError(f"truth and pred must be equally long columns, got {right.shape} and {given.shape}")
    return right, given


def as_numbers(truth: ArrayLike, pred: ArrayLike) -> tuple[PerItem, PerItem]:
    """Two columns (n,) of the same length, of numbers, n at least 1."""
    right, given = as_columns(truth, pred)
    return as_values(right, name="truth"), as_values(given, name="pred")


def as_weights(weights: PerItem | None, n: int) -> PerItem:
    """(n,) float64, finite and not negative; ones where there are none.

    >>> as_weights(None, 2)
    array([1., 1.])
    """
    if weights is None:
        return np.ones(n)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (n,):
        raise ShapeError(f"weights must have shape ({n},) like the items, got {given.shape}")
    if not (np.isfinite(given) & (given >= 0)).all():
        raise DataError("weights say how often an item counts: finite numbers from 0 on")
    return given


def counted(rows: Rows, n: int) -> PerItem:
    """(n,) how often each of n rows is among `rows`: the weights of a resample.

    >>> counted(np.array([2, 0, 2]), 4)
    array([1., 0., 2., 0.])
    """
    return np.bincount(rows, minlength=n).astype(np.float64)


def repeated(weights: PerItem, *columns: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The columns (n, ...) with each row as often as its weight says.

    Raises
    ------
    DataError
        Weights that are not whole numbers.

    >>> repeated(np.array([2, 0, 1]), np.array([-1.0, 5.0, 3.0]))
    (array([-1., -1.,  3.]),)
    """
    times = as_weights(weights, len(columns[0]))
    if (times != np.floor(times)).any():
        raise DataError("this metric counts items, and takes whole numbers as weights only")
    return tuple(np.repeat(column, times.astype(np.int64), axis=0) for column in columns)
