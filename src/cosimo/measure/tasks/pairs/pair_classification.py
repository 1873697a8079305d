"""Pair classification: can a cut on the score tell pairs that match from pairs that do not?

Pitfalls: the best F1 on the test pairs reported as what one will get (`f1_best` says it is optimistic; `f1`
chooses its cut on other pairs); average precision read without the share of positives; pairs of one item counted as
independent.
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.detection import AveragePrecision, BestF1, HeldOutAccuracy, HeldOutF1, RocAuc
from cosimo.measure.tasks.pairing import first_items, score_pairs
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space


@final
@dataclass(frozen=True, eq=False)
class PairClassification(LabelledTask):
    """Pairs of texts with a label, 1 where they match and 0 where they do not.

    a, b, labels
        (n,) each.

    Raises
    ------
    DataError
        Labels other than 0 and 1, or only one of the two.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> task = PairClassification(["a", "b", "cc", "d"], ["a", "b", "c", "dddd"], [1, 1, 0, 0])
    >>> task.run(space).metrics["ap"].value
    1.0
    """

    a: Sequence[str]
    b: Sequence[str]
    labels: Sequence[int]
    name: str = "pairs"
    family: str = ""
    unit: str = "pair"

    def __post_init__(self) -> None:
        if not len(self.a) == len(self.b) == len(self.labels):
            raise ShapeError(
                f"a, b and labels must be equally long, got {len(self.a)}, {len(self.b)}, {len(self.labels)}"
            )
        if set(self.labels) != {0, 1}:
            seen = ", ".join(map(str, sorted(set(self.labels))[:5])) or "none"
            raise DataError(f"the labels of {self.name} must be 0 and 1, and both must be there; got {seen}")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        a: str = "sentence1",
        b: str = "sentence2",
        label: str = "label",
        where: Where | None = None,
        name: str = "pairs",
        family: str = "",
    ) -> "PairClassification":
        """The pairs of a file, a table or a list of records.

        a, b, label
            Columns.
        where
            Column -> value, or list of values, of the rows to take.

        Raises
        ------
        DataError
            By file and line: a column that is missing, a label that is neither 0 nor 1.
        """
        found = read_columns(source, {"a": a, "b": b, "label": label}, numbers=["label"], where=where)
        return cls(found["a"], found["b"], [int(y) if y in (0, 1) else y for y in found["label"]], name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Average precision first."""
        return {
            "ap": AveragePrecision(),
            "roc_auc": RocAuc(),
            "f1": HeldOutF1(),
            "accuracy": HeldOutAccuracy(),
            "f1_best": BestF1(),
        }

    @property
    def content(self) -> Any:
        """Pairs and labels."""
        return [list(self.a), list(self.b), list(self.labels)]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """One score a pair."""
        S = score_pairs(system, self.a, self.b, progress=progress)
        share = sum(self.labels) / len(self.labels)
        given = dict.fromkeys(self.metrics, (list(self.labels), S))
        return Answers(given, len(S), first_items(self.a), settings={"positives": share})
