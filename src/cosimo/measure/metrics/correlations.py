r"""How well scores follow graded truth: Spearman, Pearson and Kendall over all items.

    Spearman = Pearson of mid-ranks;   Kendall tau-b = (concordant - discordant) / sqrt(untied in x, untied in y)

The interval is the jackknife's on the scale of atanh r; systems are compared by a paired bootstrap of the difference.

Scores that are all equal order nothing: their correlation is 0 here, which is what breaking the ties at random gives
on average, and has no interval. So a system that has collapsed loses an evaluation instead of stopping it. Constant
truth is refused: nothing can be measured with it.

Symbols: x -> `truth` (n,), y -> `pred` (n,).
Pitfalls: NaN for a collapsed system, which then vanishes from a mean over tasks; pairs that share a sentence
counted as independent (give `clusters`, (n, 2) for both sides); raw scores of two systems swapped in a test although
their scales differ.
Reference: Bonett and Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations, 2000,
https://doi.org/10.1007/BF02294183
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed
from cosimo.contracts import MetricTags
from cosimo.errors import DataError
from cosimo.measure.metrics.columns import Weighed, as_numbers, as_weights, repeated
from cosimo.statistics import correlation, correlation_interval
from cosimo.statistics.correlation import Coefficient
from cosimo.types import Interval, PerItem, Rows


@dataclass(frozen=True)
class Correlation(ABC):
    """A correlation of scores with truth."""

    coefficient: ClassVar[Coefficient]
    tags = MetricTags(bounds=(-1.0, 1.0), chance=0.0, takes="numbers")

    @abstractmethod
    def of(self, gold: PerItem, scores: PerItem) -> Weighed:
        """The correlation of two columns (n,) as a function of weights (n,) under which neither is constant."""

    def on(self, truth: ArrayLike, pred: ArrayLike) -> Weighed:
        """The correlation of these items as a function of their weights: what does not depend on them is done once."""
        gold, scores = as_numbers(truth, pred)
        if gold.min() == gold.max():
            raise DataError(f"truth is {gold[0]:g} for all {len(gold)} items, with which nothing is correlated")
        correlation_of = self.of(gold, scores)

        def value(weights: PerItem | None) -> float:
            w = as_weights(weights, len(gold))
            there = w > 0
            if not there.any() or np.ptp(gold[there]) == 0:
                return math.nan
            return 0.0 if np.ptp(scores[there]) == 0 else correlation_of(w)

        return value

    def __call__(self, truth: ArrayLike, pred: ArrayLike, weights: PerItem | None = None) -> float:
        """The correlation of `pred` (n,) with `truth` (n,); 0 where all scores are equal.

        weights
            (n,) how often each item counts, for Kendall in whole numbers; NaN where they leave constant truth.

        Raises
        ------
        ShapeError, DataError
            Columns that are not equally long or hold NaN, and truth that is constant.
        """
        return self.on(truth, pred)(weights)

    def interval(
        self,
        truth: ArrayLike,
        pred: ArrayLike,
        *,
        clusters: ArrayLike | None = None,
        level: float = 0.95,
        seed: Seed = 0,
    ) -> Interval:
        """The jackknife's interval on the scale of atanh r.

        clusters
            (n,) or (n, 2), where pairs share items on both sides.

        Raises
        ------
        Refused
            Equal scores, and other data that do not say how far the correlation may be off.
        """
        return correlation_interval(
            truth, pred, coefficient=self.coefficient, clusters=clusters, level=level, seed=seed
        )


@final
class Spearman(Correlation):
    """Correlation of the ranks: how well scores order the items as graded truth does.

    >>> Spearman()([1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 8.0, 7.0])
    0.8
    """

    coefficient = "spearman"

    def of(self, gold: PerItem, scores: PerItem) -> Weighed:
        """Pearson's of the mid-ranks, which depend on the weights."""
        x, y = (np.unique(column, return_inverse=True)[1] for column in (gold, scores))
        return lambda w: pearson(_mid_ranks(x, w), _mid_ranks(y, w), w)


@final
class Pearson(Correlation):
    """Correlation of the numbers themselves: how well scores are on one line with graded truth.

    >>> Pearson()([1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 8.0, 7.0])
    0.888
    """

    coefficient = "pearson"

    def of(self, gold: PerItem, scores: PerItem) -> Weighed:
        """Pearson's of the numbers."""
        return lambda w: pearson(gold, scores, w)


@final
class Kendall(Correlation):
    """tau-b: pairs of items in the right order less those in the wrong one, over those untied.

    >>> Kendall()([1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 8.0, 7.0])
    0.667
    """

    coefficient = "kendall"

    def of(self, gold: PerItem, scores: PerItem) -> Weighed:
        """tau-b of the items, each as often as its weight says."""
        return lambda w: correlation(*repeated(w, gold, scores), coefficient="kendall")


def pearson(x: PerItem, y: PerItem, weights: PerItem) -> float:
    """Pearson's correlation of columns (n,) that are not constant, each row as often as its weight says.

    >>> pearson(np.array([1.0, 2.0, 5.0]), np.array([-1.0, -2.0, 9.0]), np.array([3.0, 1.0, 0.0]))
    -1.0
    """
    total = weights.sum()
    u, v = x - weights @ x / total, y - weights @ y / total
    u, v = u / np.abs(u).max(), v / np.abs(v).max()  # squares of tiny numbers would vanish
    r = weights @ (u * v) / math.sqrt(float(weights @ (u * u)) * float(weights @ (v * v)))
    return float(np.clip(r, -1.0, 1.0))


def _mid_ranks(level: Rows, weights: PerItem) -> PerItem:
    """(n,) mid-ranks, but for a constant, of items whose values have these numbers (n,) from low to high."""
    mass = np.bincount(level, weights)
    ranks: PerItem = (np.cumsum(mass) - mass / 2)[level]
    return ranks
