r"""How well scores tell matching pairs from others: areas under curves, and F1 and accuracy at a cut.

    AP = sum over cuts from the strictest on  (recall_c - recall_{c-1}) precision_c
    ROC-AUC = probability that a positive outscores a negative, ties half

A cut chosen on the items that it is then judged by looks better than it is: `BestF1` and `BestAccuracy` are optimistic,
the more the fewer items there are, and are here because others report them. `HeldOutF1` and `HeldOutAccuracy` are
cross-fitted: the items are dealt to disjoint folds, each is judged at the cut that is best on all other folds, and the
number is of all items together. Folds are random, the same for all systems, equally rich in positives, and leave
clusters whole where these are given.

AP depends on the share of positives, which it equals for scores that know nothing: report it beside.

Intervals: DeLong's for the AUC; a bootstrap of the whole number for the others, with the choice of the cut inside. That
of `BestAccuracy` is too narrow: 95 % intervals held the best accuracy of any cut in 87 % of draws of 50 items, and in
91 % and 93 % of those of 100 and 200 (docs/intervals.md).

Symbols: right_c, accepted_c -> see `cosimo.measure.metrics.cuts`; `truth` (n,) labels 0 or 1, `pred` (n,) scores.
Pitfalls: the best cut of the test data reported as if it had been known; a cut inside equal scores; the area
under an interpolated precision curve, which is too large; copies of an item on both sides of a split, as a plain
bootstrap makes them.
Reference: Davis and Goadrich, The relationship between precision-recall and ROC curves, 2006,
https://doi.org/10.1145/1143844.1143874; Lipton, Elkan and Narayanaswamy, Optimal thresholding of classifiers to
maximize F1 measure, 2014, https://doi.org/10.1007/978-3-662-44851-9_15
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed
from cosimo.contracts import MetricTags
from cosimo.errors import DataError
from cosimo.measure.estimating import compare_two_way, on_rows
from cosimo.measure.metrics.columns import Weighed, as_weights
from cosimo.measure.metrics.cuts import Cuts, Falling, accuracy_at, best_cuts, cuts, f1_at, falling, worths
from cosimo.statistics import Comparison, auc_interval, compare_auc, jackknife_interval, random_groups
from cosimo.statistics.units import cluster_codes
from cosimo.types import Floats, Interval, PerItem, Rows

TINY = np.finfo(np.float64).tiny


class Detection(ABC):
    """A number of scores against labels, all of which follow from what each cut accepts."""

    tags = MetricTags(bounds=(0.0, 1.0), takes="labels")

    @abstractmethod
    def of(self, items: Falling) -> Weighed:
        """The number as a function of the weights (n,) of items in the order of falling scores."""

    def on(self, truth: ArrayLike, pred: ArrayLike) -> Weighed:
        """The number of these items as a function of their weights: what does not depend on them is done once."""
        items = falling(truth, pred)
        value = self.of(items)
        return lambda weights: value(as_weights(weights, len(items.rows))[items.rows])

    def __call__(self, truth: ArrayLike, pred: ArrayLike, weights: PerItem | None = None) -> float:
        """The number of scores `pred` (n,) for labels `truth` (n,), 0 or 1; NaN where weights leave no such number.

        Raises
        ------
        ShapeError, DataError
            Columns that are not equally long or hold NaN, labels other than 0 and 1, or one class only.
        """
        return self.on(truth, pred)(weights)


@final
@dataclass(frozen=True)
class AveragePrecision(Detection):
    """Precision at every recall that a cut reaches, averaged; the share of positives where scores know nothing.

    >>> AveragePrecision()([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])
    0.833
    """

    def of(self, items: Falling) -> Weighed:
        """The area of the steps under precision over recall."""

        def area(weights: PerItem) -> float:
            found = cuts(items, weights)
            steps = np.diff(found.right, prepend=0.0) / (found.right[-1] or math.nan)
            return min(float(steps @ (found.right / np.maximum(found.accepted, TINY))), 1.0)

        return area


@final
@dataclass(frozen=True)
class RocAuc(Detection):
    """Probability that a positive outscores a negative, ties half.

    >>> RocAuc()([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])
    0.875
    """

    tags = MetricTags(bounds=(0.0, 1.0), chance=0.5, takes="labels")

    def of(self, items: Falling) -> Weighed:
        """The area under the share of positives accepted over the share of negatives, by trapezoids."""

        def area(weights: PerItem) -> float:
            found = cuts(items, weights)
            right, wrong = (
                np.append(0.0, x) / (x[-1] or math.nan) for x in (found.right, found.accepted - found.right)
            )
            return min(float(np.trapezoid(right, wrong)), 1.0)

        return area

    def interval(
        self,
        truth: ArrayLike,
        pred: ArrayLike,
        *,
        clusters: ArrayLike | None = None,
        level: float = 0.95,
        seed: Seed = 0,
    ) -> Interval:
        """DeLong's interval on the logit scale, Obuchowski's for clusters (n,), the jackknife's for clusters (n, 2)."""
        if clusters is not None and np.ndim(clusters) == 2:
            statistic = on_rows(self, truth, pred)
            return jackknife_interval(statistic, len(np.asarray(truth)), clusters=clusters, level=level, seed=seed)
        return auc_interval(pred, truth, clusters=clusters, level=level, seed=seed)

    def compare(
        self,
        truth: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        *,
        clusters: ArrayLike | None = None,
        level: float = 0.95,
        seed: Seed = 0,
    ) -> Comparison:
        """DeLong's paired test."""
        if clusters is not None and np.ndim(clusters) == 2:
            one, other, n = on_rows(self, truth, a), on_rows(self, truth, b), len(np.asarray(truth))
            return compare_two_way(one, other, n, clusters=clusters, level=level, seed=seed)
        return compare_auc(a, b, truth, clusters=clusters, level=level, seed=seed)


