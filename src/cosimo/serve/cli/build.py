"""`cosimo build`: a collection from a file."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.errors import DataError
from cosimo.records import read_records
from cosimo.serve.cli.arguments import (
    SPACE,
    Format,
    IdColumn,
    RecordsPath,
    TextColumns,
    columns,
    declared,
)
from cosimo.serve.cli.output import note, watched
from cosimo.serve.cli.reporting import added


@dataclass(frozen=True)
class Build:
    """Make a collection of the records in a file.

    All columns are kept and shown with the hits; those named by --field can also be filtered by. The collection
    appears when it is complete, or not at all.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo build papers.jsonl --text title,abstract --id id --into papers.cosimo",
        "cosimo build products.csv --text name --field price:float --into products.cosimo",
        "cosimo build papers.jsonl --text title,abstract --id id --into papers.cosimo --update",
    )

    file: RecordsPath
    into: Annotated[Path, typer.Option(metavar="COLLECTION", help="Where the collection goes, such as papers.cosimo.")]
    text: TextColumns = "text"
    id: IdColumn = None
    field: Annotated[
        list[str] | None, typer.Option(metavar="NAME:TYPE", help="A column to filter by: int, float, str or bool.")
    ] = None
    space: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH", help=f"A fetched model, a model folder or a saved space.  [default: {SPACE}]"
        ),
    ] = None
    format: Format = None
    update: Annotated[bool, typer.Option("--update", help="Add to it if it is there, replacing equal ids.")] = False

    def run(self) -> None:
        """Create it, or update the one that is there."""
        fields, text = declared(self.field), columns(self.text)
        records = read_records(self.file, format=self.format)
        if self.into.exists():
            self._refuse_or_update(bool(fields))
            space = None if self.space is None else cosimo.Space.load(self.space)
            with cosimo.Collection.open(self.into, space=space) as collection:
                report = collection.add(records, text=text, id=self.id, on_conflict="replace", progress=watched())
        else:
            space = cosimo.Space.load(self.space or SPACE)
            with (
                appearing(self.into) as beside,
                cosimo.Collection.create(beside, space, fields=fields) as collection,
            ):
                report = collection.add(records, text=text, id=self.id, progress=watched())
        note(f"{self.into}: {added(report)}")

    def _refuse_or_update(self, has_fields: bool) -> None:
        if not self.update:
            raise DataError(
                f"{self.into} exists already; --update adds to it and replaces equal ids, `cosimo add` only adds"
            )
        if has_fields:
            raise DataError(
                f"{self.into} exists already, and its fields were declared when it was built; leave out --field"
            )


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A place beside `path` that becomes `path` when the block ends well, and is removed otherwise."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield beside
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
