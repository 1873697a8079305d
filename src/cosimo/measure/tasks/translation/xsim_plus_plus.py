r"""xSIM++: are translations found when near-copies of the right sentence stand among the candidates?

$$\mathrm{error} = \frac{1}{n} \sum_i 1\{\arg\max_{y \in N_k(x_i)} \mathrm{margin}(x_i, y) \ne y_i\}, \qquad
N_k(x_i) \subset Y \cup \tilde{Y}$$

$Y$ -> `targets`, $\tilde{Y}$ -> their near-copies: negated, with another name, with another number. Near-copies are
candidates, also for the neighbourhoods of the margin, and never queries; one that beats the sentence it was made from
is an error, counted under its kind. Where several score best, the error is the share of those that are wrong.

xSIM, the same without near-copies, is near zero for any fair encoder; what it cannot tell apart, this can.

Pitfalls: near-copies as queries; an equal score counted for the right sentence, which forgives an encoder that
does not see a number at all; errors compared over pools of different size.
Reference: Chen et al. 2023, xSIM++: An Improved Proxy to Bitext Mining Performance for Low-Resource Languages,
https://arxiv.org/abs/2306.12907
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors, same_dim
from cosimo.compare import Cosine
from cosimo.contracts import MetricTags
from cosimo.errors import DataError, ShapeError
from cosimo.measure.datasets.xsim_distractors import Augmenter, NearCopy, SwapEntity, SwapNumber, near_copies
from cosimo.measure.datasets.xsim_negation import Negate
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.measure.tasks.translation.margins import MARGINS, best_targets
from cosimo.space import Space
from cosimo.types import PerItem, Rows, Scores

TAKEN = ("accuracy", "error", "xsim_error", "other")
"""Names in the report that are not kinds of near-copies."""


def xsim(Q: ArrayLike, K: ArrayLike, *, margin: str = "ratio", k: int = 4) -> float:
    """Share of the sources Q (n, d) whose best target by the margin is not the one in the same row of K (m, d).

    Rows of K from n on are further targets, of which none is right.

    margin
        `ratio`, `distance` or `absolute`, of cosines.
    k
        Neighbours on either side.

    Raises
    ------
    ShapeError
        Fewer targets than sources, or vectors of two spaces.

    >>> Q, K = [[1.0, 0.0], [0.0, -1.0]], [[1.0, 0.1], [-0.2, -1.0], [0.0, -1.0]]
    >>> xsim(Q, K, margin="absolute"), xsim(Q, K)
    (0.5, 0.0)
    """
    sources, targets = as_vectors(Q, name="Q"), as_vectors(K, name="K")
    same_dim(sources, targets)
    if not 0 < len(sources) <= len(targets):
        raise ShapeError(f"wanted a target for each source, got {len(sources)} sources and {len(targets)} targets")
    found = _shares(Cosine()(sources, targets), margin, k)
    return float(1 - np.diagonal(found).mean())


@final
class _Share:
    """The mean of what is given: a share of each item's answers."""

    def __init__(self, higher_is_better: bool, chance: float | None) -> None:
        self.tags = MetricTags((0.0, 1.0), higher_is_better, chance)

    def __call__(self, truth: Any, pred: Any) -> PerItem:
        return np.asarray(pred, dtype=np.float64)


