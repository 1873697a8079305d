"""A file of vectors under keys, below a fixed size, that may be deleted at any time and is never trusted.

SQLite, so that several processes may use it at once and a crash leaves it whole; a checksum with each vector, as SQLite
has none. What cannot be used now (locked, read-only, a full disk) is done without, and a damaged file is removed.

Pitfalls: dropping the oldest while a corpus larger than the file is read from its start, which drops each
vector just before it is wanted. What was used today is not dropped; instead, what is new is not kept.
"""

import logging
import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from cosimo.types import Vectors

Limits: TypeAlias = NDArray[np.int64]
Answer = TypeVar("Answer")

KEPT = 0.9
"""Share of the size that is left after vectors were dropped."""
OVERHEAD = 600
"""Bytes an entry takes beside its vector: two rows, one index, and the part of a page that stays empty."""
BUSY_SECONDS = 5.0
AT_ONCE = 500
"""Values in one IN (...)."""

# Two tables, so that noting the day a vector was used does not write the vector anew.
TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, key BLOB UNIQUE, cut INTEGER, used INTEGER)",
    "CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, crc INTEGER, value BLOB)",
)
READ = (
    "SELECT number, key, cut, used, crc, value FROM entries JOIN vectors USING (number) "
    "WHERE typeof(value) = 'blob' AND typeof(cut) = 'integer' AND typeof(used) = 'integer' AND key IN"
)
USED = "UPDATE entries SET used = ? WHERE number = ?"
ENTER = (
    "INSERT INTO entries (key, cut, used) VALUES (?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET cut = excluded.cut, used = excluded.used RETURNING number"
)

PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")
"""Errors that say nothing against the file."""

log = logging.getLogger(__name__)


@final
class CacheFile:
    """Vectors by key, with the number of tokens their texts were cut to, 0 for whole ones.

    path
        Made when first used, readable by its owner alone.
    size
        Bytes it may have.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = CacheFile(Path(folder, "v1.db"), 1_000_000)
    ...     file.write([b"a"], np.array([[0.5, -2.0]], np.float32), np.array([0]))
    ...     known, X, limits = file.read([b"b", b"a"], 2)
    >>> known, X[1]
    (array([False, True]), array([ 0.5, -2. ], dtype=float32))
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size

    def read(self, keys: Sequence[bytes], dim: int) -> tuple[NDArray[np.bool_], Vectors, Limits]:
        """Which of n distinct keys are there (n,), their vectors (n, dim) and limits (n,); other rows mean nothing."""
        X, limits = np.empty((len(keys), dim), np.float32), np.zeros(len(keys), np.int64)
        places = {key: i for i, key in enumerate(keys)}
        today = _today()
        old: list[tuple[int, int]] = []

        def read(db: sqlite3.Connection) -> NDArray[np.bool_]:
            known = np.zeros(len(keys), np.bool_)
            for chunk in (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)):
                for number, key, cut, used, crc, value in db.execute(f"{READ} ({', '.join('?' * len(chunk))})", chunk):
                    i = places.get(key, 0)
                    if len(value) == X[i].nbytes and crc == _checksum(key, cut, value):
                        known[i], limits[i], X[i] = True, cut, np.frombuffer(value, "<f4")
                    if used < today:
                        old.append((today, number))
            return known

        found = self._try("BEGIN", read, np.zeros(len(keys), np.bool_))
        limits[~found] = 0
        if old:
            self._try("BEGIN IMMEDIATE", lambda db: db.executemany(USED, old), None)
        return found, X, limits

    def write(self, keys: Sequence[bytes], X: Vectors, limits: Limits) -> None:
        """Keep the vectors (n, d) of n keys, if there is room."""

        def write(db: sqlite3.Connection) -> None:
            today = _today()
            if not _room(db, X.nbytes + OVERHEAD * len(X), self.size, today):
                return
            for key, x, cut in zip(keys, X.astype("<f4", copy=False), limits.tolist(), strict=True):
                (number,) = db.execute(ENTER, (key, cut, today)).fetchone()
                value = x.tobytes()
                values = number, _checksum(key, cut, value), value
                db.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", values)

        self._try("BEGIN IMMEDIATE", write, None)

    def _try(self, begin: str, work: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        """The answer of `work`, in one transaction; `otherwise` where the file cannot be used."""
        try:
            with closing(_connected(self.path)) as db, db:
                db.execute(begin)
                return work(db)
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, OSError) or getattr(error, "sqlite_errorname", "").startswith(PASSING):
                log.info("%s is not used now: %s", self.path, error)
                return otherwise
            log.warning("%s was damaged and is removed: %s", self.path, error)
        for file in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            with suppress(OSError):
                file.unlink(missing_ok=True)
        return otherwise


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)  # fails, and so refuses, where the file is somebody else's
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "auto_vacuum = FULL"):
            db.execute(f"PRAGMA {pragma}")
        for table in TABLES:
            db.execute(table)
    except BaseException:
        db.close()
        raise
    return db


def _room(db: sqlite3.Connection, wanted: int, size: int, today: int) -> bool:
    """Whether `wanted` more bytes fit, once what was not used for longest has been dropped."""
    used = _used(db)
    if used + wanted > size:
        (count,) = db.execute("SELECT count(*) FROM entries").fetchone()
        surplus = int((used + wanted - KEPT * size) / used * count) + 1
        before = today if used <= size else today + 1  # a size that was lowered holds at once
        query = "SELECT number FROM entries WHERE used < ? ORDER BY used, number LIMIT ?"
        dropped = db.execute(query, (before, surplus)).fetchall()
        for table in ("entries", "vectors"):
            db.executemany(f"DELETE FROM {table} WHERE number = ?", dropped)
        used = _used(db)
    return used + wanted <= size


def _used(db: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return (pages - free) * size


def _checksum(key: bytes, cut: int, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(key, cut))


def _today() -> int:
    """Days since 1970."""
    return int(time.time() // 86_400)
