"""Refiners that are not affine, as they are stored: plain functions of rows, with numpy alone.

`Normalise` and `Truncate` turn into these when they are saved, so that a search never loads scikit-learn. The
estimator and its stored form call the same function.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from typing import Any, Self, final

from numpy.typing import NDArray

from cosimo._arrays import as_vectors, unit
from cosimo.errors import ShapeError
from cosimo.refine.affine import State
from cosimo.types import Vectors


def leading(X: Vectors, dims: int, *, normalise: bool = True) -> Vectors:
    """(n, dims) first coordinates of X (n, d), scaled back to unit length if `normalise`.

    >>> import numpy as np
    >>> leading(np.array([[3.0, -4.0, 12.0]]), 2)
    array([[ 0.6, -0.8]])

    Raises
    ------
    ShapeError
        There are fewer than `dims` coordinates.
    """
    if not 1 <= dims <= X.shape[1]:
        raise ShapeError(f"cannot keep the first {dims} of {X.shape[1]} dimensions; choose dims from 1 to {X.shape[1]}")
    kept = X[:, :dims]
    return unit(kept) if normalise else kept.copy()


@final
@dataclass(frozen=True)
class UnitRows:
    """`Normalise` as it is stored."""

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Nothing: there is nothing to learn."""
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, d) rows of X (n, d) at unit length."""
        return unit(as_vectors(X))

    def state(self) -> State:
        """JSON and arrays that `from_state` reads back."""
        return {"kind": "normalise"}, {}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The map written by `state`."""
        return cls()


@final
@dataclass(frozen=True)
class Leading:
    """`Truncate` as it is stored."""

    dims: int
    normalise: bool = True

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Nothing: there is nothing to learn."""
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, dims) first coordinates of X (n, d)."""
        return leading(as_vectors(X), self.dims, normalise=self.normalise)

    def state(self) -> State:
        """JSON and arrays that `from_state` reads back."""
        return {"kind": "truncate", "dims": self.dims, "normalise": self.normalise}, {}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The map written by `state`."""
        return cls(index(saved["dims"]), bool(saved["normalise"]))
