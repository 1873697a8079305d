"""`cosimo add`: more records into a collection."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.files.records import read_records
from cosimo.serve.cli.arguments import CollectionPath, Format, IdColumn, NoCache, RecordsPath, TextColumns, columns
from cosimo.serve.cli.output import note, watched
from cosimo.serve.cli.reporting import added


class OnConflict(Enum):
    """What to do with an id that is there already."""

    ERROR = "error"
    REPLACE = "replace"
    SKIP = "skip"


@dataclass(frozen=True)
class Add:
    """Add the records of a file to a collection."""

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo add papers.cosimo more.jsonl --text title,abstract --id id",
        "cat more.jsonl | cosimo add papers.cosimo - --text title --id id --on-conflict replace",
    )

    collection: CollectionPath
    file: RecordsPath
    text: TextColumns = "text"
    id: IdColumn = None
    on_conflict: Annotated[OnConflict, typer.Option(help="What to do with an id that is there already.")] = (
        OnConflict.ERROR
    )
    format: Format = None
    no_cache: NoCache = False

    def run(self) -> None:
        """Encode, store, and say how many."""
        text = columns(self.text)
        records = read_records(self.file, format=self.format)
        with cosimo.encode.uncached(self.no_cache), cosimo.Collection.open(self.collection) as collection:
            report = collection.add(
                records, text=text, id=self.id, on_conflict=self.on_conflict.value, progress=watched()
            )
        note(f"{self.collection}: {added(report)}")
