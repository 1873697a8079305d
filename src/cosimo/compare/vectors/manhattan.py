r"""Manhattan: the sum of coordinate differences, negative so that bigger is closer.

$$ s(q, k) = -\lVert q - k \rVert_1 = -\sum_j \lvert q_j - k_j \rvert $$

Symbols: q -> a row of `Q`, k -> a row of `K`.

Pitfalls: all pairs at once need n * m * d numbers; here they are made in tiles. No inner product ranks by it,
so an index for inner products cannot serve it.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.compare.blocks import blockwise, both_sides, rowwise
from cosimo.contracts import SimilarityTags
from cosimo.types import Floats, PerItem, Scores, Vectors


def negative_l1(Q: Vectors, K: Vectors) -> Floats:
    """Negative sum of absolute differences over the last axis of two arrays that broadcast.

    >>> negative_l1(np.array([1.0, -2.0]), np.array([[0.0, 1.0], [1.0, -2.0]]))
    array([-4.,  0.])
    """
    differences = Q - K
    np.abs(differences, out=differences)
    # 0 - x and not -x: equal rows score 0 and not -0.
    scores: Floats = 0 - differences.sum(axis=-1)
    return scores


@final
@dataclass(frozen=True)
class Manhattan:
    """Negative Manhattan distance of queries (n, d) and keys (m, d).

    >>> Manhattan()([[0.0, 3.0]], [[-4.0, 0.0], [0.0, 3.0]])
    array([[-7.,  0.]])
    """

    scale: ClassVar[str] = "manhattan"
    tags: ClassVar[SimilarityTags] = SimilarityTags(bounded=(None, 0))

    def __call__(self, Q: ArrayLike, K: ArrayLike) -> Scores:
        """(n, m) negative distances; `ShapeError` when the sides are not of the same space."""
        Q, K = both_sides(Q, K)
        return blockwise(lambda q, k: negative_l1(q[:, None], k), Q, K, width=Q.shape[1])

    def pairs(self, Q: ArrayLike, K: ArrayLike) -> PerItem:
        """(n,) negative distance of row i and row i; `ShapeError` when the sides differ in length."""
        return rowwise(negative_l1, *both_sides(Q, K))
