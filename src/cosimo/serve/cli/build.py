"""`cosimo build`: a collection from a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

import cosimo
from cosimo.errors import DataError
from cosimo.files.atomic import appearing
from cosimo.files.records import read_records
from cosimo.serve.cli.arguments import (
    SPACE,
    Format,
    IdColumn,
    NoCache,
    Precision,
    RecordsPath,
    columns,
    declared,
    loaded,
)
from cosimo.serve.cli.output import note, watched
from cosimo.serve.cli.reporting import added, indexed
from cosimo.serve.cli.vectors import vectors_of

if TYPE_CHECKING:
    from cosimo.types import Vectors


@dataclass(frozen=True)
class Build:
    """Make a collection of the records in a file.

    All columns are kept and shown with the hits; those named by --field can also be filtered by. The collection
    appears when it is complete, or not at all.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo build papers.jsonl --text title,abstract --id id --into papers.cosimo",
        "cosimo build reports.jsonl --chunk 200/40 --into reports.cosimo",
        "cosimo build products.csv --text name --field price:float --into products.cosimo",
        "cosimo build papers.jsonl --text title,abstract --id id --into papers.cosimo --update",
        "cosimo build photos.csv --id file --vectors photos.npy --vectors-from clip-vit-b32 --into photos.cosimo",
    )

    file: RecordsPath
    into: Annotated[Path, typer.Option(metavar="COLLECTION", help="Where the collection goes, such as papers.cosimo.")]
    text: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", help="Columns to encode, such as title,abstract.  [default: text]"),
    ] = None
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
    precision: Precision = None
    vectors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Vectors made before, .npy, .npz, .safetensors or .parquet: encode nothing."),
    ] = None
    vectors_from: Annotated[
        str | None, typer.Option(metavar="NAME", help="What made the vectors, when it was none of the spaces here.")
    ] = None
    chunk: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE/OVERLAP", help="Split long texts into passages, such as 200/40: tokens each, and repeated."
        ),
    ] = None
    index: Annotated[
        str | None,
        typer.Option(
            metavar="ivf|hnsw", help="Build an approximate index, for large collections; search is exact without one."
        ),
    ] = None
    format: Format = None
    update: Annotated[bool, typer.Option("--update", help="Add to it if it is there, replacing equal ids.")] = False
    no_cache: NoCache = False

    def run(self) -> None:
        """Create it, or update the one that is there."""
        self._check_vectors()
        if self.index not in (None, "ivf", "hnsw"):
            raise typer.BadParameter(f"--index is ivf or hnsw, got {self.index}")
        fields, text = declared(self.field), self._text()
        records = read_records(self.file, format=self.format)
        X = None if self.vectors is None else vectors_of(records, self.vectors, self.id)
        if self.into.exists():
            self._refuse_or_update(bool(fields))
            space = self._space(X)
            with cosimo.encode.uncached(self.no_cache), cosimo.Collection.open(self.into, space=space) as collection:
                self._refuse_other_chunks(collection.chunk)
                report = collection.add(
                    records, text=text, id=self.id, vectors=X, on_conflict="replace", progress=watched()
                )
                self._build_index(collection)
        else:
            space = self._space(X) or cosimo.Space.load(SPACE)
            with (
                cosimo.encode.uncached(self.no_cache),
                appearing(self.into) as beside,
                cosimo.Collection.create(beside, space, fields=fields, chunk=self.chunk) as collection,
            ):
                report = collection.add(records, text=text, id=self.id, vectors=X, progress=watched())
                self._build_index(collection)
        note(f"{self.into}: {added(report)}")

    def _build_index(self, collection: "cosimo.Collection") -> None:
        if self.index is not None and (report := collection.index(self.index)):
            note(indexed(report))

    def _check_vectors(self) -> None:
        if self.vectors_from is not None and (self.vectors is None or self.space is not None):
            raise typer.BadParameter("--vectors-from NAME goes with --vectors FILE, and not with --space")
        if self.vectors is not None and not (self.vectors_from or self.space or self.into.exists()):
            raise typer.BadParameter("--vectors needs the name of what made them: --vectors-from NAME, or --space")

    def _text(self) -> list[str]:
        if self.text is None:
            return ["text"] if self.vectors is None else []
        return columns(self.text)

    def _space(self, X: "Vectors | None") -> "cosimo.Space | None":
        if X is not None and self.vectors_from is not None:
            return cosimo.Space(cosimo.encode.Precomputed(X.shape[1], name=self.vectors_from))
        if self.space is None and self.precision is None:
            return None
        return loaded(self.space or SPACE, self.precision)

    def _refuse_or_update(self, has_fields: bool) -> None:
        if not self.update:
            raise DataError(
                f"{self.into} exists already; --update adds to it and replaces equal ids, `cosimo add` only adds"
            )
        if has_fields:
            raise DataError(
                f"{self.into} exists already, and its fields were declared when it was built; leave out --field"
            )

    def _refuse_other_chunks(self, built_with: "cosimo.encode.Chunking | None") -> None:
        if self.chunk is None or cosimo.encode.Chunking.parse(self.chunk) == built_with:
            return
        was = "without --chunk" if built_with is None else f"with --chunk {built_with}"
        raise DataError(f"{self.into} was built {was}, and all its items are split alike; leave out --chunk")
