"""Checks and conversions at the border, where arrays of unknown origin come in."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError, ShapeError
from cosimo.types import Vectors


def as_vectors(X: ArrayLike, *, name: str = "X", dim: int | None = None) -> Vectors:
    """`X` as a float array of shape (n, d) without NaN or infinity, refused by name otherwise.

    float32 and float64 stay as they are; half precision and integers become float32.

    >>> as_vectors([[1, -2]]).dtype
    dtype('float32')
    """
    array = np.asarray(X)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} must hold numbers, got dtype {array.dtype}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    if array.ndim != 2:
        hint = "; reshape one vector with X[None]" if array.ndim == 1 else ""
        raise ShapeError(f"{name} must have shape (n, d), got {array.shape}{hint}")
    if dim is not None and array.shape[1] != dim:
        raise ShapeError(f"{name} has {array.shape[1]} dimensions, wanted {dim}")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise DataError(f"{name} contains NaN or infinity ({int((~finite).sum())} rows, the first is row {row})")
    return array


def same_dim(Q: Vectors, K: Vectors) -> None:
    """Refuse queries (n, d) and keys (m, d) whose dimensions differ."""
    if Q.shape[1] != K.shape[1]:
        raise ShapeError(
            f"queries have {Q.shape[1]} dimensions and keys {K.shape[1]}; both must come from the same space"
        )


def unit(X: Vectors) -> Vectors:
    """Rows of `X` (n, d) divided by their Euclidean length; a zero row stays zero.

    >>> unit(np.array([[3., -4.], [0., 0.]]))
    array([[ 0.6, -0.8],
           [ 0. ,  0. ]])
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", X, X, dtype=np.float64))[:, None]  # squares overflow in float32
    rows: Vectors = np.divide(X, np.where(lengths > 0, lengths, 1), dtype=X.dtype, casting="same_kind")
    return rows


def as_ids(ids: ArrayLike, n: int) -> NDArray[np.int64]:
    """`ids` as n distinct non-negative int64 numbers."""
    array = np.asarray(ids)
    if array.shape != (n,) or (n and array.dtype.kind not in "iu"):
        raise ShapeError(f"ids must be {n} integers, got shape {array.shape} and dtype {array.dtype}")
    array = array.astype(np.int64)
    ordered = array if (array[1:] > array[:-1]).all() else np.sort(array)
    if n and (ordered[0] < 0 or (ordered[1:] == ordered[:-1]).any()):
        raise DataError("ids must be distinct and not negative")
    return array
