"""Classification: how much of a class can be read off a vector, from few examples and by neighbours?

    accuracy    a logistic regression on `samples_per_label` examples of each class, drawn anew `repeats` times, the
                same examples for every system: a test item counts the share of the draws it was right in
    knn         the commonest class of the `neighbours` nearest of all training items, ties to the nearer ones

Pitfalls: other examples drawn for each system; items of the training set among those that are tested.
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo._progress import bar
from cosimo.contracts import Similarity
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.accuracy import Accuracy
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.search.indexes.top import top_k
from cosimo.space import Space
from cosimo.types import Rows, Vectors

BLOCK = 1024
MOST_STEPS = 100
"""Iterations of the logistic regression, as in MTEB."""


@final
@dataclass(frozen=True, eq=False)
class Classification(LabelledTask):
    """Texts with classes, to learn from and to be tested on.

    train_texts, train_labels, test_texts, test_labels
        Two lists of n texts and classes each.
    samples_per_label, repeats
        Examples of each class that a classifier learns from, and how often they are drawn.
    neighbours
        Nearest training items that vote.

    Raises
    ------
    DataError
        Fewer than two classes, or a class that is tested and never seen in training.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> task = Classification(["a", "b", "long", "much"] * 3, ["s", "s", "l", "l"] * 3, ["x", "text"], ["s", "l"])
    >>> task.run(space).metrics["knn"].value
    1.0
    """

    train_texts: Sequence[str]
    train_labels: Sequence[str]
    test_texts: Sequence[str]
    test_labels: Sequence[str]
    name: str = "classification"
    family: str = ""
    samples_per_label: int = 8
    repeats: int = 10
    neighbours: int = 5
    unit: str = "item"

    def __post_init__(self) -> None:
        if len(self.train_texts) != len(self.train_labels) or len(self.test_texts) != len(self.test_labels):
            raise ShapeError(f"{self.name}: each text wants a label, in training and in testing")
        classes = set(self.train_labels)
        if len(classes) < 2:
            raise DataError(f"{self.name} has {len(classes)} class in training; classification wants at least two")
        unseen = sorted(set(self.test_labels) - classes)
        if unseen or not len(self.test_labels):
            what = f"the class {unseen[0]!r}, which is not in training" if unseen else "nothing"
            raise DataError(f"{self.name} tests {what}; train and test on the same classes")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        text: str = "text",
        label: str = "label",
        train: Where | None = None,
        test: Where | None = None,
        name: str = "classification",
        family: str = "",
    ) -> "Classification":
        """The texts of a file, a table or a list of records.

        text, label
            Columns.
        train, test
            Column -> value, or list of values, of the rows to learn from and to be tested on, such as the values
            `train` and `test` in a column `split`, which None means.
        """
        columns = {"text": text, "label": label}
        seen = read_columns(source, columns, where=train or {"split": "train"})
        asked = read_columns(source, columns, where=test or {"split": "test"})
        return cls(seen["text"], seen["label"], asked["text"], asked["label"], name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Accuracy from few examples, which is what MTEB quotes, and by neighbours among all."""
        return {"accuracy": Accuracy(), "knn": Accuracy()}

    @property
    def content(self) -> Any:
        """Texts, classes and numbers."""
        numbers = [self.samples_per_label, self.repeats, self.neighbours]
        sides = (self.train_texts, self.train_labels, self.test_texts, self.test_labels)
        return [*map(list, sides), numbers]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """(n, repeats) classes by the examples, and (n,) by neighbours."""
        X = system.encode(list(self.train_texts), progress=progress)
        Q = system.encode(list(self.test_texts), progress=progress)
        codes = numbered([*self.train_labels, *self.test_labels])
        y, truth = codes[: len(X)], codes[len(X) :]
        found = np.empty((len(Q), self.repeats), np.int64)
        rng = np.random.default_rng(seed)
        with bar(progress, self.repeats, f"{self.name}: learning from few") as advance:
            for i in range(self.repeats):
                found[:, i] = _probed(X, y, Q, draw_per_class(y, self.samples_per_label, rng))
                advance(1)
        near = nearest_classes(system.similarity_function, X, y, Q, k=self.neighbours)
        settings = {name: getattr(self, name) for name in ("samples_per_label", "repeats", "neighbours")}
        return Answers({"accuracy": (truth, found), "knn": (truth, near)}, len(Q), settings=settings)


def draw_per_class(y: Rows, n: int, rng: np.random.Generator) -> Rows:
    """Rows of `n` examples of each class of `y`, or all where there are fewer.

    >>> draw_per_class(np.array([0, 1, 0, 0]), 1, np.random.default_rng(0)).shape
    (2,)
    """
    order = rng.permutation(len(y))
    return np.concatenate([order[y[order] == label][:n] for label in range(int(y.max()) + 1)])


def nearest_classes(similarity: Similarity, X: Vectors, y: Rows, Q: Vectors, *, k: int) -> Rows:
    """(n,) commonest class of the k keys of `X` (m, d) nearest to each query; ties to the class of the nearer one.

    >>> from cosimo.compare import Cosine
    >>> X = np.array([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0]])
    >>> nearest_classes(Cosine(), X, np.array([0, 1, 1]), np.array([[1.0, 0.0]]), k=2)
    array([0])
    """
    found = np.empty(len(Q), np.int64)
    for start in range(0, len(Q), BLOCK):
        rows, _ = top_k(similarity(Q[start : start + BLOCK], X), np.arange(len(X)), k)
        for i, votes in enumerate(y[rows], start):
            found[i] = votes[np.argmax((votes[:, None] == votes).sum(axis=1))]  # the first, nearest, of the commonest
    return found


def _probed(X: Vectors, y: Rows, Q: Vectors, chosen: Rows) -> Rows:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of steps is part of the protocol
        found: Rows = LogisticRegression(max_iter=MOST_STEPS).fit(X[chosen], y[chosen]).predict(Q)
    return found
