"""Triplets: is the anchor closer to the positive than to the negative?

Pitfalls: ties counted as right, which gives a constant encoder everything; triplets of one anchor counted as
independent.
Reference: Schroff et al. 2015, FaceNet: A Unified Embedding for Face Recognition and Clustering,
https://arxiv.org/abs/1503.03832
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.accuracy import TripletAccuracy
from cosimo.measure.tasks.pairing import first_items, score_pairs
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space


@final
@dataclass(frozen=True, eq=False)
class Triplets(LabelledTask):
    """Anchors, each with a text that should be closer to it than another.

    anchors, positives, negatives
        (n,) each.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> Triplets(["aa", "b"], ["bb", "c"], ["a", "cccc"]).run(space).metrics["accuracy"].value
    1.0
    """

    anchors: Sequence[str]
    positives: Sequence[str]
    negatives: Sequence[str]
    name: str = "triplets"
    family: str = ""
    unit: str = "triplet"

    def __post_init__(self) -> None:
        lengths = [len(side) for side in (self.anchors, self.positives, self.negatives)]
        if len(set(lengths)) > 1:
            raise ShapeError(f"anchors, positives and negatives must be equally long, got {lengths}")
        if not lengths[0]:
            raise DataError(f"{self.name} holds no triplets; a task wants at least one")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        anchor: str = "anchor",
        positive: str = "positive",
        negative: str = "negative",
        where: Where | None = None,
        name: str = "triplets",
        family: str = "",
    ) -> "Triplets":
        """The triplets of a file, a table or a list of records.

        anchor, positive, negative
            Columns.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, {"a": anchor, "p": positive, "n": negative}, where=where)
        return cls(found["a"], found["p"], found["n"], name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The share of triplets in the right order, ties half."""
        return {"accuracy": TripletAccuracy()}

    @property
    def content(self) -> Any:
        """The triplets."""
        return [list(self.anchors), list(self.positives), list(self.negatives)]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """(n, 2) scores of the positive and of the negative."""
        S = score_pairs(system, [*self.anchors] * 2, [*self.positives, *self.negatives], progress=progress)
        scores = S.reshape(2, -1).T
        return Answers({"accuracy": (np.ones(len(scores)), scores)}, len(scores), first_items(self.anchors))
