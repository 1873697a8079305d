"""Screens: cheap scores of a block of keys that tell, within a known error, which keys may still matter.

A matrix product rounds differently at the edge of a block than in the middle, and for one query differently than for
many, so that equal vectors would not tie and an answer would depend on its neighbours in the batch. Here the product
only chooses: what comes within its error of the bar is scored pair by pair, and these scores depend on the two vectors
alone.
"""

from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from cosimo.compare import Cosine, Dot
from cosimo.compare.vectors.dot import inner
from cosimo.contracts import Similarity
from cosimo.search.indexes.eight_bit import EightBitKeys, EightBitQueries
from cosimo.search.indexes.rows import take, vectors
from cosimo.search.indexes.top import kth_best
from cosimo.types import Embeddings, PerItem, Rows, Scores, Vectors

Visible: TypeAlias = NDArray[np.bool_] | None
Pairs: TypeAlias = tuple[Rows, Rows]

CROWD = 8
"""Survivors a block may have for each hit wanted, before its own k-th best is looked up to raise the bar."""


class Screen(Protocol):
    """Scores of the queries it was made for."""

    dtype: np.dtype[Any]
    """Of the final scores."""

    def block(self, K: Embeddings) -> tuple[Scores, PerItem]:
        """(n, m) screening scores, and how far (n,) each may be from the pair's own."""

    def pairs(self, query: Rows, K: Embeddings, key: Rows) -> PerItem:
        """(p,) final scores of chosen pairs."""


@final
class ProductScreen:
    """Inner products of queries (n, d) and keys in the form in which the product is the score.

    longest
        Length of the longest key, for the error bound.
    """

    def __init__(self, Q: Vectors, similarity: Cosine | Dot, longest: float) -> None:
        self.Q = Q
        self.dtype = Q.dtype
        self.bounded = isinstance(similarity, Cosine)
        error = 2 * Q.shape[1] * float(np.finfo(Q.dtype).eps)
        self.slack: PerItem = np.linalg.norm(Q, axis=1) * Q.dtype.type(error * longest)
        self._whole: EightBitQueries | None = None

    def block(self, K: Embeddings) -> tuple[Scores, PerItem]:
        """(n, m) products, and how far each may be off."""
        return self.Q @ np.asarray(K).T, self.slack

    def pairs(self, query: Rows, K: Embeddings, key: Rows) -> PerItem:
        """(p,) products, within the bounds of the similarity."""
        s = inner(self.Q[query], np.asarray(K)[key])
        return np.clip(s, -1, 1, out=s) if self.bounded else s

    def rough(self, codes: EightBitKeys, bar: PerItem) -> Pairs:
        """Query and key of the pairs that may reach the bar (n,), by eight-bit codes."""
        self._whole = self._whole or EightBitQueries(self.Q)
        return self._whole.survivors(codes, bar - self.slack)


@final
class SimilarityScreen:
    """Any other similarity, by its own matrix."""

    def __init__(self, Q: Embeddings, similarity: Similarity, keys: Embeddings) -> None:
        self.Q = Q
        self.dtype = similarity(take(Q, slice(1)), take(keys, slice(1))).dtype
        self.similarity = similarity

    def block(self, K: Embeddings) -> tuple[Scores, PerItem]:
        """(n, m) scores; nothing is known about their error, so half of their digits are trusted."""
        S = self.similarity(self.Q, K)
        size: PerItem = np.abs(S, where=np.isfinite(S), out=np.zeros_like(S)).max(axis=1, initial=0)
        return S, size * np.sqrt(np.finfo(S.dtype).eps)

    def pairs(self, query: Rows, K: Embeddings, key: Rows) -> PerItem:
        """(p,) scores as the similarity gives them pair by pair."""
        return self.similarity.pairs(take(self.Q, query), take(K, key))


def screen_for(Q: Embeddings, keys: Embeddings, similarity: Similarity, *, longest: float = 1.0) -> Screen:
    """The fastest screen of queries against keys in the form in which an index keeps them.

    longest
        Length of the longest key.
    """
    if not isinstance(similarity, Cosine | Dot):
        return SimilarityScreen(Q, similarity, keys)
    K = vectors(keys)
    return ProductScreen(similarity.to_mips(vectors(Q), side="query").astype(K.dtype, copy=False), similarity, longest)


def survivors(screen: Screen, K: Embeddings, bar: PerItem, k: int | None, visible: Visible) -> Pairs:
    """Query and key of the pairs of a block that may reach the bar (n,) or the block's own k best.

    visible
        (m,) the keys that may be found; all when None.
    """
    S, slack = screen.block(K)
    near = (bar - slack)[:, None] <= S
    if k is not None and np.count_nonzero(near) > CROWD * k * len(S):
        if visible is not None:
            S[:, ~visible] = -np.inf
        near = (np.maximum(bar, kth_best(S, k) - slack) - slack)[:, None] <= S
    query, key = np.divmod(np.flatnonzero(near), S.shape[1])
    if visible is None:
        return query, key
    return query[visible[key]], key[visible[key]]
