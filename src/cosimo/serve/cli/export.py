"""`cosimo export`: items out into a file or a pipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.serve.cli.arguments import CollectionPath, Where
from cosimo.serve.cli.output import note


@dataclass(frozen=True)
class Export:
    """Write ids and columns to a file, or as JSON lines to standard output; or the vectors to a file."""

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo export papers.cosimo --to papers.csv",
        "cosimo export papers.cosimo --where 'year >= 2020' | wc -l",
        "cosimo export papers.cosimo --vectors papers.safetensors",
    )

    collection: CollectionPath
    to: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A file ending in .csv, .tsv, .jsonl or .parquet; - for standard output."),
    ] = None
    vectors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file for the vectors: .npy, .npz, .safetensors or .parquet."),
    ] = None
    where: Where = None

    def run(self) -> None:
        """Write all, or those that pass."""
        to = self.to or ("-" if self.vectors is None else None)
        with cosimo.Collection.open(self.collection, mode="r") as collection:
            if to is not None:
                written = collection.export(to, where=self.where)
                if to != "-":
                    note(f"{to}: {written:,} written")
            if self.vectors is not None:
                written = cosimo.interchange.export_vectors(collection, self.vectors, where=self.where)
                note(f"{self.vectors}: {written:,} vectors written, in the order of the items")
