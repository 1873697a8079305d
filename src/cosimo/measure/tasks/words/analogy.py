r"""Analogy: a is to b as c is to what?

$$\mathrm{add}: \; \arg\max_{w} \, s(w, b) - s(w, a) + s(w, c)
\qquad \mathrm{mul}: \; \arg\max_{w} \, \frac{s'(w, b) \, s'(w, c)}{s'(w, a) + \varepsilon}, \quad s' = (s + 1) / 2$$

$w$ runs over all words of the task but a, b and c. $s$ -> the cosine of the words' vectors.

Pitfalls: a, b and c left among the candidates (the best is then often b); analogies made of the same pairs
counted as independent; results compared over vocabularies of different size.
Reference: Levy and Goldberg 2014, Linguistic Regularities in Sparse and Explicit Word Representations,
https://aclanthology.org/W14-1618/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cosimo._arrays import unit
from cosimo.encode.items import distinct
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.accuracy import Accuracy
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space
from cosimo.types import Rows, Vectors

BLOCK = 512
SMALL = 1e-3


@final
@dataclass(frozen=True, eq=False)
class Analogy(LabelledTask):
    """Quadruples of words, a is to b as c is to d: is d found among all words of the task?

    a, b, c, d
        (n,) each.
    others
        Further words to be told from d.

    >>> from cosimo.encode import FunctionEncoder
    >>> vectors = {"king": [1, 1], "man": [1, -1], "queen": [-1, 1], "woman": [-1, -1]}
    >>> space = FunctionEncoder(lambda words: [vectors.get(word, [0, 1]) for word in words])
    >>> Analogy(["man"], ["king"], ["woman"], ["queen"]).run(space).metrics["add"].value
    1.0
    """

    a: Sequence[str]
    b: Sequence[str]
    c: Sequence[str]
    d: Sequence[str]
    name: str = "analogy"
    family: str = ""
    others: Sequence[str] = ()
    unit: str = "analogy"

    def __post_init__(self) -> None:
        lengths = [len(side) for side in (self.a, self.b, self.c, self.d)]
        if len(set(lengths)) > 1:
            raise ShapeError(f"a, b, c and d must be equally long, got {lengths}")
        if not lengths[0]:
            raise DataError(f"{self.name} holds no analogies; a task wants at least one")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        columns: Sequence[str] = ("a", "b", "c", "d"),
        where: Where | None = None,
        name: str = "analogy",
        family: str = "",
    ) -> "Analogy":
        """The analogies of a file, a table or a list of records.

        columns
            Those of a, b, c and d.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, dict(zip("abcd", columns, strict=True)), where=where)
        return cls(found["a"], found["b"], found["c"], found["d"], name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """By adding first."""
        return {"add": Accuracy(), "mul": Accuracy()}

    @property
    def content(self) -> Any:
        """The words."""
        return [list(side) for side in (self.a, self.b, self.c, self.d, self.others)]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """The word found for each c, by either rule."""
        n = len(self.a)
        words, rows = distinct([*self.a, *self.b, *self.c, *self.d, *self.others])
        X, asked = unit(system.encode(words, progress=progress)), rows[: 4 * n].reshape(4, n).T
        found = np.empty((2, n), np.int64)
        for start in range(0, n, BLOCK):
            found[:, start : start + BLOCK] = _completed(X, asked[start : start + BLOCK, :3])
        truth = asked[:, 3]
        pairs = numbered([f"{x}\x1f{y}" for four in asked.tolist() for x, y in (four[:2], four[2:])]).reshape(-1, 2)
        given = {name: (truth, best) for name, best in zip(self.metrics, found, strict=True)}
        return Answers(given, n, pairs if int(pairs.max()) + 1 < pairs.size else None, {"words": len(words)})


def _completed(X: Vectors, asked: Rows) -> Rows:
    """(2, n) best word by adding and by multiplying, of all `X` (m, d) but those asked with (n, 3)."""
    A, B, C = (X[column] @ X.T for column in asked.T)
    positive = [(S + 1) / 2 for S in (A, B, C)]
    rules = (B - A + C, positive[1] * positive[2] / (positive[0] + SMALL))
    best = []
    for S in rules:
        np.put_along_axis(S, asked, -np.inf, axis=1)
        best.append(np.argmax(S, axis=1))
    return np.stack(best)
