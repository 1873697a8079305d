r"""Centre: move the origin to the mean, so that cosine sees what differs and not what all vectors share.

$$ x' = x - \mu $$

Symbols: mu -> `mean_` (d,).

Pitfalls: the mean of a batch instead of the fitted one, so that a vector depends on its neighbours.
"""

from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from cosimo.refine.checks import fit_rows, new_rows
from cosimo.types import Floats, Vectors


@final
class Centre(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Refiner that subtracts the mean of the vectors it was fitted on.

    >>> Centre().fit(np.array([[4.0, 0.0], [0.0, 2.0]])).transform(np.array([[1.0, 1.0]]))
    array([[-1.,  0.]])
    """

    mean_: Floats

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Learn the mean of X (n, d)."""
        self.mean_ = fit_rows(self, X).mean(axis=0, dtype=np.float64)
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, d) differences of X (n, d) from the mean."""
        X = new_rows(self, X)
        return (X - self.mean_).astype(X.dtype)

    def affine(self) -> tuple[Floats, Floats]:
        """The same map as `W` (d, d) and `b` (d,)."""
        check_is_fitted(self)
        return np.eye(len(self.mean_)), -self.mean_
