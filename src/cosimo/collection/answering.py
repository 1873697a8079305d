"""One search of a collection: the innermost answers, by vector and by words, and what is shown of the items found."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.contracts import Search, Stage
from cosimo.encode import check_texts
from cosimo.errors import DataError, StoreError
from cosimo.search.passages import best_passages, by_meaning, by_words
from cosimo.search.view import VectorView
from cosimo.types import Hits, Item, Query, Rows, Vectors


def query_of(queries: Any, k: int, where: str | None, min_score: float | None, *, dim: int) -> Query:
    """What the outermost stage receives: one text, a list of items, or vectors (n, dim)."""
    if k < 1:
        raise DataError(f"k must be at least 1, got {k}")
    if isinstance(queries, np.ndarray):
        return Query(None, as_vectors(queries, name="queries", dim=dim), k, where, min_score)
    items = (queries,) if isinstance(queries, str) else tuple(queries)
    return Query(items, None, k, where, min_score)


class Answering:
    """Answers below all stages, made anew for each search.

    encode
        Items of queries to vectors (n, dim); called when somebody needs them.
    """

    def __init__(self, view: VectorView, encode: Callable[[Sequence[Any]], Vectors], *, dim: int) -> None:
        self.store = view.store
        self.view = view
        self.encode = encode
        self.dim = dim
        self.asked: Vectors | None = None
        """The vectors that were searched with first."""

    def __call__(self, query: Query) -> Hits:
        """The k best rows of each query."""
        return self._by_text(query) if query.by == "text" else self._by_vector(query)

    def through(self, stages: Sequence[Stage], query: Query) -> Hits:
        """The answer of all stages, outermost first, with what is stored under its rows."""
        answer: Search = self
        for stage in reversed(stages):
            answer = partial(stage, search=answer)
        with self.store.snapshot():  # one state throughout, whatever others commit meanwhile
            return self._shown(query, answer(query))

    def _shown(self, query: Query, hits: Hits) -> Hits:
        """The hits with their items and, where texts were split, the best passages."""
        rows = sorted({*hits.rows[hits.rows >= 0].tolist()})
        items = self.store.items(rows)
        if len(items) < len(rows):
            gone = next(row for row in rows if row not in items)
            raise StoreError(
                f"row {gone} of the answer holds no item; the collection is damaged, or a stage made it up"
            )
        return hits.with_items(items, self._passages(query, hits.rows, items) if self.view.kind == "chunk" else None)

    def _by_vector(self, query: Query) -> Hits:
        X: Any = query.X if query.X is not None else self.encode(query.items or ())
        Q = as_vectors(X, name="queries", dim=self.dim)
        if self.asked is None:
            self.asked = Q
        allowed = None if query.where is None else self.store.rows(query.where)
        return self.view.search(Q, query.k, min_score=query.min_score, allowed=allowed)

    def _by_text(self, query: Query) -> Hits:
        if query.items is None:
            raise DataError("searching by words needs the queries' texts, got only vectors")
        rows = np.full((len(query), query.k), -1, np.int64)
        scores = np.full((len(query), query.k), -np.inf, np.float32)
        for i, text in enumerate(check_texts(query.items)):
            found, bm25 = self.store.search(text, query.k, where=query.where)
            if query.min_score is not None:
                found, bm25 = found[bm25 >= query.min_score], bm25[bm25 >= query.min_score]
            rows[i, : len(found)], scores[i, : len(found)] = found, bm25
        return Hits(rows, scores, "bm25")

    def _passages(self, query: Query, rows: Rows, items: Mapping[int, Item]) -> Rows | None:
        """(n, k, 2) by meaning where there are vectors, by words where a search had no need of them."""
        kind = self.view.kind
        if self.asked is not None and len(self.asked) == len(rows):
            return best_passages(self.store, kind, rows, by_meaning(self.store, kind, self.asked, self.view.similarity))
        if query.items is None:
            return None
        texts = [str(item) for item in query.items]
        return best_passages(self.store, kind, rows, by_words(texts, lambda row: items[row].text or ""))
