"""`cosimo match`: which records of one file are which of another."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

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
    SpaceName,
    TextColumns,
    columns,
    loaded,
)
from cosimo.serve.cli.duplicates import SHOWN, MinScore, Review, RulePath, ToLabel, rule_of
from cosimo.serve.cli.output import interactive, json_line, note, table, watched

if TYPE_CHECKING:
    from cosimo.apply import Matches, Texts

Columns = Annotated[str | None, typer.Option(metavar="COLUMNS", help="Where the columns are called differently there.")]
Column = Annotated[str | None, typer.Option(metavar="COLUMN", help="Where the column is called differently there.")]
FILES = "CSV, TSV, JSONL, JSON, TXT or Parquet; - for standard input."


@dataclass(frozen=True)
class Match:
    """Find which records of the left file are which of the right one.

    In a pipe each match is one line: left id, right id, score, probability, left text and right text, separated by
    tabs; the probability is empty without a rule that knows one.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo match ours.csv theirs.csv --text name --id sku --min-score 0.8 --one-to-one --to matches.csv",
        "cosimo match ours.csv theirs.csv --left-text name --right-text title --min-score 0.5 --to-label pairs.csv",
        "cosimo match ours.csv theirs.csv --text name --with same.json --to matches.csv --review review.csv",
    )

    left: Annotated[str, typer.Argument(metavar="LEFT", help=FILES)]
    right: Annotated[str, typer.Argument(metavar="RIGHT", help=FILES)]
    text: TextColumns = "text"
    left_text: Columns = None
    right_text: Columns = None
    id: IdColumn = None
    left_id: Column = None
    right_id: Column = None
    space: SpaceName = SPACE
    precision: Precision = None
    rule: RulePath = None
    min_score: MinScore = None
    k: Annotated[int, typer.Option("-k", metavar="K", help="Nearest on the right compared with each on the left.")] = 10
    one_to_one: Annotated[bool, typer.Option("--one-to-one", help="Give every record one partner at most.")] = False
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the matches to a file.")] = None
    review: Review = None
    to_label: ToLabel = None
    format: Format = None
    no_cache: NoCache = False
    full: Full = False
    as_json: Json = False

    def run(self) -> None:
        """Find them, write the files asked for, and show the matches."""
        if self.left == self.right == "-":
            raise typer.BadParameter("only one of the two files can be standard input")
        rule = rule_of(self.rule, self.min_score, self.review)
        left = self._texts(self.left, self.left_text, self.left_id)
        right = self._texts(self.right, self.right_text, self.right_id)
        with cosimo.encode.uncached(self.no_cache):
            space = loaded(self.space, self.precision)
            found = cosimo.apply.match(
                space,
                left,
                right,
                rule=rule,
                min_score=self.min_score,
                k=self.k,
                one_to_one=self.one_to_one,
                progress=watched(),
            )
        self._write(found)  # first, as whoever reads the output may leave early
        note(_counts(found))
        note(found.promise)
        self._show(found)

    def _texts(self, file: str, text: str | None, id: str | None) -> "Texts":
        records = read_records(file, format=self.format)
        return cosimo.apply.Texts.read(records, text=columns(text or self.text), id=id or self.id)

    def _show(self, found: "Matches") -> None:
        if self.as_json:
            for row in _rows(found):
                json_line(row)
            return
        shown = islice(_rows(found), SHOWN if interactive() else None)
        header = ("left", "right", found.pairs.scale, "probability", "left text", "right text")
        table(header, [tuple(row.values()) for row in shown], texts=2, cut=not self.full)
        if interactive() and len(found) > SHOWN:
            note(f"and {len(found) - SHOWN:,} matches more: --to FILE writes them all")

    def _write(self, found: "Matches") -> None:
        if self.to is not None:
            rows = Records("matches", lambda: (Record(0, row) for row in _rows(found)))
            note(f"{self.to}: {write_records(rows, self.to):,} matches written")
        if self.review is not None:
            note(f"{self.review}: {found.write_asked(self.review):,} pairs to review written")
        if self.to_label is not None:
            note(f"{self.to_label}: {found.write_to_label(self.to_label):,} pairs to label written")


def _rows(found: "Matches") -> Iterator[dict[str, object]]:
    """One row for each match."""
    pairs = found.pairs
    for place in found.matched.nonzero()[0].tolist():
        i, j = int(pairs.a[place]), int(pairs.b[place])
        yield {
            "left_id": found.left.ids[i],
            "right_id": found.right.ids[j],
            "score": float(pairs.scores[place]),
            "probability": None if pairs.probability is None else float(pairs.probability[place]),
            "left": found.left.texts[i],
            "right": found.right.texts[j],
        }


def _counts(found: "Matches") -> str:
    """`1,000 and 900 texts, 740 matches (of 735 on the left and 712 on the right; pairs to review: 31)`."""
    left, right = (len(set(side)) for side in found.rows.T.tolist())
    asked = int(found.pairs.asked.sum())
    ask = f"; pairs to review: {asked:,}" if asked else ""
    return (
        f"{len(found.left):,} and {len(found.right):,} texts, {len(found):,} matches (of {left:,} on the left and "
        f"{right:,} on the right{ask})"
    )
