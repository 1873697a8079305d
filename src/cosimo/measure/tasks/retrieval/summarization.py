r"""Summaries: do the summaries that people rate higher lie closer to summaries written by people?

$$s_{ij} = \max_{r} \, s(\mathrm{summary}_{ij}, \mathrm{reference}_{ir})$$

Correlated by ranks with the ratings within each document, and averaged over documents.

Pitfalls: one correlation over all documents; the mean over references instead of the closest one; documents
whose summaries were all rated alike counted as failures (they say nothing, and are left out and counted).
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo.errors import DataError
from cosimo.measure.metrics.listwise_spearman import ListwiseSpearman
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space


@final
@dataclass(frozen=True, eq=False)
class Summarization(LabelledTask):
    """Documents with summaries written by people, and others that people rated.

    references, ratings
        Document -> the summaries to be close to; document -> summary -> rating.

    Raises
    ------
    DataError
        A document without references, or none whose summaries were rated differently.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> task = Summarization({"d": ["a long summary"]}, {"d": {"a": 1.0, "short": 2.0, "quite a long one": 5.0}})
    >>> task.run(space).metrics["spearman"].value
    1.0
    """

    references: Mapping[str, Sequence[str]]
    ratings: Mapping[str, Mapping[str, float]]
    name: str = "summarization"
    family: str = ""
    unit: str = "document"

    def __post_init__(self) -> None:
        bare = [document for document in self.ratings if not self.references.get(document)]
        if bare:
            raise DataError(f"{self.name}: the document {bare[0]!r} has no reference summary ({len(bare)} such)")
        if not self._telling():
            raise DataError(f"no document of {self.name} has summaries of different ratings, so none can be ordered")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        document: str = "document",
        reference: str = "reference",
        summary: str = "summary",
        rating: str = "rating",
        where: Where | None = None,
        name: str = "summarization",
        family: str = "",
    ) -> "Summarization":
        """A file, a table or a list of records with a row for each summary and reference of a document.

        document, reference, summary, rating
            Columns.
        where
            Column -> value, or list of values, of the rows to take.
        """
        columns = {"document": document, "reference": reference, "summary": summary, "rating": rating}
        found = read_columns(source, columns, numbers=["rating"], where=where)
        references: dict[str, dict[str, None]] = {}
        ratings: dict[str, dict[str, float]] = {}
        for of, written, rated, y in zip(*(found[column] for column in columns), strict=True):
            references.setdefault(of, {})[written] = None
            ratings.setdefault(of, {})[rated] = y
        return cls({of: list(texts) for of, texts in references.items()}, ratings, name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The mean of the documents' rank correlations."""
        return {"spearman": ListwiseSpearman()}

    @property
    def content(self) -> Any:
        """References and ratings."""
        ratings = {document: dict(of) for document, of in self.ratings.items()}
        return [{document: list(texts) for document, texts in self.references.items()}, ratings]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """The closest reference of each summary."""
        documents = self._telling()
        texts = list(dict.fromkeys(t for d in documents for t in (*self.references[d], *self.ratings[d])))
        place = {text: i for i, text in enumerate(texts)}
        X = system.encode(texts, progress=progress)
        truth, pred = [], []
        for document in documents:
            rated, written = (X[[place[t] for t in of[document]]] for of in (self.ratings, self.references))
            pred.append(np.asarray(system.similarity_function(rated, written).max(axis=1), dtype=np.float64))
            truth.append(list(self.ratings[document].values()))
        left = len(self.ratings) - len(documents)
        told = f"{left:,} documents whose summaries were rated alike say nothing and are left out"
        return Answers({"spearman": (truth, pred)}, len(documents), warnings=(told,) if left else ())

    def _telling(self) -> list[str]:
        """Documents whose summaries were rated differently."""
        return [document for document, of in self.ratings.items() if len(set(of.values())) > 1]
