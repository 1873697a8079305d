r"""Semantic textual similarity: do scores of pairs rise and fall with what people say?

$$\rho = \mathrm{corr}\big(\mathrm{rank}\, s(a_i, b_i), \; \mathrm{rank}\, y_i\big)$$

$s$ -> the space's similarity, $y$ -> `scores` (n,). Words and their human similarities are the same task.

Pitfalls: one correlation over sets whose scores are on different scales; pairs that share a sentence counted as
independent; Pearson's r read as if a cosine had the people's scale.
Reference: Agirre et al. 2012, SemEval-2012 Task 6: A Pilot on Semantic Textual Similarity,
https://aclanthology.org/S12-1051/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.correlations import Pearson, Spearman
from cosimo.measure.tasks.pairing import score_pairs, shared_items
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space


@final
@dataclass(frozen=True, eq=False)
class STS(LabelledTask):
    """Pairs of texts, or of words, with a similarity given by people: rank correlation with the space's scores.

    a, b, scores
        (n,) each.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> task = STS(["a", "b", "c", "d"], ["a", "bb", "cccc", "ddd"], [5.0, 3.0, 1.0, 2.0])
    >>> task.run(space).metrics["spearman"].value
    1.0
    """

    a: Sequence[str]
    b: Sequence[str]
    scores: Sequence[float]
    name: str = "sts"
    family: str = ""
    unit: str = "pair"

    def __post_init__(self) -> None:
        if not len(self.a) == len(self.b) == len(self.scores):
            raise ShapeError(
                f"a, b and scores must be equally long, got {len(self.a)}, {len(self.b)}, {len(self.scores)}"
            )
        if len(self.a) and min(self.scores) == max(self.scores):
            raise DataError(
                f"all {len(self.a)} pairs of {self.name} have the score {self.scores[0]:g}: nothing can be correlated "
                "with a constant"
            )

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        a: str = "sentence1",
        b: str = "sentence2",
        score: str = "score",
        where: Where | None = None,
        name: str = "sts",
        family: str = "",
    ) -> "STS":
        """The pairs of a file, a table or a list of records.

        a, b, score
            Columns.
        where
            Column -> value, or list of values, of the rows to take.

        Raises
        ------
        DataError
            By file and line: a column that is missing, a score that is no number.
        """
        found = read_columns(source, {"a": a, "b": b, "score": score}, numbers=["score"], where=where)
        return cls(found["a"], found["b"], found["score"], name=name, family=family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Spearman, which is what one quotes, and Pearson."""
        return {"spearman": Spearman(), "pearson": Pearson()}

    @property
    def content(self) -> Any:
        """Pairs and scores."""
        return [list(self.a), list(self.b), [float(score) for score in self.scores]]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """One score a pair."""
        S = score_pairs(system, self.a, self.b, progress=progress)
        return Answers(dict.fromkeys(self.metrics, (list(self.scores), S)), len(S), shared_items(self.a, self.b))
