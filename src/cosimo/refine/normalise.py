r"""Normalise: every vector at unit length, so that inner product, cosine and distance rank alike.

$$ x' = x / \lVert x \rVert_2 $$

Symbols: x -> a row of `X`.

Pitfalls: a zero vector stays zero instead of becoming NaN. Normalise after whitening, centring or truncating,
not before only: those change lengths.
"""

from typing import Any, Self, final

from sklearn.base import BaseEstimator, TransformerMixin

from cosimo._arrays import unit
from cosimo.refine.affine import State
from cosimo.refine.checks import fit_rows, new_rows
from cosimo.refine.frozen import UnitRows
from cosimo.types import Vectors


@final
class Normalise(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Refiner to unit length; there is nothing to learn, so `fit` may be left out.

    >>> Normalise().transform([[3.0, -4.0], [0.0, 0.0]])
    array([[ 0.6, -0.8],
           [ 0. ,  0. ]], dtype=float32)
    """

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Only note the dimensions of X (n, d)."""
        fit_rows(self, X)
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, d) rows of X (n, d) at unit length."""
        return unit(new_rows(self, X))

    def state(self) -> State:
        """JSON and arrays of the stored form."""
        return UnitRows().state()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
