"""`cosimo similar`: the score of a pair, or of every pair in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, ClassVar

import typer

import cosimo
from cosimo.errors import DataError
from cosimo.records import Record, read_records
from cosimo.serve.cli.arguments import SPACE, Format, Json, Precision, SpaceName, loaded
from cosimo.serve.cli.output import json_line, table

BLOCK = 1024


@dataclass(frozen=True)
class Similar:
    """Score how similar two texts are, or the pairs in a file."""

    examples: ClassVar[tuple[str, ...]] = (
        'cosimo similar "a man plays guitar" "someone makes music"',
        "cosimo similar --pairs pairs.csv --a left --b right",
    )

    texts: Annotated[list[str] | None, typer.Argument(metavar="A B", help="Two texts.")] = None
    space: SpaceName = SPACE
    precision: Precision = None
    pairs: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with a pair a line; - for standard input.")
    ] = None
    a: Annotated[str, typer.Option("--a", metavar="COLUMN", help="Column of the first text.")] = "a"
    b: Annotated[str, typer.Option("--b", metavar="COLUMN", help="Column of the second text.")] = "b"
    format: Format = None
    as_json: Json = False

    def run(self) -> None:
        """Write one score a pair."""
        texts = self.texts or []
        if len(texts) != (0 if self.pairs else 2):
            raise typer.BadParameter(f"similar wants two texts, or --pairs FILE and no texts; got {len(texts)} texts")
        if self.pairs is None:
            self._write(loaded(self.space, self.precision), [(texts[0], texts[1])])
            return
        pairs = self._pairs(self.pairs)
        first = list(islice(pairs, BLOCK))
        space = loaded(self.space, self.precision)
        while first:
            self._write(space, first)
            first = list(islice(pairs, BLOCK))

    def _pairs(self, source: str) -> Iterator[tuple[str, str]]:
        records = read_records(source, format=self.format)
        return ((self._text(r, self.a, records.name), self._text(r, self.b, records.name)) for r in records)

    def _text(self, record: Record, column: str, name: str) -> str:
        where = f"{name}, line {record.line}"
        if column not in record.values:
            names = ", ".join(map(repr, record.values))
            raise DataError(f"{where}: there is no column {column!r}; the columns are {names} (see --a and --b)")
        value: Any = record.values[column]
        if not isinstance(value, str):
            raise DataError(f"{where}: column {column!r} is {type(value).__name__}, wanted a text")
        return value

    def _write(self, space: "cosimo.Space", pairs: list[tuple[str, str]]) -> None:
        scores = space.similarity_pairwise([a for a, _ in pairs], [b for _, b in pairs]).tolist()
        rows = [(score, a, b) for score, (a, b) in zip(scores, pairs, strict=True)]
        if self.as_json:
            for score, a, b in rows:
                json_line({"score": score, "scale": space.similarity_function.scale, "a": a, "b": b})
        elif self.pairs is None:
            table(("score",), [row[:1] for row in rows])
        else:
            table(("score", "a", "b"), rows)
