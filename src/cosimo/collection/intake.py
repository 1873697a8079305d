"""From records of any origin to items with vectors: which columns count, and where the vectors come from."""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors, unit
from cosimo._progress import bar
from cosimo.encode import Chunking
from cosimo.errors import DataError, PassportMismatch
from cosimo.files.records import Record, Records, convert
from cosimo.search import SqliteStore
from cosimo.search.stores.incoming import field_value
from cosimo.space import Space, with_cache
from cosimo.types import Item, Rows, Tokens, Vectors

BATCH = 2048
CHARACTERS = 2_000_000
"""Characters after which a batch ends, so that memory does not grow with the length of texts."""
SAMPLE = 8
SAME_VECTOR = 0.999
"""Lowest cosine between a given vector and the space's own that still counts as the same."""


@dataclass(frozen=True)
class Intake:
    """How records become items.

    text
        Columns joined by a newline into the text that is encoded; empty when vectors are given instead.
    id
        Column of the id; records are numbered from `first` when None.
    fields
        Declared types by name; texts of a textual source (CSV, TSV) are converted to them, other values must fit.
    """

    text: tuple[str, ...]
    id: str | None
    fields: Mapping[str, type]
    first: int = 1

    def check(
        self,
        records: Records,
        *,
        refuse: Callable[[Sequence[str]], object] | None = None,
        progress: bool = False,
    ) -> int:
        """Look through all records before any work is done: columns there, ids distinct; how many there are.

        refuse
            Called with ids, a batch at a time, to raise for those that must not be there.

        Raises
        ------
        DataError
            Naming the file, the line and what to do.
        """
        names = (self.item(record, number, records).id for number, record in enumerate(records))
        # In a file, as memory would grow with the number of ids.
        with TemporaryFile() as file, bar(progress, records.total, "checking") as advance:
            while batch := [*islice(names, BATCH)]:
                if refuse is not None:
                    refuse(batch)
                file.write(b"".join(map(_hash, batch)))
                advance(len(batch))
            n = file.tell() // 8
            if not n:
                raise DataError(f"{records.name} holds no records; wanted at least one")
            file.flush()
            hashes = np.memmap(file, "<u8", "r+")
            hashes.sort()
            twins = hashes[1:][hashes[1:] == hashes[:-1]]
            if twins.size:
                self._refuse_repeated(records, set(twins.tolist()))
        return n

    def _refuse_repeated(self, records: Records, hashes: Container[int]) -> None:
        """Raise for ids that come twice, which only ids with one of these hashes can."""
        lines: dict[str, list[int]] = {}
        for number, record in enumerate(records):
            name = self.item(record, number, records).id
            if int.from_bytes(_hash(name), "little") in hashes:
                lines.setdefault(name, []).append(record.line)
        repeated = [at for at in lines.values() if len(at) > 1]
        if repeated:
            raise DataError(
                f"{records.name}: lines {repeated[0][0]} and {repeated[0][1]} have the same id in column {self.id!r}; "
                f"ids must be distinct ({sum(map(len, repeated)) - len(repeated)} repeated)"
            )

    def item(self, record: Record, number: int, records: Records) -> Item:
        """The item of one of the records; `number` counts them from 0."""
        values = dict(record.values)
        where = f"{records.name}, line {record.line}"
        identity = str(self.first + number) if self.id is None else self._id(values, where)
        text = "\n".join(self._text(values, column, where) for column in self.text) if self.text else None
        for name, kind in self.fields.items():
            what = f"field {name!r} ({where})"
            if records.textual and kind is not str and name in values:
                values[name] = convert(values[name], kind, what)
            field_value(what, kind, values.get(name))
        if self.id is not None:
            del values[self.id]
        return Item(-1, identity, text, values)

    def _id(self, values: Mapping[str, Any], where: str) -> str:
        value = _column(values, str(self.id), where)
        if value is None or value == "" or isinstance(value, (dict, list, float)):
            raise DataError(f"{where}: the id in column {self.id!r} is {value!r}; wanted a text or a whole number")
        return str(value)

    def _text(self, values: Mapping[str, Any], column: str, where: str) -> str:
        value = _column(values, column, where)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise DataError(f"{where}: column {column!r} is {type(value).__name__}, wanted a text")
        return value


