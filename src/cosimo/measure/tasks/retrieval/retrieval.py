r"""Retrieval: are the relevant documents of a query near its top?

The corpus is encoded as documents and the queries as queries, a block at a time; each query keeps its `depth` best
documents, exactly, so memory does not grow with the corpus.

Pitfalls: the query document itself left in the ranking where queries are documents, or a document left out that
has the number of a query by accident; title and text encoded apart; queries without a hit, or without a judgement,
dropped from the mean; unjudged documents counted as if somebody had found them irrelevant (precision is a lower bound,
recall of the judged an upper one).
Reference: Thakur et al. 2021, BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval
Models, https://arxiv.org/abs/2104.08663
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat
from pathlib import Path
from typing import Any, final

import numpy as np

from cosimo._progress import bar
from cosimo.errors import DataError
from cosimo.files.beir import read_beir
from cosimo.files.records import Records
from cosimo.files.trec import Qrels, Run
from cosimo.measure.metrics.ranked import Ties
from cosimo.measure.metrics.rankings import MAP, MRR, NDCG, Precision, Recall, Success
from cosimo.measure.tasks.reading import Where, column_names, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.passport import fingerprint
from cosimo.search.indexes.top import Running
from cosimo.space import Space
from cosimo.types import Report

BLOCK = 4096
"""Documents encoded and compared at a time."""


@final
@dataclass(frozen=True, eq=False)
class Retrieval(LabelledTask):
    """Documents, queries, and which document is how relevant to which query.

    corpus
        Text by id, or anything that gives pairs (id, text) each time it is gone through.
    queries
        Text by id.
    qrels
        Relevance by query and document; queries without any are not asked, 0 and below is not relevant.
    depth
        Documents kept a query.
    ties
        How documents of equal score are ordered: `average` over all orders, or `trec` as trec_eval does.
    drop_self
        Leave out the document that has the id of the query, where queries are documents themselves.

    Raises
    ------
    DataError
        No judged query, a judged query without a text, or (when asked) judgements of documents that are not there.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[text.count("a"), text.count("b"), -0.1] for text in texts])
    >>> task = Retrieval({"d1": "aaa", "d2": "bbb"}, {"q": "a"}, {"q": {"d1": 1}})
    >>> task.run(space).metrics["ndcg@10"].value
    1.0
    """

    corpus: Mapping[str, str] | Iterable[tuple[str, str]]
    queries: Mapping[str, str]
    qrels: Qrels
    name: str = "retrieval"
    family: str = ""
    depth: int = 1000
    ties: Ties = "average"
    drop_self: bool = False
    unit: str = "query"

    def __post_init__(self) -> None:
        if not any(self.qrels.values()):
            raise DataError(f"{self.name} has no judgements: retrieval wants at least one judged query")
        missing = [query for query in self.qrels if query not in self.queries]
        if missing:
            raise DataError(f"{self.name}: the query {missing[0]!r} is judged and has no text ({len(missing)} such)")

    @classmethod
    def read(cls, folder: str | Path, *, split: str = "test", name: str = "retrieval", family: str = "") -> "Retrieval":
        """A BEIR folder; titles are encoded with their texts.

        Raises
        ------
        DataError
            A file that is missing, or a line that is broken.
        """
        records, queries, qrels = read_beir(folder, split=split)
        return cls(_Corpus(records), queries, qrels, name=name, family=family)

    @classmethod
    def read_tables(
        cls,
        corpus: Any,
        queries: Any,
        qrels: Any,
        *,
        columns: Mapping[str, str] | None = None,
        where: Where | None = None,
        lower: bool = False,
        name: str = "retrieval",
        family: str = "",
    ) -> "Retrieval":
        """Three files or tables: documents (id, text), queries (id, text), judgements (query, document, relevance).

        columns
            The real names of `doc_id`, `doc_text`, `query_id`, `query_text` and `relevance`, where they differ: both
            texts are in `text` otherwise. Judgements without a column of relevance name relevant documents only.
        where
            Rows of the judgements to take.
        lower
            Turn texts into lower case, where a source wrote some of them in capitals.
        """
        c = {n: n for n in ("doc_id", "query_id", "relevance")} | {"doc_text": "text", "query_text": "text"}
        c |= dict(columns or {})
        documents = read_columns(corpus, {"id": c["doc_id"], "text": c["doc_text"]})
        asked = read_columns(queries, {"id": c["query_id"], "text": c["query_text"]})
        pairs = {"q": c["query_id"], "d": c["doc_id"]}
        graded = {"r": c["relevance"]} if c["relevance"] in column_names(qrels) else {}
        judged = read_columns(qrels, pairs | graded, numbers=["r"], where=where)
        found: Qrels = {}
        for query, document, grade in zip(judged["q"], judged["d"], judged.get("r", repeat(1)), strict=False):
            found.setdefault(query, {})[document] = int(grade)
        texts, questions = (
            {id: text.lower() if lower else text for id, text in zip(side["id"], side["text"], strict=True)}
            for side in (documents, asked)
        )
        return cls(texts, questions, found, name=name, family=family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """NDCG at 10 first."""
        return {
            "ndcg@10": NDCG(k=10, ties=self.ties),
            "map": MAP(ties=self.ties),
            "mrr": MRR(ties=self.ties),
            "recall@100": Recall(k=100, ties=self.ties),
            "precision@10": Precision(k=10, ties=self.ties),
            "success@1": Success(k=1, ties=self.ties),
        }

    @cached_property
    def content(self) -> Any:
        """A digest of the corpus, which may be long, with queries and judgements."""
        digest = hashlib.sha256()
        for id, text in self._documents():
            digest.update(f"{id}\x1f{text}\x1e".encode())
        return [digest.hexdigest(), dict(self.queries), fingerprint(self.qrels), self.depth, self.drop_self]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """The best documents of each judged query."""
        run, known = self.search(system, progress=progress)
        judged = {document for items in self.qrels.values() for document in items}
        lost = len(judged - known)
        told = f"{lost:,} judged documents are not in the corpus and count as not found"
        given = dict.fromkeys(self.metrics, (self.qrels, run))
        return Answers(given, len(self.qrels), settings={"depth": self.depth}, warnings=(told,) if lost else ())

    def score(self, run: Run, *, system: str = "run") -> Report:
        """The report of a run that was made elsewhere.

        system
            What it is called.

        Raises
        ------
        DataError
            A run without any of the judged queries.
        """
        missing = [query for query in self.qrels if query not in run]
        if len(missing) == len(self.qrels):
            raise DataError(f"{system} answers none of the {len(missing):,} judged queries; are these its judgements?")
        told = f"{len(missing):,} judged queries are not in the run and count as 0"
        given = dict.fromkeys(self.metrics, (self.qrels, run))
        answers = Answers(given, len(self.qrels), warnings=(told,) if missing else ())
        return self.report(answers, passport=f"run {system}", seed=0)

    def search(self, system: Space, *, progress: bool = False) -> tuple[Run, set[str]]:
        """The run, and the ids that the corpus has.

        Raises
        ------
        DataError
            An empty corpus.
        """
        names = list(self.qrels)
        Q = system.encode([self.queries[name] for name in names], role="query")
        best = Running(len(names), self.depth + 1, dtype=np.float32)  # one more, should the query be a document
        ids: list[str] = []
        documents = self._documents()
        total = len(self.corpus) if isinstance(self.corpus, Mapping) else None
        with bar(progress, total, f"{self.name}: encoding documents") as advance:
            while block := list(islice(documents, BLOCK)):
                X = system.encode([text for _, text in block], role="document")
                S = system.similarity_function(Q, X)
                query, column = np.nonzero(best.bar[:, None] <= S)
                best.offer(query, column + len(ids), S[query, column])
                ids += [id for id, _ in block]
                advance(len(block))
        if not ids:
            raise DataError(f"the corpus of {self.name} is empty; retrieval wants documents")
        rows, scores = best.result()
        run: Run = {}
        for name, found, close in zip(names, rows.tolist(), scores.tolist(), strict=True):
            hits = [(ids[row], score) for row, score in zip(found, close, strict=True) if row >= 0]
            if self.drop_self:
                hits = [hit for hit in hits if hit[0] != name]
            run[name] = dict(hits[: self.depth])
        return run, set(ids)

    def _documents(self) -> Iterator[tuple[str, str]]:
        return iter(self.corpus.items() if isinstance(self.corpus, Mapping) else self.corpus)


class _Corpus:
    """Documents of a BEIR folder, read anew each time."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for record in self.records:
            title, text = record.values["title"], record.values["text"]
            yield record.values["_id"], f"{title}\n{text}" if title else text
