"""Bitext retrieval: is the nearest sentence of the other language the translation?

    accuracy      the target with the best score is the right one
    xsim_error    share of sources whose best target by the ratio margin (4 neighbours a side) is not the right one

Pitfalls: sentences that come twice counted as errors of whoever finds the twin (equal targets are one target
here); a search among all languages at once.
Reference: Heffernan et al. 2022, Bitext Mining Using Distilled Sentence Representations for Low-Resource Languages,
https://arxiv.org/abs/2205.12654
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.accuracy import Accuracy
from cosimo.measure.metrics.xsim_error import XsimError
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.measure.tasks.translation.margins import margin_scores
from cosimo.space import Space


@final
@dataclass(frozen=True, eq=False)
class Bitext(LabelledTask):
    """Sentences and their translations: each is looked for among all translations.

    sources, targets
        (n,) each.
    k
        Neighbours that the margin looks at.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> Bitext(["un", "deux"], ["on", "twoo"]).run(space).metrics["accuracy"].value
    1.0
    """

    sources: Sequence[str]
    targets: Sequence[str]
    name: str = "bitext"
    family: str = ""
    k: int = 4
    unit: str = "sentence"

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise ShapeError(f"each source wants a target, got {len(self.sources)} and {len(self.targets)}")
        if len(set(self.targets)) < 2:
            raise DataError(f"{self.name} has {len(set(self.targets))} different targets, wanted two at least")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        a: str = "source",
        b: str = "target",
        where: Where | None = None,
        name: str = "bitext",
        family: str = "",
    ) -> "Bitext":
        """The pairs of a file, a table or a list of records.

        a, b
            Columns of a sentence and its translation.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, {"a": a, "b": b}, where=where)
        return cls(found["a"], found["b"], name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Accuracy first."""
        return {"accuracy": Accuracy(), "xsim_error": XsimError()}

    @property
    def content(self) -> Any:
        """The pairs, and k."""
        return [list(self.sources), list(self.targets), self.k]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """The best target of each source, by score and by margin."""
        targets = list(dict.fromkeys(self.targets))
        A = system.encode(list(self.sources), progress=progress)
        B = system.encode(targets, progress=progress)
        S = system.similarity_function(A, B)
        truth = numbered(self.targets)
        by_margin = np.argmax(margin_scores(S, k=self.k), axis=1)
        given = {"accuracy": (truth, np.argmax(S, axis=1)), "xsim_error": (truth, by_margin)}
        return Answers(given, len(A), settings={"k": self.k})
