"""Clustering: do k-means clusters of the vectors agree with the classes?

Mini-batch k-means with batches of 500, as in the package mteb (its paper says 32, which gives worse clusters), and as
many clusters as there are classes, from `repeats` starts; the value is the mean over the starts.

Pitfalls: one start reported as the score (its spread is part of the interval here); v-measures compared at
different numbers of texts, which change it.
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo._progress import bar
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.clusterings import AdjustedMutualInformation, AdjustedRand, VMeasure
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space

BATCH = 500


@final
@dataclass(frozen=True, eq=False)
class Clustering(LabelledTask):
    """Texts with classes that a clustering should find again.

    texts, labels
        (n,) each.
    repeats
        Starts of k-means, the same for all systems.

    Raises
    ------
    DataError
        Fewer than two classes, or every text a class of its own.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> task = Clustering(["a", "b", "c", "long one", "long two"] * 4, ["s", "s", "s", "l", "l"] * 4)
    >>> task.run(space).metrics["v_measure"].value
    1.0
    """

    texts: Sequence[str]
    labels: Sequence[str]
    name: str = "clustering"
    family: str = ""
    repeats: int = 10
    unit: str = "item"

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise ShapeError(f"texts and labels must be equally long, got {len(self.texts)} and {len(self.labels)}")
        if not 1 < len(set(self.labels)) < len(self.labels):
            raise DataError(
                f"{self.name} has {len(set(self.labels))} classes for {len(self.labels)} texts; clustering wants at "
                "least two, and fewer than texts"
            )

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        text: str = "text",
        label: str = "label",
        where: Where | None = None,
        name: str = "clustering",
        family: str = "",
        repeats: int = 10,
    ) -> "Clustering":
        """The texts of a file, a table or a list of records.

        text, label
            Columns.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, {"text": text, "label": label}, where=where)
        return cls(found["text"], found["label"], name, family, repeats)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The v-measure first; the other two are corrected for chance."""
        return {"v_measure": VMeasure(), "ari": AdjustedRand(), "ami": AdjustedMutualInformation()}

    @property
    def content(self) -> Any:
        """Texts, classes and starts."""
        return [list(self.texts), list(self.labels), self.repeats]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """(n, repeats) clusters."""
        from sklearn.cluster import MiniBatchKMeans
        from threadpoolctl import threadpool_limits

        X = system.encode(list(self.texts), progress=progress)
        truth = numbered(self.labels)
        found = np.empty((len(X), self.repeats), np.int64)
        # Batches are too small to be shared by threads, which would mostly wait for each other.
        with threadpool_limits(1), bar(progress, self.repeats, f"{self.name}: clustering") as advance:
            for i in range(self.repeats):
                means = MiniBatchKMeans(int(truth.max()) + 1, batch_size=BATCH, n_init=1, random_state=seed + i)
                found[:, i] = means.fit_predict(X)
                advance(1)
        return Answers(dict.fromkeys(self.metrics, (truth, found)), len(X), settings={"repeats": self.repeats})
