r"""PCA: the few directions in which vectors differ most, as a smaller space.

$$ x' = (x - \mu) V_k \qquad \operatorname{cov}(X) = V \Lambda V^\top, \quad \lambda_1 \ge \lambda_2 \ge \dots $$

Symbols: mu -> `mean_` (d,), V_k -> `components_` (d, k), lambda_1, ..., lambda_k -> `variances_` (k,), k -> `dims`.

Pitfalls: distances survive as well as the dropped variance is small, cosines do not, since the origin moves.
The sign of a direction is free; here its largest entry is positive, whatever the linear algebra library returns.
"""

from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from cosimo.errors import DataError
from cosimo.refine.affine import apply_affine
from cosimo.refine.checks import fit_rows, new_rows
from cosimo.types import Floats, Vectors

EMPTY = 1e-9
"""Variance, relative to the largest, below which a direction counts as not there."""


def principal_directions(X: Vectors, dims: int | None, *, eps: float = EMPTY) -> tuple[Floats, Floats, Floats]:
    """Mean (d,), variances (k,) falling, and orthonormal directions (d, k) of X (n, d), in float64.

    dims
        Directions wanted; `None` for all there are.
    eps
        Variance, relative to the largest, below which a direction counts as not there.

    Raises
    ------
    DataError
        The rows span no direction at all, or fewer than `dims`.

    >>> principal_directions(np.array([[0.0, 3.0], [0.0, -1.0]]), 1)
    (array([0., 1.]), array([8.]), array([[0.], [1.]]))
    """
    mean = X.mean(axis=0, dtype=np.float64)
    centred = X - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / (len(X) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    there = int((values > eps * values[0]).sum())
    if there == 0 or (dims is not None and not 1 <= dims <= there):
        raise DataError(
            f"{len(X)} rows of {X.shape[1]} feature(s) span {there} directions, wanted {dims or 'at least 1'}; "
            "fit on more and more varied rows or ask for fewer dims"
        )
    k = dims or there
    largest = np.abs(vectors[:, :k]).argmax(axis=0)
    return mean, values[:k], vectors[:, :k] * np.sign(vectors[largest, np.arange(k)])


@final
class PCA(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Refiner to the `dims` directions of largest variance.

    dims
        Directions to keep; at most d, and fewer than the rows fitted on.

    >>> PCA(1).fit(np.array([[0.0, 3.0], [0.0, -1.0]])).transform(np.array([[7.0, 0.0]]))
    array([[-1.]])
    """

    mean_: Floats
    variances_: Floats
    components_: Floats

    def __init__(self, dims: int) -> None:
        self.dims = dims

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Learn mean and directions of X (n, d); `DataError` when its rows span fewer than `dims` directions."""
        X = fit_rows(self, X, at_least=2)
        self.mean_, self.variances_, self.components_ = principal_directions(X, self.dims)
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, dims) coordinates of X (n, d) along the directions."""
        X = new_rows(self, X)
        return apply_affine(X, *self.affine())

    def affine(self) -> tuple[Floats, Floats]:
        """The same map as `W` (d, dims) and `b` (dims,)."""
        check_is_fitted(self)
        return self.components_, -self.mean_ @ self.components_
