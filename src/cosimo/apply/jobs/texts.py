"""Texts to compare, with the ids they are shown under and, where they were encoded before, their vectors."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from cosimo.apply.jobs.candidates import Side
from cosimo.collection.intake import Intake, columns
from cosimo.encode.items import check_texts
from cosimo.errors import DataError, ShapeError
from cosimo.files.records import Records, read_records
from cosimo.space import Space, with_cache
from cosimo.types import Rows, Vectors


@final
@dataclass(frozen=True, eq=False)
class Texts:
    """N texts.

    texts
        A list, a column of a table, or any other sequence of texts.
    ids
        What each is called in results and files; numbers from 1 where none are given.
    vectors
        (n, d) one a text, made by the space they will be compared in; may be a map of a file, as
        `Space.encode(..., out=)` gives it. Encoded when None.

    Raises
    ------
    DataError
        Something that is no text, or an id that comes twice.
    ShapeError
        Not one id or one vector a text.

    >>> Texts(["red shirt", "blue shirt"]).ids
    ('1', '2')
    """

    texts: Sequence[str] = field(repr=False)
    ids: Sequence[str] = field(default=(), repr=False)
    vectors: Vectors | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        texts = check_texts(self.texts)
        ids = tuple(map(str, self.ids if len(self.ids) else range(1, len(texts) + 1)))
        for name, given in (("ids", ids), ("vectors", self.vectors)):
            if given is not None and len(given) != len(texts):
                raise ShapeError(f"{len(given)} {name} were given for {len(texts)} texts; wanted one each")
        if len(set(ids)) < len(ids):
            twice = next(name for name, times in Counter(ids).items() if times > 1)
            raise DataError(f"the id {twice!r} comes twice; ids must be distinct")
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def read(
        cls, source: Any, *, text: str | Sequence[str] = "text", id: str | None = None, format: str | None = None
    ) -> "Texts":
        """The texts of a file, a table or a list of records.

        text
            Column or columns, joined by a newline.
        id
            Column of the id; records are numbered from 1 when None.
        format
            Of a file, by its extension when None.

        Raises
        ------
        DataError
            By file and line: a column that is not there, a value that is no text, an id that comes twice.

        >>> Texts.read([{"sku": "a", "name": "red shirt"}], text="name", id="sku").ids
        ('a',)
        """
        records = repeatable(read_records(source, format=format))
        intake = Intake(columns(text), id, {})
        intake.check(records)
        items = [intake.item(record, number, records) for number, record in enumerate(records)]
        return cls([item.text or "" for item in items], [item.id for item in items])

    @contextmanager
    def side(self, space: Space, rows: Rows, *, progress: bool = False) -> Iterator[Side]:
        """The vectors of some rows, those given or else made here, in a temporary file."""
        if self.vectors is not None:
            if self.vectors.ndim != 2 or self.vectors.shape[1] != space.dim:
                raise ShapeError(f"vectors must have shape (n, {space.dim}) in this space, got {self.vectors.shape}")
            yield Side(self.vectors, rows, rows)
            return
        with TemporaryDirectory(prefix="cosimo-", ignore_cleanup_errors=True) as folder:
            chosen = [self.texts[row] for row in rows.tolist()]
            X = with_cache(space).encode(chosen, out=Path(folder, "vectors.npy"), progress=progress)
            yield Side(X, np.arange(len(rows)), rows)


def as_texts(texts: Texts | Sequence[str]) -> Texts:
    """Plain texts as numbered ones."""
    return texts if isinstance(texts, Texts) else Texts(texts)


def repeatable(records: Records) -> Records:
    """Records that can be gone through again; what can be read only once is gathered in memory."""
    if records.again:
        return records
    gathered = list(records)
    return Records(records.name, lambda: iter(gathered), total=len(gathered), textual=records.textual)