@final
@dataclass(frozen=True)
class BestF1(Detection):
    """F1 at the cut that is best for these very items: optimistic, see `HeldOutF1`.

    >>> BestF1()([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])
    0.8
    """

    def of(self, items: Falling) -> Weighed:
        """The greatest F1 that any cut gives."""
        return lambda weights: float(worths(cuts(items, weights), f1_at).max())


@final
@dataclass(frozen=True)
class BestAccuracy(Detection):
    """Accuracy at the cut that is best for these very items: optimistic, see `HeldOutAccuracy`.

    >>> BestAccuracy()([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])
    0.75
    """

    def of(self, items: Falling) -> Weighed:
        """The greatest accuracy that any cut gives."""
        return lambda weights: float(worths(cuts(items, weights), accuracy_at).max())


@dataclass(frozen=True)
class HeldOut(ABC):
    """A number of items of which each is judged at the cut that is best for those in the other folds.

    Items are dealt by their places, equally many positives to each fold: another order is like another `seed`. Clusters
    are dealt by their names. Weights say how often each item counts; all of its copies stay in one fold.

    folds
        Parts that the items are dealt to, at least 2.
    clusters
        (n,) names of what no fold may split, (n, 2) for the first of two; `estimate` and `compare` pass theirs on.
    """

    folds: int = 5
    clusters: ArrayLike | None = field(default=None, repr=False, compare=False, kw_only=True)
    seed: int = field(default=0, kw_only=True)

    tags = MetricTags(bounds=(0.0, 1.0), takes="labels")

    @staticmethod
    @abstractmethod
    def worth(found: Cuts, right: Floats, accepted: Floats) -> Floats:
        """The number where `right` of `accepted` items are positives (..., m)."""

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise DataError(f"each fold is judged by the other ones; give 2 folds at least, got {self.folds}")

    def on(self, truth: ArrayLike, pred: ArrayLike) -> Weighed:
        """The number of these items as a function of their weights: what does not depend on them is done once."""
        items = falling(truth, pred)
        fold, n = self._dealt(items), len(items.rows)
        others = fold != np.unique(fold)[:, None]  # (folds, n) those that each fold is judged by

        def value(weights: PerItem | None) -> float:
            w = as_weights(weights, n)[items.rows]
            cut = best_cuts(cuts(items, w * others), self.worth)
            taken = w * (items.scores >= np.where(others, np.inf, cut[:, None])).any(axis=0)
            return float(self.worth(cuts(items, w), np.array([taken @ items.positive]), np.array([taken.sum()]))[0])

        return value

    def __call__(self, truth: ArrayLike, pred: ArrayLike, weights: PerItem | None = None) -> float:
        """The number of all items together, of scores `pred` (n,) for labels `truth` (n,), 0 or 1.

        Raises
        ------
        ShapeError, DataError
            Columns that are not equally long or hold NaN, labels other than 0 and 1, or one class only.
        """
        return self.on(truth, pred)(weights)

    def keeping_together(self, clusters: ArrayLike) -> Self:
        """The same metric, which leaves these clusters whole."""
        return replace(self, clusters=clusters)

    def _dealt(self, items: Falling) -> Rows:
        """(n,) the fold of each item, which its score has no part in: it is the same for all systems."""
        rng, n = np.random.default_rng(self.seed), len(items.rows)
        if self.clusters is None:
            fold, positive = np.empty(n, np.int64), items.positive[np.argsort(items.rows)]
            for of_class in (positive, ~positive):
                fold[of_class] = random_groups(int(of_class.sum()), groups=self.folds, seed=rng)
            return fold[items.rows]
        names = np.asarray(self.clusters)
        codes, count = cluster_codes(names[:, 0] if names.ndim == 2 else names, n)
        return random_groups(count, groups=self.folds, seed=rng)[codes[items.rows]]


@final
class HeldOutF1(HeldOut):
    """F1 of items of which each is judged at the cut that is best for F1 on the items in other folds.

    >>> labels, scores = [1, 0, 1, 0, 1, 0], [0.9, 0.4, 0.5, -0.1, 0.8, 0.2]
    >>> BestF1()(labels, scores), HeldOutF1(folds=3)(labels, scores)
    (1.0, 0.667)
    """

    worth = staticmethod(f1_at)


@final
class HeldOutAccuracy(HeldOut):
    """Accuracy of items of which each is judged at the cut that is best for accuracy on the items in other folds.

    >>> labels, scores = [1, 0, 1, 0, 1, 0], [0.9, 0.4, 0.5, -0.1, 0.8, 0.2]
    >>> BestAccuracy()(labels, scores), HeldOutAccuracy(folds=3)(labels, scores)
    (1.0, 0.667)
    """

    worth = staticmethod(accuracy_at)
