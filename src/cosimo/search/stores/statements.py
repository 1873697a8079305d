"""The single steps of a store's calls, on an open connection; the caller holds the transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import numpy as np

from cosimo.errors import DataError, ShapeError, StoreError
from cosimo.search.filters import Value
from cosimo.search.stores.checksums import item_checksum, vector_checksum
from cosimo.search.stores.full_text import fts_query
from cosimo.search.stores.incoming import Batch, is_unicode
from cosimo.search.stores.schema import read_meta, write_meta
from cosimo.types import Item, PerItem, Rows, Vectors

Conflict = Literal["error", "replace", "skip"]
Key = TypeVar("Key", int, str)

ITEM = "row, id, text, payload, crc"
VECTORS = "SELECT item, part, value, crc FROM vectors WHERE kind = ? AND item > ? AND item <= ? ORDER BY item, part"
LIVE_VECTORS = (
    "SELECT row, part, value, vectors.crc FROM items LEFT JOIN vectors ON item = row AND kind = ? "
    "WHERE dead = 0 AND row > ? AND row <= ? ORDER BY row, part"
)

AT_ONCE = 500
"""Values in one IN (...): far below the limit of every SQLite."""


def listed(ids: Sequence[str]) -> list[str]:
    """`ids` as a list; one string is not a list of its letters."""
    if isinstance(ids, str):
        raise DataError(f"ids wants a list, got the text {ids!r}; write [{ids!r}]")
    given: list[Any] = list(ids)
    wrong = [name for name in given if not (isinstance(name, str) and is_unicode(name))]
    if wrong:
        raise DataError(f"ids are strings of valid Unicode, got {wrong[0]!r} ({type(wrong[0]).__name__})")
    return given


def chunks(values: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """`values` in pieces that fit into one statement."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def marks(values: Sequence[Any]) -> str:
    """One question mark a value."""
    return ", ".join("?" * len(values))


def item_of(record: tuple[int, str, str | None, str, int]) -> Item:
    """The item in the columns `ITEM` of a row of `items`."""
    row, name, text, payload, crc = record
    if crc != item_checksum(row, name, text, payload):
        raise StoreError(f"the database is damaged: item {name!r} is not what was written; restore a backup")
    return Item(row, name, text, dict(json.loads(payload)))


def items_where(db: sqlite3.Connection, key: Literal["id", "row"], values: Sequence[Key]) -> Iterator[Item]:
    """Live items whose `key` is among `values`."""
    for chunk in chunks(values):
        query = f"SELECT {ITEM} FROM items WHERE dead = 0 AND {key} IN ({marks(chunk)})"
        yield from map(item_of, db.execute(query, chunk))


