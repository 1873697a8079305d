r"""Euclidean: the straight distance between two vectors, negative so that bigger is closer.

$$ s(q, k) = -\lVert q - k \rVert_2 \qquad
   \lVert q - k \rVert^2 = \lVert q \rVert^2 + \lVert k \rVert^2 - 2 \langle q, k \rangle $$

Symbols: q -> a row of `Q`, k -> a row of `K`.

The right-hand side lets BLAS do the work, and loses all digits where q and k are nearly equal. So it is summed in
float64, and pairs closer than a hundredth of their lengths are computed again from their difference: equal rows have
distance exactly 0, and other distances keep nine digits or more, or what float32 holds.

Pitfalls: near-duplicates by the right-hand side alone, in float32: distances of rounding noise, or NaN.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo.compare.blocks import blockwise, both_sides, rowwise, spans
from cosimo.contracts import SimilarityTags
from cosimo.types import Floats, PerItem, Scores, Vectors

CANCELS = 1e-4
"""Squared distance, relative to the squared lengths, below which the expanded form has lost too many digits."""


def squared_lengths(X: Vectors) -> PerItem:
    """(n,) squared Euclidean length of the rows of X (n, d), in float64."""
    squares: PerItem = np.einsum("nd,nd->n", X, X, dtype=np.float64)
    return squares


def squared_distances(Q: Vectors, K: Vectors) -> Scores:
    """(n, m) squared distances of queries (n, d) and keys (m, d), in float64, without cancellation.

    >>> squared_distances(np.array([[1e8, 1.0]]), np.array([[1e8, 0.0], [1e8, 1.0]]))
    array([[1., 0.]])
    """
    lengths = squared_lengths(Q)[:, None] + squared_lengths(K)
    D: Scores = lengths - 2 * (Q.astype(np.float64) @ K.T.astype(np.float64))
    near = np.argwhere(CANCELS * lengths >= D)
    for some in spans(len(near), width=Q.shape[1]):
        i, j = near[some].T
        D[i, j] = squared_lengths(_difference(Q[i], K[j]))
    return D


def _difference(Q: Vectors, K: Vectors) -> Floats:
    return np.subtract(Q, K, dtype=np.float64)


@final
@dataclass(frozen=True)
class Euclidean:
    """Negative Euclidean distance of queries (n, d) and keys (m, d).

    >>> Euclidean()([[0.0, 3.0]], [[-4.0, 0.0], [0.0, 3.0]])
    array([[-5.,  0.]])
    """

    scale: ClassVar[str] = "euclidean"
    tags: ClassVar[SimilarityTags] = SimilarityTags(bounded=(None, 0))

    def __call__(self, Q: ArrayLike, K: ArrayLike) -> Scores:
        """(n, m) negative distances; `ShapeError` when the sides are not of the same space."""
        # 0 - x and not -x: equal rows score 0 and not -0.
        return blockwise(lambda q, k: 0 - np.sqrt(squared_distances(q, k)), *both_sides(Q, K))

    def pairs(self, Q: ArrayLike, K: ArrayLike) -> PerItem:
        """(n,) negative distance of row i and row i; `ShapeError` when the sides differ in length."""
        return rowwise(lambda q, k: 0 - np.sqrt(squared_lengths(_difference(q, k))), *both_sides(Q, K))

    def to_mips(self, E: ArrayLike, *, side: Literal["query", "key"]) -> Vectors:
        r"""(n, d + 1) vectors whose inner products rank keys by distance: query [q, 1], key [k, -|k|^2 / 2].

        The inner product is $(\lVert q \rVert^2 - s^2) / 2$, not the score s.
        """
        X = as_vectors(E)
        last = -squared_lengths(X) / 2 if side == "key" else np.ones(len(X))
        return np.column_stack([X, last]).astype(X.dtype)
