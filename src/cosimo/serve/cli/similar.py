"""`cosimo similar`: the score of a pair, or of every pair in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import typer

import cosimo
from cosimo.errors import DataError
from cosimo.files.records import Record, read_records
from cosimo.serve.cli.arguments import SPACE, Format, Json, Precision, SpaceName, loaded
from cosimo.serve.cli.output import interactive, json_line, note, table
from cosimo.serve.cli.rules import WORDS

BLOCK = 1024
SHOWN = 20
"""Pairs of words that a terminal shows."""


@dataclass(frozen=True)
class Similar:
    """Score how similar two texts are, or the pairs in a file; with a rule, decide whether they match.

    In a pipe with --with each pair is one line: score, decision, probability, the two texts and the reason for review.
    """

    examples: ClassVar[tuple[str, ...]] = (
        'cosimo similar "a man plays guitar" "someone makes music"',
        "cosimo similar --pairs pairs.csv --a left --b right",
        'cosimo similar "a man plays guitar" "someone plays music" --explain',
        'cosimo similar "turn on dark mode" "turn off dark mode" --with same.json',
    )

    texts: Annotated[list[str] | None, typer.Argument(metavar="A B", help="Two texts.")] = None
    space: SpaceName = SPACE
    precision: Precision = None
    pairs: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with a pair a line; - for standard input.")
    ] = None
    a: Annotated[str, typer.Option("--a", metavar="COLUMN", help="Column of the first text.")] = "a"
    b: Annotated[str, typer.Option("--b", metavar="COLUMN", help="Column of the second text.")] = "b"
    rule: Annotated[
        Path | None, typer.Option("--with", metavar="FILE", help="A rule for pairs, made by calibrate --space.")
    ] = None
    explain: Annotated[bool, typer.Option("--explain", help="Show which words of the two texts make them similar.")] = (
        False
    )
    format: Format = None
    as_json: Json = False

    def run(self) -> None:
        """Write one score a pair."""
        texts = self.texts or []
        if len(texts) != (0 if self.pairs else 2):
            raise typer.BadParameter(f"similar needs two texts, or --pairs FILE and no texts; got {len(texts)}")
        if self.explain and (self.pairs is not None or self.rule is not None):
            raise typer.BadParameter("--explain is about two texts and their score; leave out --pairs and --with")
        if self.explain:
            self._explain(loaded(self.space, self.precision), texts[0], texts[1])
            return
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
            raise DataError(f"{where}: column {column!r} is {type(value).__name__}, expected a text")
        return value

    def _write(self, space: "cosimo.Space", pairs: list[tuple[str, str]]) -> None:
        a, b = [a for a, _ in pairs], [b for _, b in pairs]
        if self.rule is not None:
            self._judge(space, a, b)
            return
        scores = space.similarity_pairwise(a, b).tolist()
        rows = list(zip(scores, a, b, strict=True))
        if self.as_json:
            for score, left, right in rows:
                json_line({"score": score, "scale": space.similarity_function.scale, "a": left, "b": right})
        elif self.pairs is None:
            table(("score",), [row[:1] for row in rows], texts=0)
        else:
            table(("score", "a", "b"), rows, texts=2)

    def _explain(self, space: "cosimo.Space", a: str, b: str) -> None:
        found = cosimo.explain.LeaveOneOut().explain(space, (a, b))
        order = np.argsort(-np.abs(found.weights), axis=None, kind="stable").tolist()
        places = [divmod(place, len(found.units_b)) for place in order]
        rows = [(float(found.weights[i, j]), found.units_a[i], found.units_b[j]) for i, j in places]
        if self.as_json:
            words = [dict(zip(("weight", "a", "b"), row, strict=True)) for row in rows]
            scale = space.similarity_function.scale
            json_line({"score": found.score, "scale": scale, "unexplained": found.faithfulness, "words": words})
            return
        table(("weight", "a", "b"), rows[:SHOWN] if interactive() else rows, texts=0)
        note(
            f"score {found.score:.4f}; a weight is what two words add together, and the weights add up to the score but"
            f" for {found.faithfulness:.4f}"
        )

    def _judge(self, space: "cosimo.Space", a: list[str], b: list[str]) -> None:
        rule = cosimo.Rule.load(self.rule or "")
        found = space.judge(a, b, decider=rule)
        chances = [None] * len(a) if found.probability is None else found.probability.tolist()
        words = [WORDS[decision] for decision in found.decision.tolist()]
        names = ("score", "decision", "probability", "a", "b", "reason")
        rows = list(zip(found.scores.tolist(), words, chances, a, b, found.reasons, strict=True))
        if self.as_json:
            for row in rows:
                json_line({**dict(zip(names, row, strict=True)), "scale": rule.scale})
        else:
            table(names, rows, texts=3)
        if self.pairs is None:
            note(f"This pair was typed in, so it is outside what the rule promises. {rule.guarantee}")
