"""Building the approximate index of a collection, and measuring what it costs and what it misses."""

import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo.search.caches.index_cache import Approximate, IndexCache, empty_index, index_record, remove_index
from cosimo.search.caches.vector_cache import DEAD_SHARE, YOUNG_SHARE
from cosimo.search.recall import Recall, recall_of, recall_of_stored
from cosimo.search.view import VectorView
from cosimo.types import Vectors


@final
@dataclass(frozen=True)
class IndexReport:
    """What `Collection.index` built: how many vectors, in what time and size, and its recall against exact search.

    recall
        For a sample of the stored vectors, each of which looks for others.
    recall_of_queries
        For queries, where some were given: what users will see, if the queries are like theirs.
    """

    kind: str
    vectors: int
    seconds: float
    bytes: int
    recall: Recall
    recall_of_queries: Recall | None


def build_index(view: VectorView, kind: str | Approximate | None, Q: Vectors | None = None) -> IndexReport | None:
    """Fill an index with the vectors of a view, store it, and measure it; the view searches with it from then on.

    kind
        A name, an empty index, or None to remove what there is.
    Q
        Queries (n, d) to measure it with, besides stored vectors.
    """
    if kind is None:
        remove_index(view.directory, view.store, view.kind)
        return None
    started = time.perf_counter()
    index = empty_index(kind, view.similarity)
    cache, size = IndexCache.build(index, view.directory, view.store, view.kind, view.prepare)
    seconds = time.perf_counter() - started
    exact = view.exact(cache.X)
    stored = recall_of_stored(index, exact, cache.X)
    of_queries = None if Q is None else recall_of(index, exact, Q)
    return IndexReport(str(index.header["kind"]), len(index), seconds, size, stored, of_queries)


def index_state(view: VectorView) -> dict[str, Any] | None:
    """Which index there is, what it covers, and whether it is time to build it again; None when search is exact."""
    record = index_record(view.store, view.kind)
    if record is None:
        return None
    cache = IndexCache.open(view.directory, view.store, view.kind, view.similarity)
    if cache is None:
        return {"kind": record.get("name"), "state": "cannot be used, so search is exact; build it again"}
    n, newer = len(cache.rows), int((view.store.rows() > cache.watermark).sum())
    deleted = int(np.isin(cache.rows, view.store.dead()).sum())
    old = newer > YOUNG_SHARE * n or deleted > DEAD_SHARE * n
    state = "old, so search is slower; build it again" if old else "good"
    return {"kind": record["name"], "vectors": n, "newer": newer, "deleted": deleted, "state": state}
