r"""Dot product: the similarity of models that put meaning into length as well as direction.

$$ s(q, k) = \langle q, k \rangle = \sum_j q_j k_j $$

Symbols: q -> a row of `Q`, k -> a row of `K`.

Pitfalls: it has no upper bound, and an item need not be its own best match: a longer vector in about the same
direction scores higher. On unit vectors it is the cosine.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo.compare.blocks import blockwise, both_sides, rowwise
from cosimo.contracts import SimilarityTags
from cosimo.types import PerItem, Scores, Vectors


def inner(Q: Vectors, K: Vectors) -> PerItem:
    """(n,) inner product of row i of Q (n, d) with row i of K (n, d)."""
    products: PerItem = np.einsum("nd,nd->n", Q, K)
    return products


@final
@dataclass(frozen=True)
class Dot:
    """Inner product of queries (n, d) and keys (m, d).

    >>> Dot()([[1.0, -2.0]], [[3.0, 1.0], [0.0, 2.0]])
    array([[ 1., -4.]])
    """

    scale: ClassVar[str] = "dot"
    tags: ClassVar[SimilarityTags] = SimilarityTags(self_best=False)

    def __call__(self, Q: ArrayLike, K: ArrayLike) -> Scores:
        """(n, m) inner products; `ShapeError` when the sides are not of the same space."""
        return blockwise(lambda q, k: q @ k.T, *both_sides(Q, K))

    def pairs(self, Q: ArrayLike, K: ArrayLike) -> PerItem:
        """(n,) inner product of row i with row i; `ShapeError` when the sides differ in length."""
        return rowwise(inner, *both_sides(Q, K))

    def to_mips(self, E: ArrayLike, *, side: Literal["query", "key"]) -> Vectors:
        """(n, d) the vectors as they are: either side of a search for the largest inner product."""
        return as_vectors(E)
