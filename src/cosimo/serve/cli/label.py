"""`cosimo label`: pairs worth labelling, drawn so that a guarantee can be made from the labels."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.errors import DataError
from cosimo.files.records import write_records
from cosimo.serve.cli.arguments import CollectionPath, Where
from cosimo.serve.cli.output import note, watched


class Design(Enum):
    """How hits are drawn."""

    RANDOM = "random"
    STRATA = "strata"


@dataclass(frozen=True)
class Label:
    """Draw a labelling sample: hits of queries to be labelled, as CSV.

    Write 1 (a match) or 0 into its column label, from the top; rows may be left out at the end only. The sample goes to
    `cosimo calibrate`. The queries must be a random sample of what users ask.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo label papers.cosimo queries.txt -n 300 > labels.csv",
        "cosimo label banking.cosimo questions.csv -n 1000 -k 5 --same intent --out labels.csv",
    )

    collection: CollectionPath
    queries: Annotated[
        str, typer.Argument(metavar="QUERIES", help="A file with a column query, text or question, or a text a line.")
    ]
    n: Annotated[int, typer.Option("-n", metavar="N", help="About as many labels.")] = 300
    k: Annotated[int, typer.Option("-k", metavar="K", help="Hits a query in the search to be decided about.")] = 10
    where: Where = None
    same: Annotated[
        str | None,
        typer.Option(metavar="FIELD", help="A declared field and column whose equal values mark a match."),
    ] = None
    design: Annotated[Design, typer.Option(help="random, or strata: as many labels at high scores as at low ones.")] = (
        Design.RANDOM
    )
    seed: Annotated[int, typer.Option(metavar="SEED", help="Another seed draws other hits.")] = 0
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of to the pipe.")] = None

    def run(self) -> None:
        """Write the labelling sample."""
        if self.out is not None and self.out.exists():
            raise DataError(f"{self.out} exists already, and may hold labels; choose another file, or remove it")
        with cosimo.Collection.open(self.collection) as collection:
            sheet = collection.sample_for_labels(
                Path(self.queries),
                self.n,
                k=self.k,
                where=self.where,
                same=self.same,
                design=self.design.value,
                seed=self.seed,
                progress=watched(),
            )
        write_records(sheet.records, "-" if self.out is None else self.out, format="csv")
        drawn = len({record["query"] for record in sheet})
        blank = sum(record["label"] == "" for record in sheet)
        filled = "label them from the top, 1 or 0" if blank else "labels filled in"
        if self.same and blank:
            filled = (
                f"{len(sheet) - blank:,} labels filled in, and {blank:,} left empty, as the query or the item has no "
                f"{self.same}: fill them in, 1 or 0"
            )
        sheet_file = self.out or "SHEET"
        note(f"{len(sheet):,} hits of {drawn:,} queries; {filled}, then:")
        note(f"cosimo calibrate {self.collection} {sheet_file} --precision 0.90")
