"""A collection's items and vectors in one SQLite file that survives crashes and other processes.

Every change is one transaction, written to the log and flushed before the call returns: after a crash, all of it is
there or none. The number of changes is the store's `generation`. An item that is replaced or deleted leaves a dead
row behind until `compact`; its row number is never given out again, so that an index built earlier cannot answer
with something else. Several processes may open the file, and threads may share a store: each call reads the last
committed state, and writers wait for each other.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, final

import numpy as np

from cosimo.contracts import AddOutcome
from cosimo.errors import DataError, StoreError
from cosimo.search.filters import LARGEST, Value, compile_filter
from cosimo.search.stores import schema
from cosimo.search.stores import statements as sql
from cosimo.search.stores.connections import Connections
from cosimo.search.stores.incoming import check_batch
from cosimo.search.stores.shelf import Shelf
from cosimo.types import Item, PerItem, Rows, Tokens, Vectors

BLOCK = 4_096  # vectors read at a time


@final
class SqliteStore:
    """The durable side of a collection; `create` makes one, `open` reads one.

    Errors of every method: `StoreError` when the file cannot be read or written, is damaged, or stays locked by
    another writer; `FilterError` for a `where` that cannot be used. Rules and the ledger of labels are on the `shelf`.

    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> store = SqliteStore.create(Path(folder.name) / "items.db", fields={"year": int}, passport={}, settings={})
    >>> items = [Item(-1, "a", "a red apple", {"year": 1999}), Item(-1, "b", "a green pear")]
    >>> store.add(items, {"whole": Tokens.stack([np.array([[1.0, -2.0]]), np.array([[0.5, 3.0]])])}).rows
    array([1, 2])
    >>> store.count("year >= -5"), [item.id for item in store.scan(where="year is missing")]
    (1, ['b'])
    >>> store.search("pears!", k=5)[0]
    array([2])
    >>> store.close(); folder.cleanup()
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        if not path.is_file():
            raise StoreError(f"{path} does not exist; create the collection first")
        self.path = path
        self.readonly = readonly
        self._connections = Connections(path, readonly=readonly)
        self.shelf = Shelf(self._connections)
        try:
            self._read_settings()
        except BaseException:
            self._connections.close()
            raise

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        fields: Mapping[str, type] | None = None,
        passport: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> "SqliteStore":
        """A new, empty store at `path`.

        fields
            Names and types (int, float, str, bool) of payload entries that filters may use.

        Raises
        ------
        StoreError
            When there is a file already.
        """
        declared = schema.check_fields(fields or {})
        schema.create_database(path, declared, {"passport": dict(passport), "settings": dict(settings)})
        return cls(path)

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False) -> "SqliteStore":
        """The store at `path`; an older format is brought up to date unless `readonly`."""
        return cls(path, readonly=readonly)

    @property
    def generation(self) -> int:
        """Number of changes committed so far, by any process."""
        return int(self._meta("generation"))

    @property
    def compacted(self) -> int:
        """The generation of the last `compact` that dropped something, 0 before."""
        return int(self._meta("compacted"))

    @property
    def dims(self) -> dict[str, int]:
        """Dimensions of the stored vectors, by kind."""
        return dict(self._meta("dims"))

    def add(
        self,
        items: Sequence[Item],
        vectors: Mapping[str, Tokens],
        *,
        spans: Mapping[str, Rows] | None = None,
        on_conflict: sql.Conflict = "error",
    ) -> AddOutcome:
        """Write n items with their vectors, all or none of them.

        items
            Their `row` is ignored; values of declared fields come from the payload.
        vectors
            By kind, one entry an item: its parts, often a single vector. Kept as float32.
        spans
            (N, 2) by kind: where each part starts and stops in its item's text.
        on_conflict
            What to do about an id that is there already, or comes twice: refuse all, let the last one replace what
            was there, or keep the first.

        Raises
        ------
        DataError
            For repeated ids, and values that cannot be stored; the message names them.
        ShapeError
            When the counts do not match, or the dimensions differ from those stored under the same kind.
        """
        if on_conflict not in ("error", "replace", "skip"):
            raise DataError(f'on_conflict is "error", "replace" or "skip", got {on_conflict!r}')
        batch = check_batch(items, vectors, spans or {}, self.fields)
        with self._writing() as db:
            live = sql.live_rows(db, batch.ids)
            kept = sql.kept_positions(batch, live, on_conflict)
            replaced = [live[batch.ids[i]] for i in kept if batch.ids[i] in live]
            sql.bury(db, replaced)
            rows = np.full(len(batch.ids), -1, np.int64)
            if kept:
                sql.declare_dims(db, batch)
                rows[kept] = np.arange(len(kept)) + sql.insert(db, batch, kept)
        return AddOutcome(len(kept) - len(replaced), len(replaced), len(batch.ids) - len(kept), rows)

    def delete(self, ids: Sequence[str] | None = None, *, where: str | None = None) -> int:
        """Forget the items under `ids`, or those that pass `where`; how many there were.

        They are found no more at once; their bytes stay in the file until `compact`. `DataError` for both or neither.
        """
        if (ids is None) == (where is None):
            raise DataError('delete wants either ids or where; every item passes where="id is not missing"')
        condition, values = self._condition(where)
        with self._writing() as db:
            if ids is not None:
                rows = list(sql.live_rows(db, sql.listed(ids)).values())
            else:
                rows = [row for (row,) in db.execute(f"SELECT row FROM items WHERE {condition}", values)]
            sql.bury(db, rows)
        return len(rows)

    def compact(self) -> int:
        """Drop dead items and their vectors from the file; how many there were. The file keeps its size for reuse.

        `dead` lists them no more, so caches made before `compacted` are void.
        """
        with self._writing() as db:
            dropped = sql.drop_dead(db, schema.read_meta(db, "dims"))
            if dropped:
                schema.write_meta(db, "compacted", schema.read_meta(db, "generation") + 1)
        return dropped

    def check(self) -> None:
        """Read everything once: SQLite's checks, indexes against tables (words only if writable), every checksum."""
        with self._connections.reading() as db:
            sql.check_structure(db, words=not self.readonly)
        for _ in chain(self.scan(), *map(self.vectors, self.dims)):
            pass
        self.shelf.check()

    def get(self, ids: Sequence[str]) -> list[Item | None]:
        """The items under `ids`, in order, None where there is none."""
        with self._connections.reading() as db:
            found = {item.id: item for item in sql.items_where(db, "id", sql.listed(ids))}
        return [found.get(name) for name in ids]

    def items(self, rows: Iterable[int]) -> dict[int, Item]:
        """The live ones among `rows`."""
        with self._connections.reading() as db:
            return {item.row: item for item in sql.items_where(db, "row", [int(row) for row in rows])}

    def rows(self, where: str | None = None) -> Rows:
        """Sorted rows of the live items that pass."""
        condition, values = self._condition(where)
        with self._connections.reading() as db:
            return sql.column_of(db, f"SELECT row FROM items WHERE {condition}", values)

    def dead(self) -> Rows:
        """Sorted rows of replaced and deleted items that are still in the file."""
        with self._connections.reading() as db:
            return sql.column_of(db, "SELECT row FROM items WHERE dead = 1")

    def count(self, where: str | None = None) -> int:
        """Number of live items that pass."""
        condition, values = self._condition(where)
        with self._connections.reading() as db:
            return int(db.execute(f"SELECT count(*) FROM items WHERE {condition}", values).fetchone()[0])

    def last_row(self) -> int:
        """The highest row ever given out, 0 before the first."""
        with self._connections.reading() as db:
            return sql.last_row(db)

    def scan(self, *, where: str | None = None, after: int = -1) -> Iterator[Item]:
        """Live items beyond row `after` in row order, as they all were when the first was read."""
        condition, values = self._condition(where)
        query = f"SELECT {sql.ITEM} FROM items WHERE {condition} AND row > ? ORDER BY row"
        blocks = self._connections.blocks(query, (*values, after), sql.AT_ONCE)
        return (sql.item_of(record) for block in blocks for record in block)

    def vectors(
        self, kind: str = "whole", *, after: int = -1, upto: int | None = None, live: bool = False
    ) -> Iterator[tuple[Rows, Vectors]]:
        """Blocks of rows (b,) and vectors (b, d) of the items beyond row `after`, up to row `upto`; dead ones too.

        In order of row and part; an item's row comes once a part. `live` leaves out dead ones, and then each must have
        a vector.
        """
        query = sql.LIVE_VECTORS if live else sql.VECTORS
        for block in self._connections.blocks(query, (kind, after, LARGEST - 1 if upto is None else upto), BLOCK):
            yield sql.vectors_of(block, self.dims.get(kind, 0))

    def spans(self, kind: str, rows: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        """(start, stop) in the text of each part of the items at `rows`, where they were stored."""
        with self._connections.reading() as db:
            return sql.spans_of(db, kind, [int(row) for row in rows])

    def search(self, text: str, k: int, *, where: str | None = None) -> tuple[Rows, PerItem]:
        """Rows and BM25 scores of the k live items whose text shares words with `text`; ties by row.

        Words count without case, accents and English endings; the first 64 of them do.
        """
        condition, values = self._condition(where)
        with self._connections.reading() as db:
            return sql.lexical(db, text, k, condition, values)

    def cache_record(self, name: str) -> dict[str, Any] | None:
        """What was noted about the cache `name`, None when nothing was."""
        record: dict[str, Any] | None = self._meta("caches").get(name)
        return record

    def record_cache(self, name: str, record: Mapping[str, Any], *, patience: float = 1.0) -> None:
        """Note what identifies the cache file `name`; no change of the collection, so no new generation.

        Another writer is waited for `patience` seconds: not for long, where a cache is only written again.
        """
        with self._connections.writing(patience=patience) as db:
            schema.write_meta(db, "caches", {**schema.read_meta(db, "caches"), name: dict(record)})

    def snapshot(self) -> AbstractContextManager[None]:
        """A block inside which this thread's reads all see the state at its start, whatever is written meanwhile."""
        return self._connections.snapshot()

    def close(self) -> None:
        """Let go of the file; what was committed stays committed."""
        self._connections.close()

    def _read_settings(self) -> None:
        with self._connections.reading() as db:
            current = schema.is_current(db, self.path)
            if not current and self.readonly:
                raise StoreError(f"{self.path} has an older format; open it once for writing, which mends that")
            self.fields, self.passport, self.settings = schema.read_settings(db)
        if not current:
            with self._connections.writing() as db:
                schema.upgrade(db, self.fields)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that raises the generation if it changes anything."""
        with self._connections.writing() as db:
            before = db.total_changes
            yield db
            if db.total_changes > before:
                schema.write_meta(db, "generation", schema.read_meta(db, "generation") + 1)

    def _meta(self, key: str) -> Any:
        with self._connections.reading() as db:
            return schema.read_meta(db, key)

    def _condition(self, where: str | None) -> tuple[str, list[Value]]:
        """SQL for the live items that pass `where`."""
        if where is None:
            return "dead = 0", []
        condition, values = compile_filter(where, self.fields)
        return f"dead = 0 AND {condition}", values
