"""A sheet of pairs to be labelled: which hits of which queries, and with what probability each was drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosimo.errors import DataError
from cosimo.files.records import query_text, read_records, write_records
from cosimo.passport import fingerprint
from cosimo.rules.labels import SHEET, LabelledPairs
from cosimo.rules.sampling import Draw
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
    def read(cls, source: Any, same: str | None) -> "Queries":
        """The queries of a file, table or list; a single text that is no path is one query."""
        records = read_records([source] if isinstance(source, str) and not Path(source).exists() else source)
        answers: dict[str, Any] = {}
        for record in records:
            text = query_text(record, QUERY_COLUMNS, records.name)
            if same is not None and same not in record.values:
                raise DataError(
                    f"{records.name}, line {record.line}: there is no column {same!r} to tell which items match; the "
                    f"columns are {', '.join(map(repr, record.values))}"
                )
            answers.setdefault(text, None if same is None else record.values[same])
        return cls(list(answers), same, tuple(answers.values()))

    def label(self, query: int, payload: Payload) -> int | str:
        """1 or 0 where the field tells, empty otherwise."""
        return "" if self.same is None else int(str(payload.get(self.same)) == str(self.answers[query]))


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
