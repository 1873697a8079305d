"""`cosimo export`: items out into a file or a pipe."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.serve.cli.arguments import CollectionPath, Where
from cosimo.serve.cli.output import note


@dataclass(frozen=True)
class Export:
    """Write ids and columns to a file, or as JSON lines to standard output."""

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo export papers.cosimo --to papers.csv",
        "cosimo export papers.cosimo --where 'year >= 2020' | wc -l",
    )

    collection: CollectionPath
    to: Annotated[str, typer.Option(metavar="FILE", help="A file ending in .csv, .tsv, .jsonl or .parquet.")] = "-"
    where: Where = None

    def run(self) -> None:
        """Write all, or those that pass."""
        with cosimo.Collection.open(self.collection, mode="r") as collection:
            written = collection.export(self.to, where=self.where)
        if self.to != "-":
            note(f"{self.to}: {written:,} written")
