r"""EvalRank: does a text's true partner come first among many others?

$$p(a, b) = 1 + \big|\{z \in Z \setminus \{a\} : s(a, z) > s(a, b)\}\big|, \qquad
s(a, z) = \cos(x_a - \mu, x_z - \mu)$$

$Z$ -> all texts of the pairs and of `background`, $\mu$ -> the mean of their vectors. Every pair is asked both ways,
and its value is the mean of the two. The published rank counts $|\{z \in Z : s(a, z) > s(a, b)\}|$, which is the same:
the anchor is in its own background, and no text is closer to it than itself.

An evaluator is evaluated by how well it orders models as their use does: `metric_validity`. Variants of one model are
not independent of each other, so its interval leaves out a family of models at a time, and there is no p-value.

Pitfalls: ties counted for the partner, as published, which gives a constant encoder an MRR of 1 (here equal
scores stand in random order, and only `ties="paper"` counts as published); a background without the anchor, or vectors
that are not centred, and values compared all the same; values compared over backgrounds of different size; 60 variants
of five models counted as 60.
Reference: Wang, Kuo and Li 2022, Just Rank: Rethinking Evaluation with Word and Sentence Similarities,
https://arxiv.org/abs/2203.02679
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo._random import Seed
from cosimo.compare import resolve
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.tasks.pairing import shared_items
from cosimo.measure.tasks.places import Hits, MeanRank, ReciprocalRank, places
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space
from cosimo.statistics import correlation, correlation_interval
from cosimo.statistics.correlation import Coefficient
from cosimo.types import Estimate

BLOCK = 256
"""Anchors compared at a time."""

Ties = Literal["average", "paper"]


@final
@dataclass(frozen=True, eq=False)
class EvalRank(LabelledTask):
    """Pairs that mean the same: is one found first from the other among all texts?

    a, b
        (n,) each, pair by pair.
    background
        Further texts to be told from a partner; those of the pairs always are.
    similarity
        Compares the centred vectors, whatever the space compares by.
    centre
        Whether the mean over all texts is taken off their vectors first.
    ties
        `average` over the orders of equal scores, or `paper`: all of them in favour of the partner.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> EvalRank(["a", "bbbb"], ["c", "dddd"], ["ee", "fffff"], similarity="euclidean").run(space).metrics["mrr"].value
    1.0
    >>> EvalRank(["a"], ["b"], ["c", "d"]).run(FunctionEncoder(lambda texts: [[-1.0]] * len(texts))).metrics["mr"].value
    2.0
    """

    a: Sequence[str]
    b: Sequence[str]
    background: Sequence[str] = ()
    name: str = "evalrank"
    family: str = ""
    similarity: str = "cosine"
    centre: bool = True
    ties: Ties = "average"
    unit: str = "pair"

    def __post_init__(self) -> None:
        if len(self.a) != len(self.b):
            raise ShapeError(f"each text of a wants a partner in b, got {len(self.a)} and {len(self.b)}")
        if not len(self.a):
            raise DataError(f"{self.name} holds no pairs; a task wants at least one")
        same = next((text for text, other in zip(self.a, self.b, strict=True) if text == other), None)
        if same is not None:
            raise DataError(
                f"{self.name}: a text is no partner of its own, got {same!r:.60} on both sides; leave it out"
            )
        if self.ties not in ("average", "paper"):
            raise DataError(f"ties is 'average' or 'paper', got {self.ties!r}")
        if len(self._texts) < 3:
            raise DataError(
                f"{self.name} has no text but its pair, and nothing to tell a partner from; give a background"
            )
        resolve(self.similarity)

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        columns: Sequence[str] = ("sentence1", "sentence2", "score"),
        at_least: float,
        where: Where | None = None,
        name: str = "evalrank",
        family: str = "",
    ) -> "EvalRank":
        """Of a file, a table or a list of scored pairs those that mean the same; all texts are the background.

        columns
            Those of the two texts and of the score.
        at_least
            The score from which on two different texts are partners.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, dict(zip("abs", columns, strict=True)), numbers=["s"], where=where)
        scored = zip(found["a"], found["b"], found["s"], strict=True)
        alike = dict.fromkeys((a, b) for a, b, score in scored if score >= at_least and a != b)
        return cls([a for a, _ in alike], [b for _, b in alike], [*found["a"], *found["b"]], name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Mean reciprocal rank first, then mean rank and hits."""
        m = len(self._texts) - 1
        return {"mrr": ReciprocalRank(m), "mr": MeanRank(m), "hits@1": Hits(1, m), "hits@3": Hits(3, m)}

    @property
    def content(self) -> Any:
        """Pairs and background, and how they are compared."""
        return [list(self.a), list(self.b), self._texts, self.similarity, self.centre, self.ties]

    @cached_property
    def _texts(self) -> list[str]:
        return list(dict.fromkeys([*self.a, *self.b, *self.background]))

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """How many texts are closer to one of a pair than the other, and as close, both ways."""
        place = {text: i for i, text in enumerate(self._texts)}
        X = as_vectors(system.encode(self._texts, progress=progress)).astype(np.float64)
        if self.centre:
            X -= X.mean(axis=0)
        pairs = np.array([[place[x], place[y]] for x, y in zip(self.a, self.b, strict=True)])
        anchors, partners = np.concatenate([pairs, pairs[:, ::-1]]).T
        compare = resolve(self.similarity)
        counts = np.empty((len(anchors), 2), np.int64)
        for start in range(0, len(anchors), BLOCK):
            asked, right = anchors[start : start + BLOCK], partners[start : start + BLOCK]
            itself = asked[:, None] == np.arange(len(X))
            counts[start : start + BLOCK] = places(compare(X[asked], X), right, excluded=itself)
        if self.ties == "paper":
            counts[:, 1] = 0
        n = len(pairs)
        given = dict.fromkeys(self.metrics, (np.ones(n), counts.reshape(2, n, 2).transpose(1, 0, 2)))
        settings = {"texts": len(X), "similarity": self.similarity, "centre": self.centre, "ties": self.ties}
        return Answers(given, n, shared_items(self.a, self.b), settings)


def metric_validity(
    scores: Mapping[str, float],
    downstream: Mapping[str, float],
    *,
    families: Mapping[str, str] | None = None,
    coefficient: Coefficient = "spearman",
    level: float = 0.95,
    seed: Seed = 0,
) -> Estimate:
    """How well a metric of models agrees with what they are good for: the correlation over models, with its interval.

    The interval is None where the models say nothing of how far the correlation may be off.

    scores, downstream
        A number for each model, of the metric and of its use; both of the same models.
    families
        What each model is a variant of; variants of one are one unit. None where all are independent.

    Raises
    ------
    DataError
        A model that is on one side only, fewer than three, or equal numbers for all.

    >>> mrr, accuracy = {"m": 0.5, "n": 0.3, "o": 0.2, "p": 0.1}, {"m": 0.9, "n": 0.8, "o": -0.1, "p": 0.4}
    >>> metric_validity(mrr, accuracy).value
    0.8
    """
    odd = sorted(scores.keys() ^ downstream.keys())
    missing = [] if families is None else sorted(scores.keys() - families.keys())
    if odd or missing or len(scores) < 3:
        what = f"{odd[0]!r} is on one side only" if odd else f"{missing[0]!r} has no family" if missing else len(scores)
        raise DataError(f"wanted both numbers, and a family, of three models at least, got: {what}")
    models = list(scores)
    x, y = ([float(side[model]) for model in models] for side in (scores, downstream))
    value = correlation(x, y, coefficient=coefficient)
    if np.isnan(value):
        raise DataError(f"all {len(models)} models have the same number, and a constant agrees with nothing")
    clusters = None if families is None else [families[model] for model in models]
    try:
        found = correlation_interval(x, y, coefficient=coefficient, clusters=clusters, level=level, seed=seed)
    except Refused:
        return Estimate(value)
    return Estimate(value, replace(found, unit="model" if families is None else "family of models"))
