"""`cosimo delete`: items out of a collection."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.serve.cli.arguments import CollectionPath, Where
from cosimo.serve.cli.output import note


@dataclass(frozen=True)
class Delete:
    """Delete items by id or by filter."""

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo delete papers.cosimo p17 p18",
        "cosimo delete papers.cosimo --where 'year < 1990'",
    )

    collection: CollectionPath
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids of items.")] = None
    where: Where = None

    def run(self) -> None:
        """Delete, and say how many were there."""
        if bool(self.ids) == (self.where is not None):
            raise typer.BadParameter("delete needs ids or --where, one of the two")
        with cosimo.Collection.open(self.collection) as collection:
            deleted = collection.delete(self.ids or None, where=self.where)
        asked = "" if self.where is not None else f" of {len(set(self.ids or ())):,}"
        note(f"{self.collection}: {deleted:,}{asked} deleted")