def _hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _column(values: Mapping[str, Any], column: str, where: str) -> Any:
    if column not in values:
        raise DataError(f"{where}: there is no column {column!r}; the columns are {', '.join(map(repr, values))}")
    return values[column]


def columns(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """One column name, several, or none, as a tuple."""
    return (text,) if isinstance(text, str) else tuple(text or ())


class Encoding:
    """Vectors made here, one of each text, or one of each of its passages where texts are split."""

    def __init__(self, space: Space, chunking: Chunking | None = None) -> None:
        self.space = space
        self.chunking = chunking
        self._cached = with_cache(space)

    def parts(self, batch: Sequence[Item]) -> tuple[Tokens, Rows | None]:
        """The vectors of each item, and (N, 2) where each passage starts and stops in its text."""
        texts = [item.text or "" for item in batch]
        if self.chunking is None:
            return _whole(self._cached.encode(texts, role="document")), None
        spans = [self.chunking.spans(text, self.space.encoder) for text in texts]
        passages = [text[start:stop] for text, places in zip(texts, spans, strict=True) for start, stop in places]
        X = self._cached.encode(passages, role="document").astype(np.float32, copy=False)
        return Tokens(X, np.cumsum([0, *map(len, spans)])), np.concatenate(spans)

    def finish(self) -> None:
        """Nothing is left over."""


class Given:
    """Vectors (n, d) the caller brings, in the order of the items; a sample is compared with the space's own."""

    def __init__(self, space: Space, vectors: ArrayLike, *, n: int | None = None) -> None:
        self.space = space
        self.X = as_vectors(vectors, name="vectors", dim=space.dim)
        if n is not None and n != len(self.X):
            raise DataError(f"{len(self.X)} vectors were given for {n} records; wanted one each")
        self.done = 0

    def parts(self, batch: Sequence[Item]) -> tuple[Tokens, None]:
        """The next vectors, one an item."""
        X = self.X[self.done : self.done + len(batch)]
        if len(X) < len(batch):
            raise DataError(f"{len(self.X)} vectors were given for more records than that; wanted one each")
        if self.done == 0:
            self._compare_sample(batch, X)
        self.done += len(batch)
        return _whole(X), None

    def finish(self) -> None:
        """Refuse a surplus."""
        if self.done < len(self.X):
            raise DataError(f"{len(self.X)} vectors were given for {self.done} records; the surplus was not stored")

    def _compare_sample(self, batch: Sequence[Item], X: Vectors) -> None:
        sample = [i for i, item in enumerate(batch) if item.text][:SAMPLE]
        if not sample or self.space.passport.probe is None:
            return
        own = self.space.encode([batch[i].text for i in sample], role="document")
        lowest = float((unit(own) * unit(X[sample])).sum(axis=1).min())
        if lowest < SAME_VECTOR:
            raise PassportMismatch(
                f'the given vectors are not what "{self.space.passport.name}" makes of these texts (cosine '
                f"{lowest:.3f}, wanted {SAME_VECTOR}); add the texts without vectors, or create the collection in "
                "the space that made the vectors"
            )


def source_of(space: Space, vectors: ArrayLike | None, chunking: Chunking | None, *, n: int | None) -> Encoding | Given:
    """Where the vectors of n items (None: not known yet) come from: given ones, or those made here."""
    if vectors is None:
        return Encoding(space, chunking)
    if chunking is not None:
        raise DataError(
            f"this collection keeps several vectors an item (chunks of {chunking}) and makes them itself; leave out "
            "the vectors, or create a collection without chunk"
        )
    return Given(space, vectors, n=n)


def records_of(store: SqliteStore, where: str | None) -> Iterator[Record]:
    """Items as records again: their ids under `id`, and their payload."""
    return (Record(item.row, {"id": item.id} | {**item.payload, "id": item.id}) for item in store.scan(where=where))


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """What is encoded and committed together: `BATCH` items, or fewer with long texts."""
    batch: list[Item] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(item.text or "")
        if len(batch) == BATCH or characters >= CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _whole(X: Vectors) -> Tokens:
    return Tokens(X.astype(np.float32, copy=False), np.arange(len(X) + 1))
