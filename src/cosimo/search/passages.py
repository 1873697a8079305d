"""Which part of a long item answers a query: the passage shown with a hit, however the hit was found.

Passages are chosen after the search, for the few items that are shown, so every stage may rank items as it likes.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from cosimo.contracts import Similarity
from cosimo.search.stores.sqlite import SqliteStore
from cosimo.types import Rows, Vectors

Choice = Callable[[int, Rows, Rows], Iterable[int]]
"""`choice(row, queries, spans)`: of the passages of an item, (p, 2) in characters, the best for each of the queries."""


def best_passages(store: SqliteStore, kind: str, rows: Rows, choice: Choice) -> Rows:
    """(n, k, 2) where the best passage of each hit starts and stops in its text.

    rows
        (n, k) the hits, -1 where there is none.
    """
    best = np.zeros((*rows.shape, 2), np.int64)
    order = np.argsort(rows, axis=None, kind="stable")
    found, starts = np.unique(rows.ravel()[order], return_index=True)
    places = store.spans(kind, found[found >= 0].tolist())
    for row, cells in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        if row in places:
            query, column = np.unravel_index(cells, rows.shape)
            spans = np.array(places[row], np.int64)
            best[query, column] = spans[0] if len(spans) == 1 else spans[list(choice(row, query, spans))]
    return best


def by_meaning(store: SqliteStore, kind: str, Q: Vectors, similarity: Similarity) -> Choice:
    """The passage whose vector is nearest to that of the query; of equals the first."""

    def choice(row: int, queries: Rows, spans: Rows) -> list[int]:
        K = np.concatenate([X for _, X in store.vectors(kind, after=row - 1, upto=row)])
        best: list[int] = similarity(Q[queries], K).argmax(axis=1).tolist()
        return best

    return choice


def by_words(texts: list[str], text_of: Callable[[int], str]) -> Choice:
    """The passage that holds most of the different words of the query; of equals the first."""
    words = [set(re.findall(r"\w+", text.casefold())) for text in texts]

    def choice(row: int, queries: Rows, spans: Rows) -> Iterator[int]:
        held = [set(re.findall(r"\w+", text_of(row)[start:stop].casefold())) for start, stop in spans.tolist()]
        return (max(range(len(held)), key=lambda part: len(held[part] & words[query])) for query in queries.tolist())

    return choice
