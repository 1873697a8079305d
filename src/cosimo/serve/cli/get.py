"""`cosimo get`: items by id."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.errors import DataError
from cosimo.serve.cli.arguments import CollectionPath, Json
from cosimo.serve.cli.output import facts, json_line


@dataclass(frozen=True)
class Get:
    """Show items by their ids."""

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo get papers.cosimo p17",
        "cosimo get papers.cosimo p17 p18 --json",
    )

    collection: CollectionPath
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of items.")]
    as_json: Json = False

    def run(self) -> None:
        """Show those that are there, then name those that are not."""
        with cosimo.Collection.open(self.collection, mode="r") as collection:
            items = collection.get(self.ids)
        for item in items:
            if item is not None and self.as_json:
                json_line({"id": item.id, "text": item.text, "payload": dict(item.payload)})
            elif item is not None:
                facts({"id": item.id, **item.payload})
        missing = [id for id, item in zip(self.ids, items, strict=True) if item is None]
        if missing:
            raise DataError(f"{self.collection} has no item {', '.join(map(repr, missing))}")
