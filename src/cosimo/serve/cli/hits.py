"""How hits are written: a table, tab-separated lines, JSON lines, or a TREC run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cosimo.files.atomic import replacing
from cosimo.files.trec import run_lines
from cosimo.serve.cli.output import interactive, json_line, note, table
from cosimo.serve.cli.rules import WORDS

if TYPE_CHECKING:
    from cosimo.types import Hit, PerItem


@dataclass(frozen=True)
class Question:
    """One query: its id (its number, where it has none) and its text, or its vector (d,) and no text."""

    id: str
    text: str
    vector: "PerItem | None" = None


Writer: TypeAlias = Callable[[Question, Sequence["Hit"], str, bool | None], None]


@contextmanager
def writer(as_json: bool, trec: Path | None, *, full: bool = False) -> Iterator[Writer]:
    """A function that writes the hits of one query, on a scale, and whether a rule says that there is any match."""
    if trec is None:
        yield _json if as_json else partial(_table, full=full)
        return
    written = 0
    with replacing(trec) as file:

        def write(question: Question, hits: Sequence["Hit"], scale: str, matched: bool | None) -> None:
            nonlocal written
            written += 1
            found = ((hit.id, hit.score) for hit in hits)
            file.write("".join(run_lines(question.id, found)).encode())

        yield write
    note(f"{trec}: {written:,} queries answered")


def _table(question: Question, hits: Sequence["Hit"], scale: str, matched: bool | None, *, full: bool) -> None:
    rows = [(rank, hit.score, *_judged(hit), hit.id, hit.text) for rank, hit in enumerate(hits, 1)]
    if interactive():
        judged = ("decision", "probability") if any(hit.decision is not None for hit in hits) else ()
        table(("", scale, *judged, "id", "text"), rows, title=question.text, cut=not full)
    else:
        table((), [(question.id, *row) for row in rows])
    if matched is False:
        note(f"no match found: {question.text or question.id}")
    elif not hits:
        note(f"no hits: {question.text or question.id}")


def _judged(hit: "Hit") -> tuple[object, ...]:
    return () if hit.decision is None else (WORDS[hit.decision], hit.probability)


def _json(question: Question, hits: Sequence["Hit"], scale: str, matched: bool | None) -> None:
    found = []
    for hit in hits:
        shown = {"id": hit.id, "score": hit.score, "text": hit.text, "payload": dict(hit.payload)}
        judged = {"decision": WORDS[hit.decision], "probability": hit.probability} if hit.decision is not None else {}
        found.append(shown | judged)
    about = {"id": question.id, "query": question.text, "scale": scale}
    json_line({**about, **({} if matched is None else {"matched": matched}), "hits": found})
