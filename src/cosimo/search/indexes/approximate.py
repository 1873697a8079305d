"""What FAISS leaves to its caller: ids, removal, filters that keep k, scores of the similarity itself, and files.

FAISS filters while it walks: a graph whose walk is allowed few nodes loses its way, and recall falls to a fraction.
Here a filter is applied after the walk, and the walk is made as much longer as the filter is selective:

- the share $s$ of rows that may be found is known, so $2k / s$ neighbours are asked for, with $1 / s$ of the effort;
- when that would cost more than scoring every allowed row, these are scored instead;
- a query that still finds fewer than k (its neighbours are just those the filter excludes) is answered exactly.

So k hits come back whenever k exist, and a filter that goes against the query costs time, not recall.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from math import ceil
from types import ModuleType
from typing import Any, Protocol, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.compare import Cosine, Dot, Euclidean, resolve
from cosimo.contracts import Similarity
from cosimo.errors import DataError
from cosimo.search.indexes.container import Reader, Writer
from cosimo.search.indexes.exact import ExactIndex
from cosimo.search.indexes.rows import new_ids
from cosimo.search.indexes.screens import screen_for
from cosimo.search.indexes.top import Running, check_k
from cosimo.types import Codes, Embeddings, Gaussians, Hits, Rows, Tokens, Vectors

GATHERED = 1 << 16
"""Rows scored exactly at once."""
WORN = 0.2
"""Share of removed rows from which an index is built again."""


class Effort(Protocol):
    """How hard an index searches, and what that costs."""

    def rows(self, size: int) -> float:
        """Rows that a plain search of an index of this size compares with the query."""

    def parameters(self, wanted: int, size: int, share: float) -> Any:
        """FAISS's own parameters to find that many neighbours, of which a share may be shown."""


@cache
def library() -> ModuleType:
    """FAISS, loaded when it is first needed."""
    faiss = import_module("faiss")
    if hasattr(os, "register_at_fork"):
        # A fork waits for ever for the threads that OpenMP had before it; with one thread it needs none.
        os.register_at_fork(after_in_child=partial(faiss.omp_set_num_threads, 1))
    return faiss


def measure_of(similarity: str | Similarity) -> int:
    """The FAISS metric that ranks as the similarity does.

    Raises
    ------
    DataError
        FAISS has none.
    """
    faiss = library()
    match resolve(similarity):
        case Cosine() | Dot():
            return int(faiss.METRIC_INNER_PRODUCT)
        case Euclidean():
            return int(faiss.METRIC_L2)
        case other:
            raise DataError(
                f'an approximate index knows cosine, dot and euclidean, got "{other.scale}"; use ExactIndex'
            )


def plain(X: Embeddings, *, name: str = "X", dim: int | None = None) -> Vectors:
    """X as checked vectors (n, d), refused when it is another kind of embedding."""
    if isinstance(X, Tokens | Gaussians | Codes):
        raise DataError(f"an approximate index compares vectors (n, d), got {type(X).__name__}; use ExactIndex")
    return as_vectors(X, name=name, dim=dim)


def formed(X: Embeddings, similarity: str | Similarity, *, dim: int | None = None, prepared: bool = False) -> Vectors:
    """X (n, d) as FAISS takes it: float32, and of length 1 for cosine, unless it is `prepared` already."""
    X = plain(X, dim=dim)
    if isinstance(resolve(similarity), Cosine) and not prepared:
        X = Cosine().to_mips(X, side="key")
    return np.ascontiguousarray(X, np.float32)


@contextmanager
def on_threads(n: int) -> Iterator[None]:
    """FAISS on n threads; on more than one, the order of work may change what is built."""
    faiss = library()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(n)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def lifted(X: Vectors, length: float) -> Vectors:
    """X (n, d) with one more coordinate, by which every row gets the same length; 0 for rows that are longer.

    >>> lifted(np.array([[3.0, 0.0], [0.0, -6.0]]), 5.0)
    array([[ 3.,  0.,  4.],
           [ 0., -6.,  0.]])
    """
    squares = np.einsum("nd,nd->n", X, X, dtype=np.float64)
    return np.column_stack([X, np.sqrt(np.maximum(length**2 - squares, 0)).astype(X.dtype)])


