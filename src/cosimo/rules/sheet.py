"""A sheet of pairs to be labelled: which hits of which queries, and with what probability each was drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosimo.errors import DataError
from cosimo.files.records import Record, Records, convert, query_text, read_records, write_records
from cosimo.passport import fingerprint
from cosimo.rules.labels import SHEET, LabelledPairs, is_missing
from cosimo.rules.sampling import Draw
from cosimo.search.stores.incoming import field_value
from cosimo.types import Hits, Payload

QUERY_COLUMNS = ("query", "text", "question")
"""Columns of a file of queries; the first that is there counts."""


@dataclass(frozen=True, eq=False)
class LabelSheet:
    """Pairs of a query and a hit, in the order in which they are to be labelled.

    name
        Under which the collection's ledger knows how it was drawn.
    records
        One a pair: sheet, query, id, score, probability (of being drawn), label (empty until somebody judged it) and
        the text of the hit.
    """

    name: str
    records: tuple[Mapping[str, Any], ...]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.records)

    @property
    def pairs(self) -> LabelledPairs:
        """The pairs, taken as not yet labelled."""
        a, b = ([str(record[column]) for record in self.records] for column in ("query", "id"))
        return LabelledPairs(f"sheet {self.name}", a, b, np.zeros(len(a), dtype=bool))

    def to_csv(self, path: str | Path) -> None:
        """Write the sheet for people to fill in the column `label`: 1 for a match, 0 for none."""
        write_records(self.records, path, format="csv")


@dataclass(frozen=True)
class Queries:
    """Distinct texts of queries and, where a field `same` tells which items match, what each has in it."""

    texts: list[str]
    same: str | None = None
    answers: tuple[Any, ...] = ()

    @classmethod
    def read(cls, source: Any, same: str | None, kind: type = str) -> "Queries":
        """The queries of a file, table or list; a single text that is no path is one query.

        kind
            The declared type of the field `same`, which the values in the file are read as.

        Raises
        ------
        DataError
            By file and line: no column `same`, a value that is not of its type, or a query that comes again with
            another value.
        """
        records = read_records([source] if isinstance(source, str) and not Path(source).exists() else source)
        answers: dict[str, Any] = {}
        for record in records:
            text = query_text(record, QUERY_COLUMNS, records.name)
            answer = None if same is None else _answer(record, same, kind, records)
            if answers.setdefault(text, answer) != answer:
                raise DataError(
                    f"{records.name}, line {record.line}: this query came before with another {same}, "
                    f"{answers[text]!r} instead of {answer!r}; leave one of them out"
                )
        return cls(list(answers), same, tuple(answers.values()))

    def label(self, query: int, payload: Payload) -> int | str:
        """1 or 0 where both sides have a value of the field, empty otherwise."""
        if self.same is None or self.answers[query] is None or is_missing(payload.get(self.same)):
            return ""
        return int(payload[self.same] == self.answers[query])


def _answer(record: Record, same: str, kind: type, records: Records) -> Any:
    """The value of a query in the field that tells which items match, None where it has none."""
    where = f"{records.name}, line {record.line}"
    if same not in record.values:
        raise DataError(
            f"{where}: there is no column {same!r} to tell which items match; the columns are "
            f"{', '.join(map(repr, record.values))}"
        )
    value = record.values[same]
    if is_missing(value):
        return None
    what = f"column {same!r} ({where})"
    if records.textual and kind is not str:
        return convert(value, kind, what)
    field_value(what, kind, value)
    return value


def sheet_of(draw: Draw, hits: Hits, queries: Queries, about: Mapping[str, Any]) -> LabelSheet:
    """The drawn hits as a sheet, named after how it was drawn."""
    name = fingerprint({**about, "asked": queries.texts})[:12]
    records = []
    for i, place, chance in zip(draw.queries.tolist(), draw.places, draw.probability, strict=True):
        item = hits.items[int(hits.rows[i, place])]
        records.append(
            {
                SHEET: name,
                "query": queries.texts[i],
                "id": item.id,
                "score": float(hits.scores[i, place]),
                "probability": float(np.round(chance, 10)),
                "label": queries.label(i, item.payload),
                "text": item.text or "",
            }
        )
    return LabelSheet(name, tuple(records))