@final
@dataclass(frozen=True, eq=False)
class XSimPP(LabelledTask):
    """Sentences and their English translations: is each found among all of them and their near-copies?

    The report has the share found and its complement, the error; the error without near-copies; and the error by what
    was taken for the right sentence: a near-copy of it, by kind, or another sentence or its near-copy (`other`).

    sources, targets
        (n,) each; targets are in English.
    augmenters
        Make the near-copies.
    margin, k
        How scores are compared, and with how many neighbours.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> report = XSimPP(["Er hat 3.", "Ich bin da."], ["He has 3.", "I am here."]).run(space)
    >>> report.metrics["error"].value, report.metrics["xsim_error"].value, report.metrics["number"].value
    (0.75, 0.0, 0.25)
    """

    sources: Sequence[str]
    targets: Sequence[str]
    augmenters: Sequence[Augmenter] = (Negate(), SwapEntity(), SwapNumber())
    name: str = "xsim++"
    family: str = ""
    margin: str = "ratio"
    k: int = 4
    unit: str = "sentence"

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise ShapeError(f"each source wants a target, got {len(self.sources)} and {len(self.targets)}")
        if len(set(self.targets)) < 2:
            raise DataError(f"{self.name} has {len(set(self.targets))} different targets, wanted two at least")
        if self.margin not in MARGINS or self.k < 1:
            raise DataError(f"wanted a margin of {', '.join(MARGINS)} and k >= 1, got {self.margin!r} and {self.k}")
        taken = [kind for kind in self._kinds if kind in TAKEN]
        if taken:
            raise DataError(
                f"an augmenter's kind is a name in the report, and {taken[0]!r} is taken; call it otherwise"
            )

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        a: str = "source",
        b: str = "target",
        where: Where | None = None,
        name: str = "xsim++",
        family: str = "",
    ) -> "XSimPP":
        """The pairs of a file, a table or a list of records.

        a, b
            Columns of a sentence and its English translation.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, {"a": a, "b": b}, where=where)
        return cls(found["a"], found["b"], name=name, family=family)

    @cached_property
    def copies(self) -> list[NearCopy]:
        """The near-copies; their `row` counts different targets."""
        return near_copies(list(dict.fromkeys(self.targets)), self.augmenters)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The share found, then errors."""
        m, all_of_them = len(set(self.targets)), len(self._pool)
        errors = dict.fromkeys((*self._kinds, "other"), _Share(False, None))
        return {
            "accuracy": _Share(True, 1 / all_of_them),
            "error": _Share(False, 1 - 1 / all_of_them),
            "xsim_error": _Share(False, 1 - 1 / m),
            **errors,
        }

    @property
    def content(self) -> Any:
        """Pairs, near-copies, and how they are compared."""
        return [
            list(self.sources),
            list(self.targets),
            [[copy.text, copy.row, copy.kind] for copy in self.copies],
            self.margin,
            self.k,
        ]

    @property
    def _kinds(self) -> list[str]:
        return list(dict.fromkeys(augmenter.kind for augmenter in self.augmenters))

    @cached_property
    def _pool(self) -> list[str]:
        return list(dict.fromkeys([*self.targets, *(copy.text for copy in self.copies)]))

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """What share of each source's best candidates is the right one, and what the others are."""
        truth = numbered(self.targets)
        m, n = len(set(self.targets)), len(truth)
        A = system.encode(list(self.sources), progress=progress)
        S = system.similarity_function(A, system.encode(self._pool, progress=progress))
        found = _shares(S, self.margin, self.k)
        right, alone = found[np.arange(n), truth], _shares(S[:, :m], self.margin, self.k)[np.arange(n), truth]
        what = self._what_they_are()[truth]
        errors = {kind: np.where(what == i, found, 0).sum(axis=1) for i, kind in enumerate([*self._kinds, "other"])}
        shares = {"accuracy": right, "error": 1 - right, "xsim_error": 1 - alone, **errors}
        counts = Counter(copy.kind for copy in self.copies)
        bare = m - len({copy.row for copy in self.copies})
        return Answers(
            {name: (np.ones(n), share) for name, share in shares.items()},
            n,
            settings={"margin": self.margin, "k": self.k, "near_copies": dict(counts)},
            warnings=(f"{bare} of {m} targets have no near-copy: are they in English?",) if 2 * bare > m else (),
        )

    def _what_they_are(self) -> Rows:
        """(targets, candidates) number of the kind that a candidate is to a target; -1 for itself."""
        place, kinds = {text: i for i, text in enumerate(self._pool)}, self._kinds
        m = len(set(self.targets))
        what = np.full((m, len(self._pool)), len(kinds))
        for copy in reversed(self.copies):  # the first kind is the one that counts
            what[copy.row, place[copy.text]] = kinds.index(copy.kind)
        what[np.arange(m), np.arange(m)] = -1
        return what


def _shares(S: Scores, margin: str, k: int) -> Scores:
    """(n, m) one over the number of best targets for each of them, 0 for the others."""
    best = best_targets(S, margin=margin, k=k)
    shares: Scores = best / best.sum(axis=1, keepdims=True)
    return shares
