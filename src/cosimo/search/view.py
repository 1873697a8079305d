"""The vectors of a collection as one searchable whole: an index if there is one, a cached block, and what came since.

The database is the truth. Each file covers rows up to a watermark: what the index does not cover is searched in the
cache of vectors, and what that does not cover is read from the database; dead rows are masked. So an answer never
depends on how old the files are. Where a filter leaves so little that looking at all of it costs less than the index,
the index is passed over, and the answer is that of exact search.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, final

import numpy as np

from cosimo._arrays import unit
from cosimo.contracts import Index, Similarity
from cosimo.errors import StoreError
from cosimo.search.caches.index_cache import Approximate, IndexCache, index_record
from cosimo.search.caches.vector_cache import Prepare, VectorCache
from cosimo.search.grouping import best_items
from cosimo.search.indexes.exact import ExactIndex
from cosimo.search.indexes.top import merge
from cosimo.search.stores.sqlite import SqliteStore
from cosimo.types import Hits, Rows, Vectors


class VectorView:
    """Search over the live vectors of one kind in a store, exact unless an index was built; threads may share it.

    directory
        Where the cache files lie.
    """

    def __init__(self, store: SqliteStore, directory: Path, similarity: Similarity, *, kind: str = "whole") -> None:
        self.store = store
        self.directory = directory
        self.similarity = similarity
        self.kind = kind
        # Replaced as a whole and never changed, so that a thread always searches the blocks of one state.
        self._seen = _Seen(None, [])
        self._lock = Lock()

    def search(self, Q: Vectors, k: int, *, min_score: float | None = None, allowed: Rows | None = None) -> Hits:
        """The k best live rows of each query, best first, ties by row.

        allowed
            Sorted rows to choose from; all live ones when None.
        """
        hits = Hits.empty(len(Q), self.similarity.scale)
        for block in self.refresh().blocks(k, allowed):
            hits = merge(hits, block.search(Q, k, min_score, allowed), k)
        return hits

    def refresh(self) -> "_Seen":
        """Take in what was committed since the last call, by this process or another; what is to be searched."""
        with self.store.snapshot():
            state = self.store.generation, index_record(self.store, self.kind)
            seen = self._seen
            if seen.state != state:
                with self._lock:  # of several threads one reads, and the others wait for it
                    seen = self._seen
                    if seen.state != state:
                        self._seen = seen = self._read(state)
        return seen

    @property
    def prepare(self) -> Prepare | None:
        """The form in which vectors are searched."""
        return unit if self.similarity.scale == "cosine" else None

    def exact(self, X: Vectors) -> ExactIndex:
        """Exact search over prepared vectors (n, d), with ids 0..n-1."""
        return ExactIndex.over(X, np.arange(len(X)), similarity=self.similarity, prepared=True)

    def _read(self, state: Any) -> "_Seen":
        dead = self.store.dead()
        cache = VectorCache.open(self.directory, self.store, self.kind, self.prepare)
        exact = [_Block(self.exact(cache.X), cache.rows, dead), *self._young(cache.watermark, dead)]
        self._require_all(exact, dead)
        indexed = IndexCache.open(self.directory, self.store, self.kind, self.similarity)
        if indexed is None:
            return _Seen(state, exact)
        indexed.index.remove(np.flatnonzero(_member(indexed.rows, dead)))
        start = int(np.searchsorted(cache.rows, indexed.watermark, side="right"))
        newer = _Block(self.exact(cache.X[start:]), cache.rows[start:], dead)
        young = self._young(max(cache.watermark, indexed.watermark), dead)
        by_index = [_Block(indexed.index, indexed.rows, dead[:0]), newer, *young]
        self._require_all(by_index, dead)
        return _Seen(state, exact, by_index, indexed.index)

    def _require_all(self, blocks: "list[_Block]", dead: Rows) -> None:
        """Refuse to search when some items have no vectors, or some vectors no items."""
        held = sum(int((_first(block.rows) & ~_member(block.rows, dead)).sum()) for block in blocks)
        if held != self.store.count():
            raise StoreError(
                f"{self.store.path}: the database is damaged, it holds {self.store.count()} items and vectors of "
                f"{held}; restore a backup"
            )

    def _young(self, watermark: int, dead: Rows) -> "list[_Block]":
        """What came after the watermark, as a block, if anything did."""
        young = [*self.store.vectors(self.kind, after=watermark)]
        if not young:
            return []
        rows, X = (np.concatenate(column) for column in zip(*young, strict=True))
        return [_Block(ExactIndex.over(X, np.arange(len(X)), similarity=self.similarity), rows, dead)]


@final
@dataclass(frozen=True, eq=False)
class _Seen:
    """What there is to be searched in one state of the store."""

    state: Any
    exact: "list[_Block]"
    by_index: "list[_Block]" = field(default_factory=list)
    index: Approximate | None = None

    def blocks(self, k: int, allowed: Rows | None) -> "list[_Block]":
        """All vectors once, in the blocks that are searched fastest."""
        if self.index is None:
            return self.exact
        vectors = len(self.index)
        count = vectors if allowed is None else min(vectors, len(allowed) * vectors // self.by_index[0].items)
        return self.by_index if self.index.pays(k, count) else self.exact


class _Block:
    """An index over positions 0..n-1, and the row each position belongs to (sorted, repeated for several parts)."""

    def __init__(self, index: Index, rows: Rows, dead: Rows) -> None:
        self.index = index
        self.rows = rows
        self.live = None if not dead.size else ~_member(rows, dead)
        self.items = int(_first(rows).sum())
        self.several = self.items < len(rows)

    def search(self, Q: Vectors, k: int, min_score: float | None, allowed: Rows | None) -> Hits:
        positions = self._positions(allowed)
        if not len(self.rows) or (positions is not None and not positions.size):
            return Hits.empty(len(Q), self.index.scale)
        search = partial(self.index.search, min_score=min_score, allowed=positions)
        if self.several:
            return best_items(search, Q, k, self.rows)
        hits = search(Q, k)
        return Hits(np.where(hits.rows >= 0, self.rows[hits.rows], -1), hits.scores, hits.scale)

    def _positions(self, allowed: Rows | None) -> Rows | None:
        if allowed is None:
            return None if self.live is None else np.flatnonzero(self.live)
        mask = _member(self.rows, allowed)
        return np.flatnonzero(mask if self.live is None else mask & self.live)


def _member(rows: Rows, among: Rows) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether each of the sorted `rows` is among the sorted, distinct `among`."""
    if not among.size:
        return np.zeros(len(rows), np.bool_)
    return np.equal(among.take(np.searchsorted(among, rows), mode="clip"), rows)


def _first(rows: Rows) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether each of the sorted `rows` differs from the one before it."""
    first = np.ones(len(rows), np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return first
