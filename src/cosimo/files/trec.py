"""TREC files: rankings (runs) and judgements (qrels), one answer a line, columns separated by blanks.

    run      query  Q0  item  rank  score  tag
    qrels    query  0   item  relevance

Pitfalls: trec_eval and its bindings look at the score and never at the rank, and break ties by id from z to a,
so a run with equal scores may be ranked otherwise than it was written; and a query without hits leaves no line, so a
mean over the queries of a run leaves it out instead of counting it as 0.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from cosimo.errors import DataError, ShapeError
from cosimo.files.atomic import replacing
from cosimo.files.readers import lines
from cosimo.types import Hits

Run: TypeAlias = dict[str, dict[str, float]]
"""Scores of the items found, by query."""
Qrels: TypeAlias = dict[str, dict[str, int]]
"""Relevance of the items judged, by query; 0 and below is not relevant."""


def to_run(queries: Sequence[str], hits: Hits) -> Run:
    """The hits of n queries as scores by query id and item id, which is what pytrec_eval and ranx take.

    queries
        n different ids of the queries, in the order they were asked.

    Raises
    ------
    ShapeError
        Not one id a query.
    DataError
        The same id twice.
    """
    if len(queries) != len(hits):
        raise ShapeError(f"to_run wants one id a query, got {len(queries)} ids and the hits of {len(hits)} queries")
    run = {query: {hit.id: hit.score for hit in found} for query, found in zip(queries, hits, strict=True)}
    if len(run) < len(queries):
        raise DataError(f"queries need different ids, got {len(queries) - len(run)} repeated")
    return run


def run_lines(query: str, found: Iterable[tuple[str, float]], *, tag: str = "cosimo") -> Iterator[str]:
    r"""The lines of one query in a run.

    found
        Ids and scores, best first.

    >>> list(run_lines("q1", [("b", 0.5), ("a", -0.25)]))
    ['q1 Q0 b 1 0.5 cosimo\n', 'q1 Q0 a 2 -0.25 cosimo\n']
    """
    for rank, (item, score) in enumerate(found, 1):
        if not math.isfinite(score):
            raise DataError(f"query {query!r}: the score of {item!r} is {score}; a run wants finite numbers")
        yield f"{_word(query)} Q0 {_word(item)} {rank} {float(score)!r} {_word(tag)}\n"


def write_run(run: Mapping[str, Mapping[str, float]], path: str | Path, *, tag: str = "cosimo") -> int:
    """Write a run, each query's items by falling score; how many lines.

    tag
        Names the system in the last column.

    Raises
    ------
    DataError
        An id that is empty or holds a blank, or a score that is not finite.
    """
    ranked = ((query, sorted(found.items(), key=lambda answer: -answer[1])) for query, found in run.items())
    return _write((line for query, found in ranked for line in run_lines(query, found, tag=tag)), path)


def read_run(path: str | Path) -> Run:
    """Scores by query and item, in the order of the file.

    Raises
    ------
    DataError
        By line: not six columns, a score that is no number, an item twice for one query.
    """
    run: Run = {}
    for where, (query, _, item, _, score, _) in _cells(path, 6, "a run (query Q0 item rank score tag)"):
        _once(run.setdefault(query, {}), item, _number(score, where), where)
    return run


def write_qrels(qrels: Mapping[str, Mapping[str, int]], path: str | Path) -> int:
    """Write judgements; how many lines.

    Raises
    ------
    DataError
        An id that is empty or holds a blank.
    """
    judged = ((query, *judgement) for query, items in qrels.items() for judgement in items.items())
    return _write((f"{_word(query)} 0 {_word(item)} {int(relevance)}\n" for query, item, relevance in judged), path)


def read_qrels(path: str | Path) -> Qrels:
    """Relevance by query and item, in the order of the file.

    Raises
    ------
    DataError
        By line: not four columns, a relevance that is no whole number, an item judged twice for one query.
    """
    qrels: Qrels = {}
    for where, (query, _, item, relevance) in _cells(path, 4, "qrels (query 0 item relevance)"):
        _once(qrels.setdefault(query, {}), item, whole(relevance, where), where)
    return qrels


def whole(text: str, where: str) -> int:
    """A relevance as a whole number, refused with its place otherwise."""
    try:
        return int(text)
    except ValueError:
        raise DataError(f"{where}: the relevance is {text!r}, wanted a whole number") from None


def _cells(path: str | Path, columns: int, what: str) -> Iterator[tuple[str, list[str]]]:
    file = Path(path)
    if not file.is_file():
        raise DataError(f'there is no file "{file}"')
    with file.open("rb") as raw:
        for number, line in lines(raw, file.name):
            cells = line.split()
            if cells and len(cells) != columns:
                raise DataError(f"{file.name}, line {number} has {len(cells)} columns, wanted the {columns} of {what}")
            if cells:
                yield f"{file.name}, line {number}", cells


def _once(items: dict[str, Any], item: str, value: float, where: str) -> None:
    if item in items:
        raise DataError(f"{where}: the item {item!r} comes twice for this query")
    items[item] = value


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: the score is {text!r}, wanted a finite number")
    return value


def _word(name: str) -> str:
    if not name or any(character.isspace() for character in name):
        raise DataError(f"TREC files separate columns by blanks and cannot hold the id {name!r}; JSON can (--json)")
    return name


def _write(written: Iterable[str], path: str | Path) -> int:
    count = 0
    with replacing(Path(path)) as file:
        for line in written:
            count += 1
            file.write(line.encode())
    return count
