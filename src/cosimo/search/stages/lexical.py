"""Lexical search alone: answers by shared words (BM25), as the baseline that every vector search should beat."""

from dataclasses import dataclass, replace
from typing import final

from cosimo.contracts import Search
from cosimo.errors import DataError
from cosimo.types import Hits, Query


@final
@dataclass(frozen=True)
class Lexical:
    """Answer n queries from the text index and not from vectors: hits (n, k) and `min_score` on the scale of BM25.

    >>> Lexical()(Query(("rice",)), lambda query: Hits.empty(len(query), query.by)).scale
    'text'
    """

    def __call__(self, query: Query, search: Search) -> Hits:
        """Search by text.

        Raises
        ------
        DataError
            The query has vectors and no text.
        """
        if query.items is None:
            raise DataError("lexical search needs the text of the queries, got vectors only")
        return search(replace(query, by="text"))
