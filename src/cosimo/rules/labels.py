"""Labels: pairs that somebody judged, and how they were drawn; without the second the first promise nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import DataError, Refused
from cosimo.files.records import Record, Records, convert, read_records
from cosimo.search.stores.shelf import Units
from cosimo.types import PerItem

Sampled = Literal["natural", "top-k", "balanced"]
ASSERTED: Mapping[str, Mapping[str, str]] = {
    "hit": {
        "natural": "you assert that they are a random sample of the hits of your queries",
        "top-k": "all hits of queries of which you assert that they are a random sample of yours",
        "balanced": "you assert that matches and non-matches are each a random sample",
    },
    "pair": {
        "natural": "you assert that they are a random sample of the pairs that will be decided",
        "top-k": "you assert that they are all candidates of a random sample of first items",
        "balanced": "you assert that matches and non-matches are each a random sample",
    },
}
"""What a guarantee says of labels that cosimo did not draw, by what is labelled and how it was drawn."""
FOUND = ("candidates", "items", "floor")
"""Columns in which pairs to label, drawn by `cosimo duplicates` and `cosimo match`, say how they were found."""
SHEET = "sheet"
"""Column of a sheet drawn by `Collection.sample_for_labels`: its number in the collection's ledger."""


@dataclass(frozen=True, eq=False)
class LabelledPairs:
    """Labels as they were read: n pairs (a, b).

    b
        None where each label is about a query as a whole.
    y
        (n,) whether they match.
    clusters
        (n,) names of what makes pairs depend on each other, None where nobody said.
    probability
        (n,) with which each was drawn, None where all are equally likely.
    sheet
        The sheet they were drawn on, None where they come from elsewhere.
    groups
        (n,) the group of each pair, None where the labels name no column of groups.
    found
        How candidates were found, where all rows say the same of it: columns `candidates`, `items` and `floor`.
    """

    name: str
    a: list[str]
    b: list[str] | None
    y: NDArray[np.bool_]
    clusters: list[str] | None = None
    probability: PerItem | None = None
    sheet: str | None = None
    groups: list[str] | None = None
    found: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.a)

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> "LabelledPairs":
        """The pairs at these places."""

        def at(values: list[str] | None) -> list[str] | None:
            return None if values is None else [values[i] for i in places]

        return replace(
            self,
            a=[self.a[i] for i in places],
            b=at(self.b),
            y=self.y[places],
            clusters=at(self.clusters),
            probability=None if self.probability is None else self.probability[places],
            groups=at(self.groups),
        )

    @property
    def units(self) -> Units:
        """(n,) a digest of each pair, by which it is known again."""
        sides = self.b if self.b is not None else [""] * len(self.a)
        digests = [hashlib.blake2b(f"{a}\x1f{b}".encode(), digest_size=8) for a, b in zip(self.a, sides, strict=True)]
        return np.frombuffer(b"".join(digest.digest() for digest in digests), "<u8").astype(np.uint64)


