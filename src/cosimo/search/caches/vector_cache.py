"""The stored vectors of one kind as one array, read from a cache file that may be deleted at any time.

The file holds X (n, d) float32, then the n row numbers (int64), of the items that were live when it was written, up
to a watermark: the highest row given out by then. Rows are never reused and vectors never change, so the file stays
right; what it lacks is what came later, and what it has too much is what died since.

A file is used when the database knows it: the record of what was written (size, times, inode) lies there, so that
neither a file from another collection nor one that is younger than a restored database can pass for ours. A file that
was written to, replaced or copied differs in one of them, and is written anew; so a collection that came from somewhere
else never answers from its caches. So is one that was written before the store was compacted, as the store then forgot
which of its rows are dead. Where nothing can be written, the same arrays are built in memory.

Pitfalls: trusting a file because its name and size are right.
"""

import contextlib
import io
import logging
import mmap
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, final

import numpy as np

from cosimo.errors import DataError, StoreError
from cosimo.files.atomic import publishing, remove_files, stamp
from cosimo.passport import fingerprint
from cosimo.search.stores.sqlite import SqliteStore
from cosimo.types import Rows, Vectors

YOUNG_ROWS = 1_000
YOUNG_SHARE = 0.10
DEAD_SHARE = 0.20

Prepare = Callable[[Vectors], Vectors]
Arrays = tuple[Vectors, Rows]

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, eq=False)
class VectorCache:
    """Prepared vectors of a store up to a watermark; made by `open`.

    X
        (n, d) float32, read-only, in order of row and part.
    rows
        (n,) the row of the item each vector belongs to, repeated for its parts.
    watermark
        Items beyond this row are not covered.
    """

    X: Vectors
    rows: Rows
    watermark: int

    @classmethod
    def open(
        cls, directory: Path, store: SqliteStore, kind: str, prepare: Prepare | None = None, *, fresh: bool = False
    ) -> "VectorCache":
        """The cache of `kind` in `directory`, written anew when there is no valid one or it is `stale`.

        prepare
            Applied to each block of vectors before it is kept, such as `unit`; a function of a module, as its name
            is part of what makes a cache valid.
        fresh
            Written anew in any case, so that it holds all live rows and no other.

        Raises
        ------
        DataError
            For a `prepare` without a name of its own.
        """
        wanted: dict[str, Any] = {"kind": kind, "prepare": _name(prepare), "passport": fingerprint(store.passport)}
        with store.snapshot():
            wanted["compacted"] = store.compacted
            record = store.cache_record(_key(kind))
            arrays = None if record is None or fresh else _load(directory, record, wanted)
            if record is not None and arrays is not None:
                cache = cls(*arrays, int(record["watermark"]))
                if store.readonly or not cache.stale(store):
                    return cache
            watermark = store.last_row()
            return cls(*_build(directory, store, prepare, {**wanted, "watermark": watermark}), watermark)

    def stale(self, store: SqliteStore) -> bool:
        """Whether so much came or died since it was written that writing it anew pays."""
        young = store.last_row() - self.watermark
        dead = np.isin(self.rows, store.dead()).sum()
        return bool(young > max(YOUNG_ROWS, YOUNG_SHARE * len(self.rows)) or dead > DEAD_SHARE * len(self.rows))


def _load(directory: Path, record: Mapping[str, Any], wanted: Mapping[str, Any]) -> Arrays | None:
    """The arrays of the recorded file, None when it is not the one that was written."""
    try:
        n, d = int(record["n"]), int(record["d"])
        if any(record[key] != value for key, value in wanted.items()):
            return None
        with _path(directory, record["kind"], record["generation"]).open("rb") as file:
            found = stamp(os.fstat(file.fileno()))
            if found != record["stamp"] or found[0] != n * (4 * d + 8):
                return None
            return _mapped(file, n, d)
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _build(directory: Path, store: SqliteStore, prepare: Prepare | None, facts: Mapping[str, Any]) -> Arrays:
    """Write, map and record a new file; the same arrays in memory where that cannot be done."""
    kind, generation = facts["kind"], store.generation
    if not store.readonly:
        path = _path(directory, kind, generation)
        try:
            with contextlib.ExitStack() as opened:
                with publishing(path) as fresh:
                    file = opened.enter_context(fresh.open("wb+"))
                    n, d = _write(file, _blocks(store, kind, prepare))
                    arrays = _mapped(file, n, d)
                # Of the open file, as another process may have put its own at `path` by now.
                record = {"generation": generation, "n": n, "d": d, "stamp": stamp(os.fstat(file.fileno()))}
            if _note(store, {**facts, **record}):
                _remove_others(path, kind)
            return arrays
        except OSError as error:
            log.warning("%s cannot be written (%s); searching from memory", path, error)
    buffer = io.BytesIO()
    n, d = _write(buffer, _blocks(store, kind, prepare))
    return _arrays(buffer.getbuffer().toreadonly(), n, d)


def _blocks(store: SqliteStore, kind: str, prepare: Prepare | None) -> Iterator[tuple[Rows, Vectors]]:
    """Live rows and prepared vectors; at least one block, which may be empty."""
    dead = store.dead()
    yield np.empty(0, np.int64), np.empty((0, store.dims.get(kind, 0)), np.float32)
    for rows, X in store.vectors(kind):
        live = ~np.isin(rows, dead)
        yield rows[live], X[live] if prepare is None else prepare(X[live])


def _write(file: BinaryIO, blocks: Iterable[tuple[Rows, Vectors]]) -> tuple[int, int]:
    """Write vectors, then rows; number of vectors, dimensions."""
    n = d = 0
    with TemporaryFile() as tail:  # the rows of a large collection would fill memory until the vectors are written
        for rows, X in blocks:
            data = np.ascontiguousarray(X, dtype="<f4")
            n, d = n + len(rows), data.shape[1]
            file.write(data.data)
            tail.write(rows.astype("<i8").data)
        tail.seek(0)
        shutil.copyfileobj(tail, file)
    file.flush()
    return n, d


def _mapped(file: BinaryIO, n: int, d: int) -> Arrays:
    return _arrays(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if n else b"", n, d)


def _arrays(buffer: Any, n: int, d: int) -> Arrays:
    X: Vectors = np.frombuffer(buffer, "<f4", n * d).reshape(n, d)
    rows: Rows = np.frombuffer(buffer, "<i8", n, offset=X.nbytes)
    return X, rows if rows.flags.aligned else rows.copy()


def _note(store: SqliteStore, record: Mapping[str, Any]) -> bool:
    """Record a cache file; one that cannot be recorded now is still good for this process."""
    try:
        store.record_cache(_key(record["kind"]), record)
    except StoreError as error:
        log.warning("the cache of vectors could not be recorded and will be written again: %s", error)
        return False
    return True


def _remove_others(path: Path, kind: str) -> None:
    """Remove earlier caches and what a crash left behind; whoever has one open keeps it."""
    names = (f"{_key(kind)}-*.f32*", f".{_key(kind)}-*.f32.*.tmp")
    remove_files((file for name in names for file in path.parent.glob(name)), but=path)


def _key(kind: str) -> str:
    return f"vectors-{kind}"


def _path(directory: Path, kind: str, generation: int) -> Path:
    return directory / f"{_key(kind)}-{int(generation)}.f32"


def _name(prepare: Prepare | None) -> str:
    if prepare is None:
        return ""
    name = getattr(prepare, "__qualname__", "<unnamed>")
    if "<" in name:
        raise DataError(f"prepare must be a function of a module, so that its name identifies it, got {prepare!r}")
    return f"{prepare.__module__}.{name}"
