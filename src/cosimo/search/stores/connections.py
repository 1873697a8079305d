"""Connections to one SQLite file, opened carefully, lent out, and failing in sentences.

A thread borrows a connection for one call and hands it back, so that a store may be shared between threads: readers
never wait, and writers queue at SQLite's lock, in this process as between processes.
"""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, final

from cosimo.errors import StoreError

BUSY_SECONDS = 30.0
"""How long a writer waits for another one."""

OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""

PRAGMAS = (
    "PRAGMA trusted_schema = OFF",  # a file from elsewhere may carry views and triggers
    "PRAGMA cell_size_check = ON",  # and damaged pages
    "PRAGMA synchronous = FULL",  # a commit survives a power cut
    "PRAGMA journal_size_limit = 67108864",  # a large add does not leave its log behind
    "PRAGMA cache_size = -16384",
)

SENTENCES = {
    "SQLITE_BUSY": "another process is writing and did not finish in time; try again later",
    "SQLITE_LOCKED": "another process is writing and did not finish in time; try again later",
    "SQLITE_FULL": "the disk is full; nothing of the last change was kept, make room and repeat it",
    "SQLITE_TOOBIG": "a text or payload is larger than SQLite can hold, 1 GB",
    "SQLITE_READONLY": "it cannot be written; open it read-only, or check the permissions of the file and its folder",
    "SQLITE_CANTOPEN": "it cannot be opened; check the permissions of the file and its folder",
    "SQLITE_PERM": "it cannot be opened; check the permissions of the file and its folder",
    "SQLITE_IOERR": "the disk failed while reading or writing",
    "SQLITE_NOTADB": "this is not a cosimo database, or its first bytes were overwritten; restore a backup",
}
DAMAGED = "the database is damaged or was changed by another program; restore a backup"


@contextmanager
def in_sentences(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into `StoreError`; misuse of the Python interface stays what it is."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        sentence = next((text for prefix, text in SENTENCES.items() if name.startswith(prefix)), DAMAGED)
        raise StoreError(f"{path}: {sentence} ({error})") from error
    except UnicodeDecodeError as error:  # SQLite quotes what it cannot read
        raise StoreError(f"{path}: {DAMAGED}") from error


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in autocommit mode; `mode` is the query of SQLite's URI."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise StoreError(f"this Python has SQLite {sqlite3.sqlite_version}, wanted {wanted} or newer; update Python")
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in PRAGMAS:
            db.execute(pragma)
        db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()  # the first that reads the file
    except BaseException:
        db.close()
        raise
    return db


@final
class Connections:
    """The connections to one database, made when needed and kept for the next call.

    A write-ahead log needs its index file beside the database, so in a folder that cannot be written SQLite cannot
    open one that nobody else has open. When there is no log, the file alone is the whole database and is opened as
    immutable; when there is one, its changes would be left out, which is refused. An immutable connection does not
    notice a writer, so each call opens its own.
    """

    def __init__(self, path: Path, *, readonly: bool) -> None:
        self.path = path
        self.readonly = readonly
        self._idle: deque[sqlite3.Connection] = deque()
        self._passing: set[sqlite3.Connection] = set()
        self._local = threading.local()
        self._owner = os.getpid()
        self._inherited: list[deque[sqlite3.Connection]] = []
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with, this thread's snapshot if it has one open."""
        pinned = getattr(self._local, "pinned", None)
        if pinned is None:
            with self._lend() as db:
                yield db
        else:
            with in_sentences(self.path):
                yield pinned

    @contextmanager
    def writing(self, *, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end of the block, or not at all.

        patience
            Seconds to wait for another writer, `BUSY_SECONDS` when None.
        """
        if self.readonly:
            raise StoreError(f"{self.path} was opened read-only; open it for writing")
        with self._lend() as db:
            seconds = BUSY_SECONDS if patience is None else patience
            db.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A block inside which this thread reads one state; inside another one it is that one's."""
        if getattr(self._local, "pinned", None) is not None:
            yield
            return
        with self._lend() as db:
            db.execute("BEGIN")
            db.execute("SELECT 1 FROM meta LIMIT 1").fetchone()  # the first read fixes what is seen
            self._local.pinned = db
            try:
                yield
            finally:
                self._local.pinned = None

    def blocks(self, query: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of one query in lists of `size`, all from one state of the database."""
        with self.reading() as db, closing(db.execute(query, values)) as cursor:
            while block := cursor.fetchmany(size):
                yield block

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self._closed = True
        while self._idle and self._owner == os.getpid():
            self._idle.pop().close()

    @contextmanager
    def _lend(self) -> Iterator[sqlite3.Connection]:
        """A connection for one call; a transaction left open is rolled back."""
        with in_sentences(self.path):
            db = self._take()
            try:
                yield db
            finally:
                self._put_back(db)

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.path} was closed; open it again")
        if self._owner != os.getpid():
            # After a fork the parent's connections may be neither used nor closed here.
            self._inherited.append(self._idle)
            self._idle, self._owner = deque(), os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _open(self) -> sqlite3.Connection:
        if not self.readonly:
            return connect(self.path, "mode=rw")
        try:
            return connect(self.path, "mode=ro")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
                raise
            if _size(self.path.with_name(f"{self.path.name}-wal")):
                raise StoreError(
                    f"{self.path}: its last changes are still in {self.path.name}-wal and cannot be read from a folder "
                    "without write permission; open it once where it can be written, and close it"
                ) from error
            db = connect(self.path, "mode=ro&immutable=1")
            self._passing.add(db)
            return db

    def _put_back(self, db: sqlite3.Connection) -> None:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.rollback()
        if db.in_transaction or db in self._passing:
            self._passing.discard(db)
            db.close()
        else:
            self._idle.append(db)
        if self._closed:
            self.close()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