@final
@dataclass(frozen=True, eq=False)
class Neighbours:
    """A FAISS index that can reconstruct its rows, and the id of each row, -1 once it is removed.

    length
        What its rows are `lifted` to; 0 when they are kept as they are.
    """

    index: Any
    similarity: Similarity
    ids: Rows
    length: float = 0.0

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return int(self.index.d) - bool(self.length)

    def __len__(self) -> int:
        return int((self.ids >= 0).sum())

    @property
    def worn(self) -> bool:
        """Whether so many rows are removed that the index should be built again."""
        return len(self) < (1 - WORN) * len(self.ids)

    def added(self, X: Vectors, ids: Rows) -> "Neighbours":
        """With n more rows, prepared, under new ids."""
        ids = new_ids(ids, len(X), self.ids)
        self.index.add(lifted(X, self.length) if self.length else X)
        return replace(self, ids=np.concatenate([self.ids, ids]))

    def removed(self, ids: Rows) -> "Neighbours":
        """Without these ids; their rows stay, and are found no more."""
        return replace(self, ids=np.where(np.isin(self.ids, ids), -1, self.ids))

    def keys(self, rows: Rows) -> Vectors:
        """(p, d) the vectors as FAISS keeps them."""
        X: Vectors = self.index.reconstruct_batch(rows)
        return np.ascontiguousarray(X[:, :-1]) if self.length else X

    def live(self) -> tuple[Vectors, Rows]:
        """Vectors and ids that are not removed."""
        rows = np.flatnonzero(self.ids >= 0)
        return self.keys(rows), self.ids[rows]

    def pays(self, k: int, count: int, effort: Effort) -> bool:
        """Whether to walk for k neighbours, when `count` rows are allowed, costs less than to look at all of these."""
        size = len(self.ids)
        return count * count > effort.rows(size) * size and 4 * self._wanted(k, count) < size

    def search(
        self, Q: Embeddings, k: int | None, effort: Effort, *, min_score: float | None, allowed: Rows | None
    ) -> Hits:
        """The contract's search; everything above `min_score` (k None) is found by looking at every row."""
        check_k(k)
        Q = plain(Q, name="queries", dim=self.dim)
        open_ = self.ids >= 0 if allowed is None else np.isin(self.ids, allowed) & (self.ids >= 0)
        count, size = int(np.count_nonzero(open_)), len(self.ids)
        best = Running(len(Q), k, floor=min_score, dtype=np.float32)
        short = np.arange(len(Q))
        if k is not None and count and self.pays(k, count, effort):
            wanted = self._wanted(k, count)
            short = self._walk(Q, best, open_, wanted, effort.parameters(wanted, size, count / size))
        if len(short):
            self._scan(Q, best, np.flatnonzero(open_), short)
        return Hits(*best.result(), self.similarity.scale)

    def _wanted(self, k: int, count: int) -> int:
        """Neighbours to ask for, so that k of them are likely to be allowed."""
        return k if count == len(self.ids) else ceil(2 * k * len(self.ids) / count)

    def _walk(self, Q: Vectors, best: Running, open_: Any, wanted: int, parameters: Any) -> Rows:
        """Offer what FAISS finds; the queries it found too little for."""
        if not len(Q):
            return np.empty(0, np.int64)
        X = formed(Q, self.similarity)
        found = self.index.search(np.pad(X, [(0, 0), (0, 1)]) if self.length else X, wanted, params=parameters)[1]
        kept = open_[found] & (found >= 0)
        short: Rows = np.flatnonzero(kept.sum(axis=1) < (best.k or 0))
        kept[short] = False
        for start in range(0, len(Q), step := max(GATHERED // wanted, 1)):
            query, place = np.nonzero(kept[start : start + step])
            query = query + start
            rows = found[query, place]
            keys = self.keys(rows)
            scores = screen_for(Q, keys, self.similarity).pairs(query, keys, np.arange(len(rows)))
            best.offer(query, self.ids[rows], scores)
        return short

    def _scan(self, Q: Vectors, best: Running, rows: Rows, queries: Rows) -> None:
        """Offer the best of some rows to some queries, by looking at all these rows."""
        for start in range(0, len(rows), GATHERED):
            some = rows[start : start + GATHERED]
            block = ExactIndex.over(self.keys(some), self.ids[some], similarity=self.similarity, prepared=True)
            hits = block.search(Q[queries], best.k, min_score=None if best.k else float(best.bar[0]))
            query, place = np.nonzero(hits.rows >= 0)
            best.offer(queries[query], hits.rows[query, place], hits.scores[query, place])

    def write(self, file: Writer) -> None:
        """Ids and length, then FAISS's own bytes, which go last."""
        faiss = library()
        file.array(self.ids)
        file.array(np.array([self.length]))
        faiss.write_index(self.index, faiss.PyCallbackIOWriter(file.write))

    @classmethod
    def read(cls, file: Reader, similarity: str | Similarity) -> "Neighbours":
        """What `write` wrote."""
        faiss = library()
        ids, (length,) = file.array(), file.array().tolist()
        if not file.mapped:
            index = faiss.read_index(faiss.PyCallbackIOReader(file.file.read))
            return cls(index, resolve(similarity), ids, length)
        source = file.rest()
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(source), source.size)
        index = faiss.read_index(reader, faiss.IO_FLAG_MMAP_IFC)
        index.referenced_objects = [source]  # FAISS goes on reading from it, and does not keep it by itself
        return cls(index, resolve(similarity), ids, length)
