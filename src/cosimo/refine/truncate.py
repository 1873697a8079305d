r"""Truncate: the first coordinates only, for models trained so that these carry most of the meaning.

$$ x' = x_{1:k} / \lVert x_{1:k} \rVert_2 $$

Symbols: k -> `dims`.

Pitfalls: the slice of a unit vector is not a unit vector. Without normalising again, inner products of slices
are no cosines and thresholds mean something else.

Reference: Matryoshka Representation Learning (2022), https://arxiv.org/abs/2205.13147
"""

from typing import Any, Self, final

from sklearn.base import BaseEstimator, TransformerMixin

from cosimo.refine.affine import State
from cosimo.refine.checks import fit_rows, new_rows
from cosimo.refine.frozen import Leading, leading
from cosimo.types import Vectors


@final
class Truncate(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Refiner to the first coordinates; there is nothing to learn, so `fit` may be left out.

    dims
        Coordinates to keep, from 1 to d.
    normalise
        Scale what is left back to unit length.

    >>> Truncate(2).transform([[3.0, -4.0, 12.0]])
    array([[ 0.6, -0.8]], dtype=float32)
    """

    def __init__(self, dims: int, *, normalise: bool = True) -> None:
        self.dims = dims
        self.normalise = normalise

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Only check that X (n, d) has enough coordinates; `ShapeError` if not."""
        leading(fit_rows(self, X), self.dims)
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, dims) first coordinates of X (n, d); `ShapeError` when there are fewer."""
        return leading(new_rows(self, X), self.dims, normalise=self.normalise)

    def state(self) -> State:
        """JSON and arrays of the stored form."""
        return Leading(int(self.dims), bool(self.normalise)).state()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
