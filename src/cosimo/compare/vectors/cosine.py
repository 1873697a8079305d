r"""Cosine: how far two vectors point the same way, whatever their lengths.

$$ s(q, k) = \frac{\langle q, k \rangle}{\lVert q \rVert \, \lVert k \rVert} $$

Symbols: q -> a row of `Q`, k -> a row of `K`.

Pitfalls: a zero vector has no direction; here its cosine to everything, itself included, is 0 and never NaN.
Rounding puts equal vectors a little above 1, where an arc cosine fails; here the scores stay within [-1, 1]. In half
precision most scores of a ranking tie; here it is computed in float32.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors, unit
from cosimo.compare.blocks import blockwise, both_sides, rowwise
from cosimo.compare.vectors.dot import inner
from cosimo.contracts import SimilarityTags
from cosimo.types import PerItem, Scores, Vectors


def cosines(Q: Vectors, K: Vectors) -> Scores:
    """(n, m) cosines of queries (n, d) and keys (m, d)."""
    S: Scores = np.clip(unit(Q) @ unit(K).T, -1, 1)
    return S


def paired_cosines(Q: Vectors, K: Vectors) -> PerItem:
    """(n,) cosine of row i of Q (n, d) with row i of K (n, d)."""
    s: PerItem = np.clip(inner(unit(Q), unit(K)), -1, 1)
    return s


@final
@dataclass(frozen=True)
class Cosine:
    """Cosine of queries (n, d) and keys (m, d); a zero vector scores 0.

    >>> Cosine()([[1.0, -1.0]], [[2.0, -2.0], [-1.0, 1.0], [0.0, 0.0]])
    array([[ 1., -1.,  0.]])
    """

    scale: ClassVar[str] = "cosine"
    tags: ClassVar[SimilarityTags] = SimilarityTags(bounded=(-1, 1))

    def __call__(self, Q: ArrayLike, K: ArrayLike) -> Scores:
        """(n, m) cosines; `ShapeError` when the sides are not of the same space."""
        return blockwise(cosines, *both_sides(Q, K))

    def pairs(self, Q: ArrayLike, K: ArrayLike) -> PerItem:
        """(n,) cosine of row i with row i; `ShapeError` when the sides differ in length."""
        return rowwise(paired_cosines, *both_sides(Q, K))

    def to_mips(self, E: ArrayLike, *, side: Literal["query", "key"]) -> Vectors:
        """(n, d) unit rows: either side of a search for the largest inner product, which is the cosine itself."""
        return unit(as_vectors(E))
