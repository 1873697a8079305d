"""The approximate index of the vectors of a collection, in a file that may be deleted at any time.

It is made when somebody asks for it and never by itself; without one, search is exact. The file covers rows up to a
watermark, like the cache of vectors: younger ones are searched exactly beside it, dead ones are hidden, so that its age
costs time and no answer. A file is used only when it is the one the database has on record; otherwise search is exact
again, and the log says so.

FAISS maps the file instead of reading it: it is there at once, and processes share its memory.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from cosimo.contracts import Similarity
from cosimo.errors import CosimoError, DataError, StoreError
from cosimo.files.atomic import remove_files, stamp
from cosimo.passport import fingerprint
from cosimo.search.caches.vector_cache import Prepare, VectorCache
from cosimo.search.indexes.container import reading, writing
from cosimo.search.indexes.hnsw import HnswIndex
from cosimo.search.indexes.ivf import IvfIndex
from cosimo.search.stores.sqlite import SqliteStore
from cosimo.types import Rows, Vectors

Approximate = HnswIndex | IvfIndex
KINDS: Mapping[str, type[HnswIndex] | type[IvfIndex]] = {"hnsw": HnswIndex, "ivf": IvfIndex}
AT_ONCE = 1 << 16
"""Vectors added at a time."""
TAUGHT = 1 << 18
"""Vectors an index learns from, at most."""

PATIENCE = 30.0
"""Seconds to wait for another writer before minutes of work are thrown away."""

log = logging.getLogger(__name__)


def empty_index(kind: str | Approximate, similarity: Similarity) -> Approximate:
    """An index to be filled: by name, or the caller's own with its settings.

    Raises
    ------
    DataError
        There is no such index, it holds something, or it ranks by another similarity.
    """
    if isinstance(kind, str):
        if kind not in KINDS:
            raise DataError(f'an index is "hnsw", "ivf" or None, got {kind!r}')
        return KINDS[kind](similarity)
    if len(kind) or kind.scale != similarity.scale:
        raise DataError(
            f'the index must be empty and rank by "{similarity.scale}", got {len(kind)} vectors and "{kind.scale}"'
        )
    return kind


@final
@dataclass(frozen=True, eq=False)
class IndexCache:
    """An index whose ids are positions 0..n-1; made by `open` and `build`.

    rows
        (n,) the row of the item at each position, sorted.
    watermark
        Items beyond this row are not covered.
    """

    index: Approximate
    rows: Rows
    watermark: int

    @classmethod
    def open(cls, directory: Path, store: SqliteStore, kind: str, similarity: Similarity) -> "IndexCache | None":
        """The index of the vectors of a kind, None when there is none, or none that can be trusted."""
        record = store.cache_record(_key(kind))
        if not record:
            return None
        try:
            form = KINDS[record["name"]]
            path = _path(directory, kind, record["generation"], record["name"])
            if stamp(path.stat()) != record["stamp"] or any(record[fact] != now for fact, now in _facts(store).items()):
                raise StoreError(f"{path} is not the file that was written, or older than the last compaction")
            with reading(str(path), record["name"], mapped=True) as file:
                rows = file.array()
                return cls(form.read(file, similarity=similarity), rows, int(record["watermark"]))
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, CosimoError) as error:
            log.warning("the approximate index cannot be used, so search is exact; build it again (%s)", error)
            return None

    @classmethod
    def build(
        cls, index: Approximate, directory: Path, store: SqliteStore, kind: str, prepare: Prepare | None
    ) -> tuple[VectorCache, int]:
        """Fill an empty index with all live vectors and put it in the place of what there was; vectors and file size.

        Others may go on writing meanwhile.

        Raises
        ------
        DataError
            There are no vectors, or too few for the index's settings.
        StoreError
            The file cannot be written.
        """
        if store.readonly:
            raise StoreError(f"{store.path} was opened read-only; open it for writing to build an index")
        with store.snapshot():
            cache = VectorCache.open(directory, store, kind, prepare, fresh=True)
            facts, generation = _facts(store), store.generation
        if not len(cache.X):
            raise DataError("there are no vectors to index; add items first")
        _fill(index, cache.X)
        name = str(index.header["kind"])
        path = _path(directory, kind, generation, name)
        with writing(str(path), index.header) as file:
            file.array(cache.rows)
            index.write(file)
        record = {"name": name, "generation": generation, "watermark": cache.watermark, "stamp": stamp(path.stat())}
        store.record_cache(_key(kind), {**facts, **record}, patience=PATIENCE)
        _remove_files(directory, kind, but=path)
        return cache, path.stat().st_size


def remove_index(directory: Path, store: SqliteStore, kind: str) -> None:
    """Forget the index of a kind; whoever has it open may finish with it."""
    store.record_cache(_key(kind), {}, patience=PATIENCE)
    _remove_files(directory, kind)


def index_record(store: SqliteStore, kind: str) -> dict[str, Any] | None:
    """What the database has on record; another index, another record."""
    return store.cache_record(_key(kind)) or None


def _fill(index: Approximate, X: Vectors) -> None:
    from cosimo._random import generator  # numpy's random part, which searching does without

    sample = np.sort(generator(index.seed).permutation(len(X))[:TAUGHT])
    index.fit(X if len(sample) == len(X) else X[sample])
    for start in range(0, len(X), AT_ONCE):
        block = X[start : start + AT_ONCE]
        index.add(block, np.arange(start, start + len(block)), prepared=True)


def _facts(store: SqliteStore) -> dict[str, Any]:
    """What must not have changed since an index was built: compaction makes a store forget which rows are dead."""
    return {"passport": fingerprint(store.passport), "compacted": store.compacted}


def _remove_files(directory: Path, kind: str, *, but: Path | None = None) -> None:
    """Remove earlier files and what crashes left behind long ago."""
    remove_files((*directory.glob(f"{_key(kind)}-*"), *directory.glob(f".{_key(kind)}-*.tmp")), but=but)


def _key(kind: str) -> str:
    return f"index-{kind}"


def _path(directory: Path, kind: str, generation: int, name: str) -> Path:
    return directory / f"{_key(kind)}-{int(generation)}.{name}"
