"""`cosimo search`: the best items of a collection for one query or many."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import typer

import cosimo
from cosimo.files.records import Record, query_text, read_records
from cosimo.serve.cli.arguments import CollectionPath, Full, Json, Where
from cosimo.serve.cli.hits import Question, Writer, writer

BLOCK = 256
"""Queries answered at a time."""
TEXT, ID = ("text", "query", "question"), ("id", "query_id", "_id", "qid")
"""Columns of a file of queries, the first that is there counts."""


@dataclass(frozen=True)
class Search:
    """Find the best items for a query, by meaning, by words (--lexical), or both (--hybrid).

    In a pipe each hit is one line: query, rank, score, id and text, separated by tabs; where a rule judges the hits,
    its decision and the probability of a match follow the score. A file of queries has a column text, query or
    question, and may have a column id, query_id, _id or qid.
    """

    examples: ClassVar[tuple[str, ...]] = (
        'cosimo search papers.cosimo "multi-vector retrieval" -k 5 --where "year >= 2020"',
        "cosimo search papers.cosimo --queries questions.txt --json > answers.jsonl",
        "cosimo search papers.cosimo --queries queries.parquet -k 100 --hybrid --run run.trec",
        "cosimo search photos.cosimo --vectors queries.npy -k 5",
    )

    collection: CollectionPath
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY...", help="Texts to search for.")] = None
    queries: Annotated[str | None, typer.Option(metavar="FILE", help="A file of queries; - for standard input.")] = None
    vectors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of vectors (see build) to search for instead of texts.")
    ] = None
    k: Annotated[int, typer.Option("-k", metavar="K", help="Hits a query.")] = 10
    where: Where = None
    hybrid: Annotated[bool, typer.Option("--hybrid", help="Fuse the answers by meaning and by words.")] = False
    lexical: Annotated[bool, typer.Option("--lexical", help="Search by words only (BM25).")] = False
    min_score: Annotated[float | None, typer.Option(metavar="SCORE", help="Lowest score worth showing.")] = None
    rule: Annotated[
        str,
        typer.Option("--with", metavar="RULE", help="Rule that judges the hits; auto: the usual ones if any; none."),
    ] = "auto"
    full: Full = False
    as_json: Json = False
    trec: Annotated[
        Path | None, typer.Option("--run", metavar="FILE", help="Write a TREC run instead of showing hits.")
    ] = None

    def run(self) -> None:
        """Answer the queries block by block."""
        if [bool(self.query), self.queries is not None, self.vectors is not None].count(True) != 1:
            raise typer.BadParameter("search needs queries, --queries FILE or --vectors FILE, one of the three")
        if self.hybrid and self.lexical:
            raise typer.BadParameter("--hybrid and --lexical exclude each other")
        questions = self._questions()
        mode: Literal["r", "r+"] = "r+" if os.access(self.collection, os.W_OK) else "r"  # to renew a missing cache
        with (
            cosimo.Collection.open(self.collection, mode=mode) as collection,
            writer(self.as_json, self.trec, full=self.full) as write,
        ):
            while block := list(islice(questions, BLOCK)):
                self._answer(collection, block, write)

    def _answer(self, collection: "cosimo.Collection", block: list[Question], write: Writer) -> None:
        vectors = [question.vector for question in block if question.vector is not None]
        hits = collection.search(
            np.stack(vectors) if vectors else [question.text for question in block],
            self.k,
            where=self.where,
            hybrid=self.hybrid,
            stages=[cosimo.search.Lexical()] if self.lexical else [],
            min_score=self.min_score,
            decider=None if self.rule == "none" or self.trec is not None else self.rule,
        )
        for i, (question, found) in enumerate(zip(block, hits, strict=True)):
            write(question, found, hits.scale, None if hits.matched is None else bool(hits.matched[i]))

    def _questions(self) -> Iterator[Question]:
        if self.vectors is not None:
            X, ids = cosimo.interchange.load_vectors(self.vectors)
            for number, x in enumerate(X):
                yield Question(str(number + 1) if ids is None else ids[number], "", x)
            return
        if self.queries is None:
            yield from (Question(str(n), text) for n, text in enumerate(self.query or (), 1))
            return
        records = read_records(self.queries)
        for number, record in enumerate(records, 1):
            yield _question(record, number, records.name)


def _question(record: Record, number: int, name: str) -> Question:
    text = query_text(record, TEXT, name)
    given = next((record.values[column] for column in ID if column in record.values), None)
    return Question(str(number) if given is None else str(given), text)
