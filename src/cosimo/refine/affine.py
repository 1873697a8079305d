r"""Affine maps of vectors: what whitening, centring and PCA are once they have learned, with numpy alone.

$$ x' = x W + b $$

Symbols: W -> `W` (d, k), b -> `b` (k,).

Pitfalls: in float32, x W and b can be large and nearly cancel, when the mean is large beside the spread. Here W
and b are float64, the sum is made in float64, and the result has the dtype of x.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import as_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.types import Floats, Vectors

State: TypeAlias = tuple[dict[str, Any], dict[str, NDArray[Any]]]
"""JSON and named arrays: what a refiner is on disk."""


def apply_affine(X: Vectors, W: Floats, b: Floats) -> Vectors:
    """X W + b (n, k) for X (n, d), W (d, k) and b (k,), summed in float64 and returned in the dtype of X.

    >>> apply_affine(np.array([[1.0, -2.0]]), np.array([[2.0], [1.0]]), np.array([0.5]))
    array([[0.5]])
    """
    return (X.astype(np.float64) @ W + b).astype(X.dtype)


@final
@dataclass(frozen=True, eq=False)
class Affine:
    """Refiner x W + b with W (d, k) and b (k,): nothing to learn, and no scikit-learn to load.

    >>> Affine(np.array([[1.0], [1.0]]), np.array([-1.0])).transform([[1.0, -2.0]])
    array([[-2.]])

    Raises
    ------
    ShapeError
        W and b do not fit together.
    DataError
        W or b holds NaN or infinity.
    """

    W: Floats
    b: Floats

    def __post_init__(self) -> None:
        if self.W.ndim != 2 or self.b.shape != self.W.shape[1:]:
            raise ShapeError(f"Affine wants W (d, k) and b (k,), got {self.W.shape} and {self.b.shape}")
        if not (np.isfinite(self.W).all() and np.isfinite(self.b).all()):
            raise DataError("W and b of an Affine must be finite, got NaN or infinity")

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Nothing: the map is given."""
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, k) images of X (n, d)."""
        return apply_affine(as_vectors(X, dim=self.W.shape[0]), self.W, self.b)

    def affine(self) -> tuple[Floats, Floats]:
        """`W` and `b`."""
        return self.W, self.b

    def state(self) -> State:
        """JSON and arrays that `from_state` reads back."""
        return {"kind": "affine"}, {"W": self.W, "b": self.b}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The map written by `state`."""
        return cls(arrays["W"], arrays["b"])
