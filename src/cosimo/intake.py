"""From records of any origin to items with vectors: which columns count, and where the vectors come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors, unit
from cosimo.errors import DataError, PassportMismatch
from cosimo.passport import fingerprint
from cosimo.records import Record, Records, convert
from cosimo.space import Space
from cosimo.types import Item, Tokens, Vectors

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
        Declared types by name; strings from CSV are converted to them.
    """

    text: tuple[str, ...]
    id: str | None
    fields: Mapping[str, type]
    first: int = 1

    def check(self, records: Records) -> None:
        """Look through all records before any work is done: columns there, ids distinct.

        Raises
        ------
        DataError
            Naming the file, the line and what to do.
        """
        seen: list[int] = []
        lines: list[int] = []
        for number, record in enumerate(records):
            item = self.item(record, number, records.name)
            seen.append(int(fingerprint(item.id)[:15], 16))
            lines.append(record.line)
        if not seen:
            raise DataError(f"{records.name} holds no records; wanted at least one")
        order = np.argsort(np.array(seen), kind="stable")
        twins = np.flatnonzero(np.diff(np.array(seen)[order]) == 0)
        if len(twins):
            first, second = (lines[order[twins[0] + step]] for step in (0, 1))
            raise DataError(
                f"{records.name}: lines {first} and {second} have the same id in column {self.id!r}; "
                f"ids must be distinct ({len(twins)} repeated)"
            )

    def item(self, record: Record, number: int, source: str) -> Item:
        """The item of one record; `number` counts records from 0."""
        values = dict(record.values)
        where = f"{source}, line {record.line}"
        identity = str(self.first + number) if self.id is None else self._id(values, where)
        text = "\n".join(self._text(values, column, where) for column in self.text) if self.text else None
        for name, kind in self.fields.items():
            if isinstance(values.get(name), str) and kind is not str:
                values[name] = convert(values[name], kind, f"field {name!r} ({where})")
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


def _column(values: Mapping[str, Any], column: str, where: str) -> Any:
    if column not in values:
        raise DataError(f"{where}: there is no column {column!r}; the columns are {', '.join(map(repr, values))}")
    return values[column]


def columns(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """One column name, several, or none, as a tuple."""
    return (text,) if isinstance(text, str) else tuple(text or ())


class Encoding:
    """Vectors made here, of the items' texts."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def vectors(self, batch: Sequence[Item]) -> Tokens:
        """One vector an item."""
        return _whole(self.space.encode([item.text or "" for item in batch], role="document"))

    def finish(self) -> None:
        """Nothing is left over."""


class Given:
    """Vectors (n, d) the caller brings, in the order of the items; a sample is compared with the space's own."""

    def __init__(self, space: Space, vectors: ArrayLike) -> None:
        self.space = space
        self.X = as_vectors(vectors, name="vectors", dim=space.dim)
        self.done = 0

    def vectors(self, batch: Sequence[Item]) -> Tokens:
        """The next vectors, one an item."""
        X = self.X[self.done : self.done + len(batch)]
        if len(X) < len(batch):
            raise DataError(f"{len(self.X)} vectors were given for more records than that; wanted one each")
        if self.done == 0:
            self._compare_sample(batch, X)
        self.done += len(batch)
        return _whole(X)

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


def _whole(X: Vectors) -> Tokens:
    return Tokens(X.astype(np.float32, copy=False), np.arange(len(X) + 1))
