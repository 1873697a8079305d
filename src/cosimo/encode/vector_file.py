"""Vectors of a corpus larger than memory: a .npy file written in blocks, of which an interruption loses one at most.

While `<name>` is being made, `<name>.partial` holds the rows so far and `<name>.partial.json` says how many of them are
on the disk, which space made them, and the SHA-256 of the items they stand for and of their own bytes. A rerun with
the same items goes through the finished ones without encoding them. Blocks always begin at multiples of `BLOCK` items,
so the finished file has the same bytes however often it was interrupted.

Pitfalls: going on after an interruption with other items, or in another space, so that the rows of two corpora
end up in one file.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, final

import numpy as np

from cosimo._progress import bar
from cosimo.encode.items import refuse_one_text
from cosimo.encode.truncation import note, tally
from cosimo.errors import DataError, Refused
from cosimo.files.atomic import replacing
from cosimo.passport import Passport, fingerprint
from cosimo.types import Role, Vectors

BLOCK = 4096


def encode_to_file(
    path: Path,
    items: Iterable[Any],
    encode: Callable[[list[Any], list[Any] | None], Vectors],
    *,
    passport: Passport,
    role: Role | None = None,
    given: Iterable[Any] | None = None,
    progress: bool = False,
) -> Vectors:
    """(n, d) vectors of any number of items as a read-only map of the file `path`; a block is in memory at a time.

    encode
        Called with the items of a block and, where there is `given`, their conditions.
    passport, role
        What `encode` makes; a file begun with others is refused.

    Raises
    ------
    DataError
        There is a file already, another process is writing it, or its items cannot be recognised again.
    Refused
        The items are not those of the interrupted run; `PassportMismatch` when the space is another.
    """
    refuse_one_text(items)
    total = len(items) if isinstance(items, Sized) else None
    with VectorFile(path, passport, role) as file, bar(progress, total, "encoding") as advance:
        for block, conditions in _blocks(items, given):
            file.add(block, conditions, encode)
            advance(len(block))
        X = file.finish()
    note(file.cut, n=len(X), limit=file.limit)
    return X


@final
class VectorFile:
    """A .npy file (n, d) float32 in the making; n is known when the items end.

    path
        Where the file appears once it is whole.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with VectorFile(Path(folder, "x.npy"), Passport("toy", "toy", 2)) as file:
    ...         file.add(["ab", ""], None, lambda texts, _: np.array([[len(text), -1.0] for text in texts]))
    ...         X = file.finish()
    >>> X
    memmap([[ 2., -1.],
            [ 0., -1.]], dtype=float32)
    """

    def __init__(self, path: Path, passport: Passport, role: Role | None = None) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.partial")
        self.record = path.with_name(f"{path.name}.partial.json")
        self.made_by = {"passport": passport.to_json(), "role": role}
        self.dim = passport.dim
        self.rows = self.cut = self.limit = 0
        self._items, self._vectors = hashlib.sha256(), hashlib.sha256()
        self._start = len(_header(0, self.dim))
        _refuse_existing(path)
        self._file = _opened(self.partial)
        try:
            _refuse_existing(path)  # another process may have finished it, and this is now its file
            self._before = self._interrupted(passport)
        except BaseException:
            self._file.close()
            raise

    def add(
        self,
        items: Sequence[Any],
        given: Sequence[Any] | None,
        encode: Callable[[list[Any], list[Any] | None], Vectors],
    ) -> None:
        """Take the next block: rows that an earlier run wrote are kept, others are made by `encode`."""
        for part in (items, given or ()):
            for item in part:
                self._items.update(_bytes_of(item))
        if self.rows < self._before.get("rows", 0):
            self._recognise(len(items))
        else:
            with tally() as seen:
                X = encode(list(items), None if given is None else list(given))
            self.cut, self.limit = self.cut + seen.cut, max(self.limit, seen.limit)
            self._append(X)

    def finish(self) -> Vectors:
        """Give the file its name; the vectors, mapped.

        Raises
        ------
        Refused
            There were fewer items than an interrupted run had encoded.
        """
        if self.rows < self._before.get("rows", 0):
            raise self._other_items()
        self._file.truncate(self._start + 4 * self.rows * self.dim)
        self._file.seek(0)
        self._file.write(_header(self.rows, self.dim))
        self._flush()
        self.partial.rename(self.path)
        self.record.unlink(missing_ok=True)
        X: Vectors = np.load(self.path, mmap_mode="r")
        return X

    def __enter__(self) -> "VectorFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _interrupted(self, passport: Passport) -> dict[str, Any]:
        """What an earlier run noted, empty when there was none."""
        if not self.record.exists() or not os.fstat(self._file.fileno()).st_size:
            return {}
        try:
            before: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
            maker, role, rows = Passport.from_json(before["passport"]), before["role"], int(before["rows"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.record} cannot be read ({error!r}); remove it to start over") from error
        maker.require(passport, str(self.partial))
        if role != self.made_by["role"]:
            raise Refused(
                f"{self.partial} was begun with role={role!r}, got {self.made_by['role']!r}; remove it to start over"
            )
        if os.fstat(self._file.fileno()).st_size < self._start + 4 * rows * self.dim:
            raise self._damaged()
        self._file.seek(self._start)
        return before

    def _recognise(self, n: int) -> None:
        """Go past n rows of an earlier run; at its end they must turn out to be the same."""
        self._vectors.update(self._file.read(4 * n * self.dim))
        self.rows += n
        if self.rows < self._before["rows"]:
            return
        if self.rows > self._before["rows"] or self._items.hexdigest() != self._before["items"]:
            raise self._other_items()
        if self._vectors.hexdigest() != self._before["vectors"]:
            raise self._damaged()
        self.cut, self.limit = self._before["cut"], self._before["limit"]

    def _append(self, X: Vectors) -> None:
        data = np.ascontiguousarray(X, dtype="<f4").data
        self._vectors.update(data)
        self._file.seek(self._start + 4 * self.rows * self.dim)
        self._file.write(data)
        self.rows += len(X)
        if len(X) == BLOCK:  # a shorter one is the last, and would be in the way if items were appended
            self._note()

    def _note(self) -> None:
        """Note how far the file is, once that much of it is on the disk."""
        self._flush()
        state = {
            **self.made_by,
            "rows": self.rows,
            "items": self._items.hexdigest(),
            "vectors": self._vectors.hexdigest(),
            "cut": self.cut,
            "limit": self.limit,
        }
        with replacing(self.record) as file:
            file.write(json.dumps(state).encode())

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _other_items(self) -> Refused:
        return Refused(
            f"{self.partial} holds the vectors of {self._before['rows']:,} other items; give the items of the "
            "interrupted run again, or remove it to start over"
        )

    def _damaged(self) -> DataError:
        return DataError(f"{self.partial} is not what {self.record.name} says; remove both to start over")


def _blocks(items: Iterable[Any], given: Iterable[Any] | None) -> Iterator[tuple[list[Any], list[Any] | None]]:
    """Blocks of items, and of their conditions where there are any."""
    if given is None:
        left = iter(items)
        while block := [*islice(left, BLOCK)]:
            yield block, None
        return
    pairs = zip(items, given, strict=True)
    while both := [*islice(pairs, BLOCK)]:
        yield [item for item, _ in both], [condition for _, condition in both]


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise DataError(f"{path} exists already; choose another path, or remove it")


def _opened(partial: Path) -> io.BufferedRandom:
    """The file, created where it is not there, and locked against other processes where the system can."""
    file = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
    try:
        import fcntl
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise DataError(f"another process is writing {partial}; wait for it, or choose another path") from None
    return file


def _header(n: int, dim: int) -> bytes:
    """The start of a .npy file; numpy pads it, so that its length is the same for every n."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (n, dim)})
    return header.getvalue()


def _bytes_of(item: Any) -> bytes:
    """Bytes that tell items apart, each with its length, so that no two lists of items look alike."""
    if isinstance(item, str):
        kind, data = "text", item.encode("utf-8", "surrogatepass")
    elif isinstance(item, bytes):
        kind, data = "bytes", item
    elif isinstance(item, np.ndarray) and not item.dtype.hasobject:
        kind, data = f"array {item.dtype.str} {item.shape}", item.tobytes()
    else:
        try:
            kind, data = "json", fingerprint(item).encode()
        except (TypeError, ValueError):
            raise DataError(
                f"an item of type {type(item).__name__} could not be recognised after an interruption; "
                "encoding to a file takes texts, bytes, arrays and what JSON can hold"
            ) from None
    return f"{kind} {len(data)}:".encode() + data