def live_rows(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """Row of each live item among `ids`."""
    found: dict[str, int] = {}
    for chunk in chunks(ids):
        found |= db.execute(f"SELECT id, row FROM items WHERE dead = 0 AND id IN ({marks(chunk)})", chunk).fetchall()
    return found


def column_of(db: sqlite3.Connection, query: str, values: Sequence[Any] = ()) -> Rows:
    """The column `row` of a query's answer, sorted."""
    # One text of all numbers is read three times as fast as a Python object for each.
    (text,) = db.execute(f"SELECT group_concat(row) FROM ({query})", values).fetchone()
    return np.sort(np.fromstring(text or "", np.int64, sep=","))


def last_row(db: sqlite3.Connection) -> int:
    """The highest row ever given out, 0 before the first."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    return int(found[0]) if found else 0


def vectors_of(records: Sequence[tuple[int, int, bytes, int]], dim: int) -> tuple[Rows, Vectors]:
    """Rows (b,) and vectors (b, d) in b rows of the answer to `VECTORS` or `LIVE_VECTORS`."""
    for row, part, value, crc in records:
        if len(value or b"") != 4 * dim or crc != vector_checksum(row, part, value):
            raise StoreError(
                f"the database is damaged: a vector of row {row} is not what was written; restore a backup"
            )
    X = np.frombuffer(b"".join(record[2] for record in records), "<f4").reshape(len(records), dim)
    return np.array([record[0] for record in records], np.int64), X


def spans_of(db: sqlite3.Connection, kind: str, rows: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """(start, stop) of the parts of each of these items, where they were stored."""
    places: dict[int, list[tuple[int, int]]] = {}
    for chunk in chunks(rows):
        query = (
            f"SELECT item, start, stop FROM vectors WHERE kind = ? AND item IN ({marks(chunk)}) "
            "AND start IS NOT NULL ORDER BY item, part"
        )
        for row, start, stop in db.execute(query, (kind, *chunk)):
            places.setdefault(row, []).append((start, stop))
    return places


def lexical(db: sqlite3.Connection, text: str, k: int, condition: str, values: Sequence[Value]) -> tuple[Rows, PerItem]:
    """Rows and scores of the k best of the live items that meet `condition`, by BM25."""
    query = fts_query(text)
    found = (
        db.execute(
            "SELECT items.row, -bm25(full_text) AS score FROM full_text JOIN items ON items.row = full_text.rowid "
            f"WHERE full_text MATCH ? AND {condition} ORDER BY score DESC, items.row LIMIT ?",
            (query, *values, k),
        ).fetchall()
        if query and k > 0
        else []
    )
    rows, scores = [row for row, _ in found], [score for _, score in found]
    return np.array(rows, np.int64), np.array(scores, np.float32)


def kept_positions(batch: Batch, live: dict[str, int], on_conflict: Conflict) -> list[int]:
    """Positions in the batch of the items to write.

    Raises
    ------
    DataError
        For ids that are live or repeated, unless `on_conflict` says what to do about them.
    """
    if on_conflict == "error":
        _refuse(sorted(live), "already in the collection")
        _refuse(batch.repeated(), "more than once in what is being added")
    if on_conflict == "replace":
        return sorted({name: position for position, name in enumerate(batch.ids)}.values())
    first = {name: position for position, name in reversed([*enumerate(batch.ids)])}
    return sorted(position for name, position in first.items() if name not in live)


def _refuse(ids: Sequence[str], why: str) -> None:
    if ids:
        shown = ", ".join(map(repr, ids[:3])) + (", ..." if len(ids) > 3 else "")
        raise DataError(
            f"{len(ids)} ids are {why}: {shown}; nothing was written. Make them unique, or say "
            'on_conflict="replace" to keep the newest or "skip" to keep the oldest'
        )


def declare_dims(db: sqlite3.Connection, batch: Batch) -> None:
    """Fix the dimensions of kinds seen for the first time, and refuse others than those fixed."""
    dims = read_meta(db, "dims")
    for kind, tokens in batch.vectors.items():
        given = tokens.values.shape[1]
        if len(tokens.values) and dims.setdefault(kind, given) != given:
            raise ShapeError(f"vectors of kind {kind!r} have {given} dimensions, the collection's have {dims[kind]}")
    if dims != read_meta(db, "dims"):
        write_meta(db, "dims", dims)


def drop_dead(db: sqlite3.Connection, kinds: Iterable[str]) -> int:
    """Delete dead items and their vectors; how many items."""
    for kind in kinds:
        dead = "SELECT row FROM items WHERE dead = 1"
        db.execute(f"DELETE FROM vectors WHERE kind = ? AND item IN ({dead})", (kind,))
    return db.execute("DELETE FROM items WHERE dead = 1").rowcount


def check_structure(db: sqlite3.Connection, *, words: bool) -> None:
    """Refuse pages and indexes that do not fit together, by SQLite's own checks; `words` takes in the lexical index."""
    for (key,) in db.execute("SELECT key FROM meta").fetchall():
        read_meta(db, key)
    (found,) = db.execute("PRAGMA integrity_check (1)").fetchone()
    if found != "ok":
        raise StoreError(f"the database is damaged: {found}; restore a backup")
    if words:
        db.execute("INSERT INTO full_text (full_text, rank) VALUES ('integrity-check', 1)")  # raises when it differs


def bury(db: sqlite3.Connection, rows: Iterable[int]) -> None:
    """Mark items dead and take their words out of the lexical index."""
    keys = [(row,) for row in rows]
    db.executemany(
        "INSERT INTO full_text (full_text, rowid, text) "
        "SELECT 'delete', row, text FROM items WHERE row = ? AND text IS NOT NULL",
        keys,
    )
    db.executemany("UPDATE items SET dead = 1 WHERE row = ?", keys)


def insert(db: sqlite3.Connection, batch: Batch, kept: Sequence[int]) -> int:
    """Write the items at the positions `kept`, their words and vectors; the row of the first."""
    first = last_row(db) + 1
    numbered = ((row, batch.records[position]) for row, position in enumerate(kept, first))
    records = [(item_checksum(row, *record[:3]), row, *record) for row, record in numbered]
    columns = ["crc", "row", "id", "text", "payload", *batch.columns]
    db.executemany(f"INSERT INTO items ({', '.join(columns)}) VALUES ({marks(columns)})", records)
    db.execute(
        "INSERT INTO full_text (rowid, text) SELECT row, text FROM items WHERE row >= ? AND text IS NOT NULL", (first,)
    )
    for kind in batch.vectors:
        db.executemany(
            "INSERT INTO vectors (item, kind, part, start, stop, value, crc) VALUES (?, ?, ?, ?, ?, ?, ?)",
            batch.parts(kind, kept, first),
        )
    return first
