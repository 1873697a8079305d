"""Reranking: does the space order the candidates of each query, the right ones first?

Pitfalls: queries whose candidates are all right, or all wrong, which no order can tell apart (they are left out
and counted); ties counted in favour of whoever ties.
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from cosimo.errors import DataError
from cosimo.files.trec import Qrels, Run
from cosimo.measure.metrics.rankings import MAP, MRR, NDCG
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space


@final
@dataclass(frozen=True, eq=False)
class Reranking(LabelledTask):
    """Queries, each with candidates that are right or wrong.

    candidates
        Query -> candidate -> relevance, texts all of them; 0 and below is wrong.

    Raises
    ------
    DataError
        No query that has both right and wrong candidates.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> task = Reranking({"aa": {"bb": 1, "b": 0}, "all right": {"c": 1}})
    >>> report = task.run(space)
    >>> report.metrics["map"].value, report.n
    (1.0, 1)
    """

    candidates: Mapping[str, Mapping[str, int]]
    name: str = "reranking"
    family: str = ""
    unit: str = "query"

    def __post_init__(self) -> None:
        if not self._telling():
            raise DataError(f"no query of {self.name} has both right and wrong candidates, so no order can be judged")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        query: str = "query",
        document: str = "document",
        label: str = "label",
        where: Where | None = None,
        name: str = "reranking",
        family: str = "",
    ) -> "Reranking":
        """A file, a table or a list of records with a row for each query and candidate.

        query, document, label
            Columns.
        where
            Column -> value, or list of values, of the rows to take.
        """
        columns = {"query": query, "document": document, "label": label}
        found = read_columns(source, columns, numbers=["label"], where=where)
        candidates: dict[str, dict[str, int]] = {}
        for asked, text, relevance in zip(found["query"], found["document"], found["label"], strict=True):
            of_query = candidates.setdefault(asked, {})
            of_query[text] = max(int(relevance), of_query.get(text, 0))  # the same text twice is one candidate
        return cls(candidates, name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """MAP first."""
        return {"map": MAP(), "mrr@10": MRR(k=10), "ndcg@10": NDCG(k=10)}

    @property
    def content(self) -> Any:
        """The candidates."""
        return {query: dict(texts) for query, texts in self.candidates.items()}

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """A run over the candidates of each query."""
        asked: Sequence[str] = self._telling()
        texts = list(dict.fromkeys(text for query in asked for text in self.candidates[query]))
        place = {text: i for i, text in enumerate(texts)}
        Q = system.encode(asked, role="query")
        X = system.encode(texts, role="document", progress=progress)
        run: Run = {}
        qrels: Qrels = {}
        for i, query in enumerate(asked):
            of_query = list(self.candidates[query])
            scores = system.similarity_function(Q[i : i + 1], X[[place[text] for text in of_query]])[0]
            run[query] = dict(zip(of_query, scores.tolist(), strict=True))
            qrels[query] = dict(self.candidates[query])
        left = len(self.candidates) - len(asked)
        told = f"{left:,} queries with only right or only wrong candidates say nothing and are left out"
        return Answers(dict.fromkeys(self.metrics, (qrels, run)), len(asked), warnings=(told,) if left else ())

    def _telling(self) -> list[str]:
        """Queries that have right and wrong candidates."""
        return [q for q, texts in self.candidates.items() if len({relevance > 0 for relevance in texts.values()}) == 2]
