"""How hits are written: a table, tab-separated lines, JSON lines, or a TREC run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cosimo._writers import replacing
from cosimo.interchange.trec import run_lines
from cosimo.serve.cli.output import interactive, json_line, note, table

if TYPE_CHECKING:
    from cosimo.types import Hit, PerItem


@dataclass(frozen=True)
class Question:
    """One query: its id (its number, where it has none) and its text, or its vector (d,) and no text."""

    id: str
    text: str
    vector: "PerItem | None" = None


Writer: TypeAlias = Callable[[Question, Sequence["Hit"], str], None]


@contextmanager
def writer(as_json: bool, trec: Path | None) -> Iterator[Writer]:
    """A function that writes the hits of one query on the scale they are measured in."""
    if trec is None:
        yield _json if as_json else _table
        return
    written = 0
    with replacing(trec) as file:

        def write(question: Question, hits: Sequence["Hit"], scale: str) -> None:
            nonlocal written
            written += 1
            found = ((hit.id, hit.score) for hit in hits)
            file.write("".join(run_lines(question.id, found)).encode())

        yield write
    note(f"{trec}: {written:,} queries answered")


def _table(question: Question, hits: Sequence["Hit"], scale: str) -> None:
    if interactive():
        rows = [(rank, hit.score, hit.id, hit.text) for rank, hit in enumerate(hits, 1)]
        table(("", scale, "id", "text"), rows, title=question.text, cut=True)
    else:
        table((), [(question.id, rank, hit.score, hit.id, hit.text) for rank, hit in enumerate(hits, 1)])


def _json(question: Question, hits: Sequence["Hit"], scale: str) -> None:
    found = [{"id": hit.id, "score": hit.score, "text": hit.text, "payload": dict(hit.payload)} for hit in hits]
    json_line({"id": question.id, "query": question.text, "scale": scale, "hits": found})
