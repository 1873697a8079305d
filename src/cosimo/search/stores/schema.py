"""The tables of a collection's database, and how older ones become today's.

    meta       what holds for the whole collection, one JSON value a key: passport, settings, fields, generation,
               dimensions by kind of vector, what is known of caches
    items      one row an item ever added; `dead` rows were deleted or replaced; a column `f_<name>` a declared field
    vectors    float32 (little-endian) by item, kind and part, with the part's place in the text
    full_text  FTS5 over the texts of live items, holding no copy of them
    rules      decision rules by name, as JSON
    ledger     what labels were used for, oldest first, with digests of the labelled units

All but `full_text` carry a checksum of each row in `crc`; indexes are compared with them by `SqliteStore.check`.

Rows are numbered once (`AUTOINCREMENT`), so a row number never answers with another item's content. An id is unique
among live items only.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cosimo.errors import DataError, StoreError
from cosimo.files.atomic import publishing
from cosimo.search.filters import KEYWORDS, NAME, column
from cosimo.search.stores.checksums import meta_checksum
from cosimo.search.stores.connections import connect, in_sentences
from cosimo.search.stores.full_text import TOKENIZER
from cosimo.search.stores.shelf import TABLES as SHELF

APPLICATION_ID = 0x636F7369  # "cosi" in the file's header
FIELD_TYPES = {"int": int, "float": float, "str": str, "bool": bool}
SQL_TYPES = {int: "INTEGER", float: "REAL", str: "TEXT", bool: "INTEGER"}

LIVE_TEXTS = "CREATE VIEW live_texts AS SELECT row, text FROM items WHERE dead = 0 AND text IS NOT NULL"
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE items (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, dead INTEGER NOT NULL DEFAULT 0,{columns}
    text TEXT, payload TEXT NOT NULL, crc INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX items_by_id ON items (id) WHERE dead = 0;
CREATE INDEX items_dead ON items (row) WHERE dead = 1;
CREATE TABLE vectors (
    number INTEGER PRIMARY KEY, item INTEGER NOT NULL, kind TEXT NOT NULL, part INTEGER NOT NULL,
    start INTEGER, stop INTEGER, value BLOB NOT NULL, crc INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX vectors_by_item ON vectors (kind, item, part);
{live_texts};
CREATE VIRTUAL TABLE full_text USING fts5 (
    text, content = 'live_texts', content_rowid = 'row', tokenize = '{tokenizer}'
);
"""


def _create_tables(db: sqlite3.Connection, fields: Mapping[str, type]) -> None:
    columns = "".join(f" {column(name)} {SQL_TYPES[kind]}," for name, kind in fields.items())
    for statement in TABLES.format(columns=columns, live_texts=LIVE_TEXTS, tokenizer=TOKENIZER).split(";\n"):
        db.execute(statement)
    for number, name in enumerate(fields):
        db.execute(f"CREATE INDEX items_by_field_{number} ON items ({column(name)}) WHERE dead = 0")


def _create_shelf(db: sqlite3.Connection, fields: Mapping[str, type]) -> None:
    for statement in SHELF:
        db.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection, Mapping[str, type]], None], ...] = (_create_tables, _create_shelf)
"""Step i makes a database of version i one of version i + 1; version 0 is an empty file."""


def check_fields(fields: Mapping[str, type]) -> dict[str, type]:
    """`fields` as they will be declared.

    Raises
    ------
    DataError
        For a type other than int, float, str and bool, and for a name that a filter could not use.
    """
    seen: set[str] = set()
    name: Any
    for name, kind in fields.items():
        if kind not in SQL_TYPES:
            raise DataError(f"field {name!r} wants one of the types int, float, str, bool, got {kind!r}")
        if not (isinstance(name, str) and re.fullmatch(NAME, name)):
            raise DataError(f"field {name!r} is no name a filter can use: rename it to letters, digits and _")
        if name.casefold() in KEYWORDS | {"id"} | seen:
            raise DataError(f"field {name!r} is taken: by the language of filters, by the id, or by another field")
        seen.add(name.casefold())
    return dict(fields)


def create_database(path: Path, fields: Mapping[str, type], meta: Mapping[str, Any]) -> None:
    """Write an empty database with these fields and further entries of `meta`.

    It is made under another name, so that a crash leaves either no database at `path` or a whole one.
    """
    entries = {
        **meta,
        "fields": {name: kind.__name__ for name, kind in fields.items()},
        "generation": 0,
        "compacted": 0,
        "dims": {},
        "caches": {},
    }
    try:
        with publishing(path) as fresh:
            with in_sentences(path), closing(connect(fresh, "mode=rwc")) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("BEGIN IMMEDIATE")
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                upgrade(db, fields)
                for key, value in entries.items():
                    write_meta(db, key, value)
                db.execute("COMMIT")
            path.open("xb").close()
    except FileExistsError as error:
        raise StoreError(f"{path} exists already; open it, or choose another place") from error


def upgrade(db: sqlite3.Connection, fields: Mapping[str, type]) -> None:
    """Run the missing steps of `MIGRATIONS` inside the caller's transaction."""
    for version in range(_pragma(db, "user_version"), len(MIGRATIONS)):
        MIGRATIONS[version](db, fields)
        db.execute(f"PRAGMA user_version = {version + 1}")


def is_current(db: sqlite3.Connection, path: Path) -> bool:
    """Whether the tables are today's rather than older ones.

    Raises
    ------
    StoreError
        When the file belongs to another program, to a newer cosimo, or holds triggers or views that would run here.
    """
    version = _pragma(db, "user_version")
    if _pragma(db, "application_id") != APPLICATION_ID:
        raise StoreError(f"{path}: this is not a cosimo database; give the folder of a collection")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path}: written by a newer cosimo (format {version}, this one reads up to {len(MIGRATIONS)}); "
            "upgrade cosimo to open it"
        )
    foreign = db.execute(
        "SELECT type, name FROM sqlite_schema WHERE type = 'trigger' OR (type = 'view' AND sql != ?)", (LIVE_TEXTS,)
    ).fetchone()
    if foreign:
        raise StoreError(
            f"{path}: it holds a {foreign[0]} {foreign[1]!r} that is not cosimo's and would run whenever it is used; "
            "remove it, or get the collection from its source again"
        )
    return version == len(MIGRATIONS)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def read_meta(db: sqlite3.Connection, key: str) -> Any:
    """The value under `key`; every key is written at creation."""
    found = db.execute("SELECT value, crc FROM meta WHERE key = ?", (key,)).fetchone()
    if found is None or found[1] != meta_checksum(key, found[0]):
        raise StoreError(f"the database is damaged: it does not say its {key}; restore a backup")
    return json.loads(found[0])


def read_settings(db: sqlite3.Connection) -> tuple[dict[str, type], dict[str, Any], dict[str, Any]]:
    """Declared fields, passport and settings, which never change."""
    fields = {name: FIELD_TYPES[kind] for name, kind in read_meta(db, "fields").items()}
    return fields, read_meta(db, "passport"), read_meta(db, "settings")


def write_meta(db: sqlite3.Connection, key: str, value: Any) -> None:
    """Put `value` under `key`."""
    text = json.dumps(value, allow_nan=False)
    db.execute(
        "INSERT INTO meta VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, crc = excluded.crc",
        (key, text, meta_checksum(key, text)),
    )
