"""Blockwise evaluation: all pairs of two sides in tiles, so that memory beside the answer stays small and fixed.

A similarity says how to score one tile; how large tiles are is decided here, once. Tiles change nothing but the last
bits of what BLAS sums in another order.
"""

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cosimo._arrays import as_vectors, same_dim
from cosimo.errors import ShapeError
from cosimo.types import PerItem, Scores, Vectors

BUDGET = 1 << 22
"""Elements that the largest temporary of a tile may hold: 16 MB in float32."""


def both_sides(Q: ArrayLike, K: ArrayLike) -> tuple[Vectors, Vectors]:
    """Queries (n, d) and keys (m, d) as checked float arrays of the same space.

    Raises
    ------
    ShapeError
        A side is not (rows, d), or the two have different d.
    DataError
        A side holds NaN, infinity, or something that is no number.
    """
    Q, K = as_vectors(Q, name="queries"), as_vectors(K, name="keys")
    same_dim(Q, K)
    return Q, K


def blockwise(
    score: Callable[[Any, Any], NDArray[Any]],
    Q: NDArray[Any],
    K: NDArray[Any],
    *,
    width: int = 1,
    dtype: DTypeLike | None = None,
) -> Scores:
    """(n, m) scores of the rows of Q (n, d) against the rows of K (m, d), one tile after the other.

    score
        Takes rows of each side and gives their scores.
    width
        Elements that `score` holds at once for each pair of rows.
    dtype
        Of the scores; what Q and K have in common when `None`.

    >>> blockwise(lambda q, k: q @ k.T, np.array([[1.0, -2.0]]), np.array([[3.0, 4.0], [1.0, 0.0]]))
    array([[-5.,  1.]])
    """
    S: Scores = np.empty((len(Q), len(K)), dtype or np.result_type(Q, K))
    # As many rows as columns in a tile, and neither side of it larger than the budget.
    share = max(isqrt(BUDGET * width), Q.shape[1])
    for rows in spans(len(Q), width=share):
        for columns in spans(len(K), width=share):
            S[rows, columns] = score(Q[rows], K[columns])
    return S


def rowwise(
    score: Callable[[Any, Any], NDArray[Any]], Q: NDArray[Any], K: NDArray[Any], *, dtype: DTypeLike | None = None
) -> PerItem:
    """(n,) scores of row i of Q (n, d) against row i of K (n, d), some rows at a time.

    score
        Takes the same rows of each side and gives one score a row.
    dtype
        Of the scores; what Q and K have in common when `None`.

    Raises
    ------
    ShapeError
        The sides have different numbers of rows.
    """
    paired(len(Q), len(K))
    s: PerItem = np.empty(len(Q), dtype or np.result_type(Q, K))
    for rows in spans(len(Q), width=Q.shape[1]):
        s[rows] = score(Q[rows], K[rows])
    return s


def paired(n: int, m: int) -> None:
    """Refuse pairs of n queries and m keys unless each query has its key."""
    if n != m:
        raise ShapeError(f"pairs need one key for each query, got {n} queries and {m} keys")


def spans(n: int, *, width: int) -> Iterator[slice]:
    """Slices that cover n rows in order, each of at least one row, and of no more elements than the budget.

    width
        Elements a row takes.
    """
    step = max(BUDGET // max(width, 1), 1)
    return (slice(start, start + step) for start in range(0, n, step))
