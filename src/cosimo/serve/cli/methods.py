"""`cosimo methods`: the catalogue, listed or searched."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, get_args

import typer

import cosimo
from cosimo import catalogue
from cosimo.errors import DataError, MissingModel
from cosimo.serve.cli.arguments import SPACE, Json
from cosimo.serve.cli.output import json_line, table


@dataclass(frozen=True)
class Methods:
    """List the methods of the field, or find those that answer a question.

    Questions are compared by meaning when the model minilm is here, and by words otherwise.
    """

    examples: ClassVar[tuple[str, ...]] = (
        'cosimo methods "make vectors smaller"',
        "cosimo methods --room refine --status implemented",
    )

    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="What the method should do.")] = None
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="Only of this room, such as refine.")] = None
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only of this status, such as measured.")] = None
    k: Annotated[int, typer.Option("-k", metavar="K", help="How many answer a question.")] = 10
    as_json: Json = False

    def run(self) -> None:
        """Write the rows with their status."""
        rows = catalogue.rows()
        _one_of("room", self.room, (row.home for row in rows))
        _one_of("status", self.status, get_args(catalogue.State))
        found = self._answers() if self.question is not None else rows
        chosen = [(row, catalogue.status(row)) for row in found if self.room in (None, row.home)]
        chosen = [(row, status) for row, status in chosen if self.status in (None, status.state)]
        if self.question is not None:
            chosen = chosen[: self.k]
        if self.as_json:
            for row, status in chosen:
                json_line({**asdict(row), "status": str(status)})
        else:
            table(
                ("name", "room", "status", "what it does"),
                [(row.name, row.home, str(status), row.summary) for row, status in chosen],
            )

    def _answers(self) -> list[catalogue.Row]:
        try:
            encoder = cosimo.Space.load(SPACE)
        except MissingModel:
            encoder = None
        return catalogue.find(self.question or "", encoder, k=len(catalogue.rows()))


def _one_of(name: str, value: str | None, known: Iterable[str]) -> None:
    names = sorted(set(known))
    if value is not None and value not in names:
        raise DataError(f"there is no {name} {value!r}; expected one of {', '.join(names)}")
