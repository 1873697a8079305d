"""`cosimo duplicates`: which records of a file say the same, and which of them to keep."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import typer

import cosimo
from cosimo.files.records import Record, Records, read_records, write_records
from cosimo.serve.cli.arguments import (
    SPACE,
    Format,
    Full,
    IdColumn,
    Json,
    NoCache,
    Precision,
    RecordsPath,
    SpaceName,
    TextColumns,
    columns,
    loaded,
)
from cosimo.serve.cli.output import interactive, json_line, note, table, watched

if TYPE_CHECKING:
    from cosimo.apply import Duplicates as Found
    from cosimo.rules.rule import Rule

SHOWN = 20
"""Groups, or matches, that a terminal shows."""

RulePath = Annotated[
    Path | None, typer.Option("--with", metavar="RULE", help="A rule for pairs, from `cosimo calibrate --save`.")
]
MinScore = Annotated[
    float | None, typer.Option(metavar="SCORE", help="Instead of a rule: accept from this score on. No promise.")
]
Review = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the pairs that the rule leaves for review.")]
ToLabel = Annotated[
    Path | None,
    typer.Option("--to-label", metavar="FILE", help="Write candidate pairs to label and calibrate a rule on."),
]


@dataclass(frozen=True)
class Duplicates:
    """Find records that say the same, exactly or nearly, and what to keep of each group: its longest text.

    In a pipe each member of a group is one line: group, 1 if it is kept, id and text, separated by tabs.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo duplicates products.csv --text name --id sku --min-score 0.9 --keep kept.csv",
        "cosimo duplicates tickets.jsonl --text title,body --min-score 0.5 --to-label pairs.csv",
        "cosimo duplicates tickets.jsonl --text title,body --with same.json --groups groups.csv --review review.csv",
    )

    file: RecordsPath
    text: TextColumns = "text"
    id: IdColumn = None
    space: SpaceName = SPACE
    precision: Precision = None
    rule: RulePath = None
    min_score: MinScore = None
    k: Annotated[int, typer.Option("-k", metavar="K", help="Nearest texts compared with each.")] = 10
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the records that are kept, with all their columns.")
    ] = None
    groups: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the groups: group, kept, id, text.")] = None
    review: Review = None
    to_label: ToLabel = None
    format: Format = None
    no_cache: NoCache = False
    full: Full = False
    as_json: Json = False

    def run(self) -> None:
        """Find them, write the files asked for, and show the groups."""
        from cosimo.apply.jobs.texts import repeatable

        rule = rule_of(self.rule, self.min_score, self.review)
        text = columns(self.text)
        records = repeatable(read_records(self.file, format=self.format))
        texts = cosimo.apply.Texts.read(records, text=text, id=self.id)
        with cosimo.encode.uncached(self.no_cache):
            space = loaded(self.space, self.precision)
            found = cosimo.apply.find_duplicates(
                space, texts, rule=rule, min_score=self.min_score, k=self.k, progress=watched()
            )
        self._write(found, records)  # first, as whoever reads the output may leave early
        note(f"{records.name}: {_counts(found)}")
        note(found.promise)
        self._show(found)

    def _show(self, found: "Found") -> None:
        if self.as_json:
            for number, rows in enumerate(found.groups, 1):
                ids = [found.texts.ids[row] for row in rows.tolist()]
                json_line({"group": number, "kept": found.texts.ids[found.kept[rows[0]]], "ids": ids})
            return
        shown = SHOWN if interactive() else len(found.groups)
        table(
            ("group", "kept", "id", "text"), [tuple(row.values()) for row in _members(found, shown)], cut=not self.full
        )
        if shown < len(found.groups):
            note(f"and {len(found.groups) - shown:,} groups more: --groups FILE writes them all")

    def _write(self, found: "Found", records: Records) -> None:
        if self.groups is not None:
            members = Records("groups", lambda: (Record(0, row) for row in _members(found, len(found.groups))))
            note(f"{self.groups}: {write_records(members, self.groups):,} members of groups written")
        if self.review is not None:
            note(f"{self.review}: {found.write_asked(self.review):,} pairs to review written")
        if self.to_label is not None:
            note(f"{self.to_label}: {found.write_to_label(self.to_label):,} pairs to label written")
        if self.keep is not None:
            kept = found.kept == np.arange(len(found))
            rest = Records(records.name, lambda: (r for r, stays in zip(records, kept, strict=True) if stays))
            note(f"{self.keep}: {write_records(rest, self.keep):,} records written")


def rule_of(path: Path | None, min_score: float | None, review: Path | None) -> "Rule | None":
    """The rule in a file, None where a plain score decides."""
    if (path is None) == (min_score is None):
        raise typer.BadParameter("say what counts as a match: --with RULE or --min-score SCORE, one of the two")
    if path is None:
        if review is not None:
            raise typer.BadParameter("--review requires --with RULE: a plain score leaves none; see --to-label")
        return None
    return cosimo.Rule.load(path)


def _members(found: "Found", groups: int) -> Iterator[dict[str, object]]:
    """One row for each member of the first groups."""
    for number, rows in enumerate(islice(found.groups, groups), 1):
        for row in rows.tolist():
            text, kept = found.texts.texts[row], int(found.kept[row] == row)
            yield {"group": number, "kept": kept, "id": found.texts.ids[row], "text": text}


def _counts(found: "Found") -> str:
    """`1,000 texts, 955 kept (exact copies: 12, near pairs: 40, groups: 31, the largest of 4)`."""
    parts = [f"exact copies: {found.copies:,}", f"near pairs: {int(found.pairs.accepted.sum()):,}"]
    if asked := int(found.pairs.asked.sum()):
        parts.append(f"pairs to review: {asked:,}")
    if found.groups:
        parts.append(f"groups: {len(found.groups):,}, the largest of {max(map(len, found.groups)):,}")
    return f"{len(found):,} texts, {len(found.rows):,} kept ({', '.join(parts)})"