@dataclass(frozen=True)
class Labels:
    """Where labels are, and how the labelled pairs were drawn.

    source
        A path (CSV, TSV, JSONL, JSON, Parquet), a list of records, a DataFrame or Arrow table.
    a, b, y
        Columns of the two items (for a collection: the query and the id of the item) and of the label, 1 or 0.
    sampled
        `natural`: a random sample of what will be decided. `top-k`: all hits of a random sample of queries.
        `balanced`: matches and non-matches drawn apart, which says nothing about precision. A sheet drawn by
        `Collection.sample_for_labels` knows it by itself.
    clusters
        Column whose equal values mark pairs that depend on each other, such as an author or a session, each of which
        was labelled whole.
    probability
        Column of the probability with which each pair was drawn; the smallest counts as the smallest there is.
    by
        Column of the group each pair belongs to, for a promise a group; for a collection, a declared field of the
        items.

    >>> pairs = [{"a": "x", "b": "y", "label": "1"}, {"a": "x", "b": "z", "label": 0}]
    >>> Labels(pairs, sampled="natural").read("a", "b").y
    array([ True, False])
    """

    source: Any
    a: str | None = None
    b: str | None = None
    y: str = "label"
    sampled: Sampled | None = None
    clusters: str | None = None
    probability: str | None = None
    by: str | None = None

    def read(self, a: str, b: str | None) -> LabelledPairs:
        """The labelled pairs; on a sheet rows behind the last label are left out, since they come in random order.

        a, b
            Columns where the labels name none; no `b` where each label is about a query as a whole.

        Raises
        ------
        DataError
            By file and line: a column that is not there, a label that is neither 1 nor 0 or is missing amid others.
        Refused
            Nobody said how the pairs were drawn.
        """
        if self.sampled is not None and self.sampled not in get_args(Sampled):
            raise DataError(f"sampled is one of {', '.join(get_args(Sampled))}, got {self.sampled!r}")
        records = read_records(self.source)
        rows = self._labelled(records)
        if not rows:
            raise DataError(f"{records.name} holds no labels")
        wanted = [self.a or a, *([self.b or b] if b is not None else []), self.y]
        wanted += [column for column in (self.clusters, self.probability) if column is not None]
        for record in rows:
            _require(record, wanted, records.name)
        sheets = {str(record.values.get(SHEET) or "") for record in rows}
        if len(sheets) > 1 and self.sampled is None:
            raise DataError(
                f"{records.name} holds rows of {len(sheets)} sheets or of none; calibrate from one sheet (for a larger "
                "one: cosimo label -n), or say how the pairs were drawn"
            )
        sheet = sheets.pop() if self.sampled is None and sheets else ""
        if b is None and (self.b or "id") in rows[0].values:
            raise DataError(
                f"{records.name} has a column {self.b or 'id'!r}: labels of hits, not of queries; to tell queries that "
                "have no match, give queries alone, with the label 0"
            )
        if self.sampled is None and not sheet:
            raise Refused(
                f"{records.name} does not say how its pairs were drawn, and a promise holds only for what they were "
                "drawn from: say sampled= (--sampled) natural, top-k or balanced, or draw pairs with cosimo label"
            )
        chance = self.probability or ("probability" if sheet else None)
        return LabelledPairs(
            records.name,
            [str(record.values[wanted[0]]) for record in rows],
            None if b is None else [str(record.values[wanted[1]]) for record in rows],
            np.array([_truth(record, self.y, records.name) for record in rows], dtype=bool),
            None if self.clusters is None else [str(record.values[self.clusters]) for record in rows],
            None if chance is None else _chances(rows, chance, records.name),
            sheet or None,
            self._groups(rows, records.name),
            _found(rows),
        )

    def _groups(self, rows: Sequence[Record], name: str) -> list[str] | None:
        """The group of each row, None where no column of the labels holds it."""
        if self.by is None or self.by not in rows[0].values:
            return None
        return group_names([record.values.get(self.by) for record in rows], self.by, name)

    def _labelled(self, records: Records) -> list[Record]:
        rows = list(records)
        blank = [is_missing(record.values.get(self.y)) for record in rows]
        last = max((i for i, empty in enumerate(blank) if not empty), default=-1)
        if rows and self.y in rows[0].values and last < 0:
            raise DataError(f"{records.name} holds no label: write 1 (a match) or 0 into its column {self.y!r}")
        gap = next((row for row, empty in zip(rows[: last + 1], blank, strict=False) if empty), None)
        if gap is None and last + 1 < len(rows) and not rows[0].values.get(SHEET):
            gap = rows[last + 1]
        if gap is not None and self.y in gap.values:
            raise DataError(
                f"{records.name}, line {gap.line}: no label; only a sheet of cosimo label may end unlabelled, since "
                "its rows are in random order: elsewhere the easy ones would be counted and the hard ones not"
            )
        return rows[: last + 1] if last >= 0 else rows


def _found(rows: Sequence[Record]) -> dict[str, str]:
    said = {column: {str(record.values.get(column) or "") for record in rows} for column in FOUND}
    return {column: values.pop() for column, values in said.items() if len(values) == 1 and values != {""}}


def as_labels(labels: Any) -> Labels:
    """`labels` itself, or what describes labels in a file or table with the usual columns."""
    return labels if isinstance(labels, Labels) else Labels(labels)


def group_names(values: Sequence[Any], by: str, name: str) -> list[str]:
    """(n,) names of groups; what has no value belongs to none, and is refused.

    Raises
    ------
    DataError
        A value is missing.
    """
    if missing := sum(map(is_missing, values)):
        raise DataError(
            f"{missing:,} of the {len(values):,} labelled pairs in {name} have no value of {by!r}, so no group; give "
            'them one of their own, such as "other"'
        )
    return [str(value) for value in values]


def is_missing(value: Any) -> bool:
    """Whether a file, a table or a payload holds no value here: none, not a number, or a blank text."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _require(record: Record, columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in record.values]
    if missing:
        raise DataError(
            f"{name}, line {record.line}: there is no column {missing[0]!r}; the columns are "
            f"{', '.join(map(repr, record.values))}"
        )
    empty = [column for column in columns if is_missing(record.values[column])]
    if empty:
        raise DataError(f"{name}, line {record.line}: column {empty[0]!r} is empty")


def _truth(record: Record, column: str, name: str) -> bool:
    value = record.values[column]
    text = str(value).strip().lower()
    if text in ("1", "1.0", "true", "yes"):
        return True
    if text in ("0", "0.0", "false", "no"):
        return False
    raise DataError(f"{name}, line {record.line}: the label is {value!r}, wanted 1 (a match) or 0 (none)")


def _chances(rows: Sequence[Record], column: str, name: str) -> PerItem:
    chances = []
    for record in rows:
        what = f"{name}, line {record.line}: column {column!r}"
        chance = convert(str(record.values[column]), float, what)
        if not isinstance(chance, float) or not 0 < chance <= 1:
            raise DataError(f"{what} wants a probability above 0 and at most 1, got {record.values[column]!r}")
        chances.append(chance)
    return np.asarray(chances)
