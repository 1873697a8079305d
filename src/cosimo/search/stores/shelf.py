"""What a collection keeps beside its items: rules by name, and a ledger of the labels they were made from.

The ledger is append-only. An entry is JSON, with an 8-byte digest of every labelled unit, so that what was used once
to choose or train something is known when a guarantee is asked for. Neither is a change of the content: the
collection's generation stays.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import StoreError
from cosimo.search.stores.connections import Connections

TABLES = (
    "CREATE TABLE rules (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE ledger (number INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL, units BLOB NOT NULL, "
    "crc INTEGER NOT NULL) STRICT",
)

Units = NDArray[np.uint64]
"""(n,) digests of labelled units."""


@final
class Shelf:
    """Rules and ledger in the database of a store; every method raises `StoreError` where it cannot be read."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def put(self, name: str, rule: Mapping[str, Any]) -> None:
        """Keep a rule under `name`, in place of the one before."""
        text = json.dumps(rule, allow_nan=False)
        with self._connections.writing() as db:
            db.execute("INSERT OR REPLACE INTO rules VALUES (?, ?, ?)", (name, text, _checksum(name, text)))

    def get(self, name: str) -> dict[str, Any] | None:
        """The rule under `name`, None where there is none."""
        with self._connections.reading() as db:
            found = db.execute("SELECT value, crc FROM rules WHERE name = ?", (name,)).fetchone()
        if found is None:
            return None
        text, crc = found
        return _checked(text, crc, _checksum(name, text), f"the rule {name!r}")

    def names(self) -> list[str]:
        """Names of all rules, sorted."""
        with self._connections.reading() as db:
            return [name for (name,) in db.execute("SELECT name FROM rules ORDER BY name")]

    def remove(self, name: str) -> bool:
        """Forget a rule; whether there was one."""
        with self._connections.writing() as db:
            return db.execute("DELETE FROM rules WHERE name = ?", (name,)).rowcount > 0

    def note(self, entry: Mapping[str, Any], units: Units) -> None:
        """Append an entry about these units to the ledger."""
        text, blob = json.dumps(entry, allow_nan=False), units.astype("<u8").tobytes()
        with self._connections.writing() as db:
            values = (text, blob, _checksum(text, blob))
            db.execute("INSERT INTO ledger (value, units, crc) VALUES (?, ?, ?)", values)

    def ledger(self) -> list[tuple[dict[str, Any], Units]]:
        """All entries with their units, oldest first."""
        with self._connections.reading() as db:
            rows = db.execute("SELECT value, units, crc FROM ledger ORDER BY number").fetchall()
        return [
            (
                _checked(text, crc, _checksum(text, blob), "an entry of the ledger"),
                np.frombuffer(blob, "<u8").astype(np.uint64),
            )
            for text, blob, crc in rows
        ]

    def check(self) -> None:
        """Read everything and compare it with its checksums."""
        self.ledger()
        for name in self.names():
            self.get(name)


def _checksum(*parts: str | bytes) -> int:
    crc = 0
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        crc = zlib.crc32(content, zlib.crc32(len(content).to_bytes(8, "little"), crc))
    return crc


def _checked(text: str, crc: int, wanted: int, what: str) -> dict[str, Any]:
    if crc != wanted:
        raise StoreError(f"the database is damaged: {what} is not what was written; restore a backup")
    value: dict[str, Any] = json.loads(text)
    return value
