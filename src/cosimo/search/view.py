"""The vectors of a collection as one searchable whole: a cached block, plus what was written since.

The database is the truth. A cache file covers rows up to a watermark; younger rows are read from the database and
searched beside it; dead rows are masked. So an answer never depends on how old the cache is.
"""

from pathlib import Path
from threading import Lock

import numpy as np

from cosimo._arrays import unit
from cosimo.contracts import Similarity
from cosimo.search.indexes.exact import ExactIndex
from cosimo.search.indexes.top import merge
from cosimo.search.stores.sqlite import SqliteStore
from cosimo.search.vector_cache import VectorCache
from cosimo.types import Hits, Rows, Vectors


class VectorView:
    """Exact search over the live vectors of one kind in a store; threads may share it.

    directory
        Where the cache files lie.
    """

    def __init__(self, store: SqliteStore, directory: Path, similarity: Similarity, *, kind: str = "whole") -> None:
        self.store = store
        self.directory = directory
        self.similarity = similarity
        self.kind = kind
        # Replaced as a whole and never changed, so that a thread always searches the blocks of one generation.
        self._seen: tuple[int, list[_Block]] = (-1, [])
        self._lock = Lock()

    def search(self, Q: Vectors, k: int, *, min_score: float | None = None, allowed: Rows | None = None) -> Hits:
        """The k best live rows of each query, best first, ties by row.

        allowed
            Sorted rows to choose from; all live ones when None.
        """
        hits = Hits.empty(len(Q), self.similarity.scale)
        for block in self.refresh():
            hits = merge(hits, block.search(Q, k, min_score, allowed), k)
        return hits

    def refresh(self) -> "list[_Block]":
        """Take in what was committed since the last call, by this process or another; what is to be searched."""
        with self.store.snapshot():
            generation = self.store.generation
            seen, blocks = self._seen
            if seen != generation:
                with self._lock:  # of several threads one reads, and the others wait for it
                    seen, blocks = self._seen
                    if seen != generation:
                        blocks = self._read()
                        self._seen = generation, blocks
        return blocks

    def _read(self) -> "list[_Block]":
        prepare = unit if self.similarity.scale == "cosine" else None
        cache = VectorCache.open(self.directory, self.store, self.kind, prepare)
        young = [*self.store.vectors(self.kind, after=cache.watermark)]
        dead = self.store.dead()
        cached = ExactIndex.over(cache.X, np.arange(len(cache.X)), similarity=self.similarity, prepared=True)
        blocks = [_Block(cached, cache.rows, dead)]
        if young:
            rows, X = (np.concatenate(column) for column in zip(*young, strict=True))
            fresh = ExactIndex.over(X, np.arange(len(X)), similarity=self.similarity)
            blocks.append(_Block(fresh, rows, dead))
        return blocks


class _Block:
    """An index over positions 0..n-1, and the row each position belongs to (sorted, repeated for several parts)."""

    def __init__(self, index: ExactIndex, rows: Rows, dead: Rows) -> None:
        self.index = index
        self.rows = rows
        self.live = None if not dead.size else ~_member(rows, dead)
        self.parts = int(np.unique(rows, return_counts=True)[1].max(initial=1))

    def search(self, Q: Vectors, k: int, min_score: float | None, allowed: Rows | None) -> Hits:
        positions = self._positions(allowed)
        if not len(self.rows) or (positions is not None and not positions.size):
            return Hits.empty(len(Q), self.index.scale)
        wanted = k if self.parts == 1 else k * self.parts
        hits = self.index.search(Q, wanted, min_score=min_score, allowed=positions)
        found = np.where(hits.rows >= 0, self.rows[hits.rows], -1)
        if self.parts == 1:
            return Hits(found, hits.scores, hits.scale)
        return best_per_row(Hits(found, hits.scores, hits.scale), k)

    def _positions(self, allowed: Rows | None) -> Rows | None:
        if allowed is None:
            return None if self.live is None else np.flatnonzero(self.live)
        mask = _member(self.rows, allowed)
        return np.flatnonzero(mask if self.live is None else mask & self.live)


def best_per_row(hits: Hits, k: int) -> Hits:
    """Keep each row's best score only, then the k best rows; `hits` is sorted already.

    >>> several = Hits(np.array([[7, 7, 3]]), np.array([[0.9, 0.8, -0.1]]), "cosine")
    >>> best_per_row(several, 2).rows
    array([[7, 3]])
    """
    rows = np.full((len(hits), k), -1, np.int64)
    scores = np.full((len(hits), k), -np.inf, hits.scores.dtype)
    for i in range(len(hits)):
        first = np.sort(np.unique(hits.rows[i], return_index=True)[1])
        keep = first[hits.rows[i][first] >= 0][:k]
        rows[i, : len(keep)], scores[i, : len(keep)] = hits.rows[i][keep], hits.scores[i][keep]
    return Hits(rows, scores, hits.scale)


def _member(rows: Rows, among: Rows) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether each of the sorted `rows` is among the sorted, distinct `among`."""
    at = np.searchsorted(among, rows)
    return np.equal(among.take(at, mode="clip"), rows) if among.size else np.zeros(len(rows), np.bool_)
