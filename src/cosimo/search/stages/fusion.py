r"""Reciprocal rank fusion: several rankings of the same things as one, by their ranks alone.

$$ s(i) = \sum_{r \in R} \frac{1}{c + r(i)} $$

Symbols: R -> the rankings, r(i) -> the place of i in one of them, from 1, c -> `constant`. A thing that a ranking does
not hold gets nothing from it.

Pitfalls: ranks from 0; adding scores of different scales, such as cosines and BM25, which is no sum of anything;
reading a fused score as a degree of likeness: it only orders, and has its own scale.

Reference: Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods (2009),
https://doi.org/10.1145/1571941.1572114
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from cosimo.contracts import Search
from cosimo.errors import DataError
from cosimo.search.indexes.top import check_k, ranked
from cosimo.types import Hits, Query


def reciprocal_rank(lists: Sequence[Hits], k: int, constant: float = 60, *, min_score: float | None = None) -> Hits:
    """The k best of several answers to the same n queries by the sum of their reciprocal ranks, ties by row.

    constant
        How little the first places count above the next: c of the equation.
    min_score
        Lowest fused score worth returning.

    >>> near = Hits(np.array([[4, 7]]), np.array([[0.9, -0.1]]), "cosine")
    >>> words = Hits(np.array([[7, 5]]), np.array([[3.2, 1.1]]), "bm25")
    >>> fused = reciprocal_rank([near, words], k=2)
    >>> fused.rows, fused.scale
    (array([[7, 4]]), 'rrf(cosine, bm25)')

    Raises
    ------
    DataError
        No lists, answers to different numbers of queries, or k < 1.
    """
    check_k(k)
    sizes = {len(hits) for hits in lists}
    if len(sizes) != 1:
        raise DataError(f"fusion wants one or more answers to the same queries, got answers to {sorted(sizes)} queries")
    parts = [(*(cells := np.nonzero(hits.rows >= 0)), hits.rows[cells]) for hits in lists]
    query, place, row = (np.concatenate(column) for column in zip(*parts, strict=True))
    gain = 1 / (constant + 1 + place)
    # Always added from the smallest up: equal ranks in another order of lists give exactly equal sums.
    order = np.lexsort((gain, row, query))
    pairs, gain = np.stack([query, row])[:, order], gain[order]
    starts = np.flatnonzero(np.diff(pairs, axis=1, prepend=-1).any(axis=0))
    score = np.add.reduceat(gain, starts) if starts.size else gain
    kept = score >= (0 if min_score is None else min_score)
    query, row = pairs[:, starts[kept]]
    items = {number: item for hits in reversed(lists) for number, item in hits.items.items()}
    scale = f"rrf({', '.join(hits.scale for hits in lists)})"
    return Hits(*ranked(query, row, score[kept], sizes.pop(), k), scale, items=items)


@final
@dataclass(frozen=True)
class ReciprocalRankFusion:
    """Hybrid search: the nearest vectors and the best lexical matches, fused by rank.

    depth
        Places of each ranking that take part, and no fewer than the hits wanted.
    constant
        How little the first places count above the next.

    `min_score` of the query is on the fused scale.

    >>> def search(query):
    ...     rows = [[4, 7]] if query.by == "vector" else [[7, 5]]
    ...     return Hits(np.array(rows), np.array([[0.5, -0.5]]), query.by)
    >>> ReciprocalRankFusion()(Query(("rice",), k=1), search).rows
    array([[7]])
    """

    depth: int = field(default=100, kw_only=True)
    constant: float = field(default=60, kw_only=True)

    def __call__(self, query: Query, search: Search) -> Hits:
        """Search twice, and fuse.

        Raises
        ------
        DataError
            The query has vectors and no text.
        """
        if query.items is None:
            raise DataError("hybrid search needs the text of the queries, got vectors only; search by vector instead")
        check_k(query.k)
        deep = replace(query, k=max(self.depth, query.k), min_score=None)
        lists = [search(replace(deep, by="vector")), search(replace(deep, by="text"))]
        return reciprocal_rank(lists, query.k, self.constant, min_score=query.min_score)
