r"""nAUC: whether a system knows when it is right, as the area under its abstention curve.

    m(rho) = mean metric of the queries that are left when the share rho of least confidence is given up
    nAUC = (area of m - area of the mean) / (area of m for perfect confidence - area of the mean)

over rho = 0, .1, ..., .9, by trapezoids; round(rho n) queries are given up, and never all. 1 is confidence that ranks
the queries as the metric itself does, 0 is what knows nothing, below 0 is worse than that, without a floor. Queries of
equal confidence are given up in any order, each as likely. Where all queries have the same value there is nothing to
know, and it is NaN.

Symbols: m, n -> `truth` (n,) the metric of each query, such as its nDCG; confidence -> `pred` (n,), such as its best
score, or the distance of its two best scores.
Pitfalls: ties given up in the order of the file; compared between systems whose metrics have another spread.
Reference: Gisserot-Boukhlef et al., Towards trustworthy reranking: a simple yet effective abstention mechanism, 2024,
https://arxiv.org/abs/2402.12997
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.contracts import MetricTags
from cosimo.measure.metrics.columns import Weighed, as_numbers, as_weights
from cosimo.statistics.units import ROUNDING
from cosimo.types import PerItem, Rows

RATES = np.arange(10) / 10


def abstention_curve(values: PerItem, level: Rows, weights: PerItem) -> PerItem:
    """(10,) mean of the values (n,) that are left as the lowest levels (n,) are given up, up to a share of the weight.

    >>> abstention_curve(np.array([1.0, 0.0]), np.array([1, 0]), np.ones(2))
    array([0.5, 0.5, 0.5, 1. , 1. , 1. , 1. , 1. , 1. , 1. ])
    """
    mass, sums = (np.append(0.0, np.cumsum(np.bincount(level, x))) for x in (weights, weights * values))
    total = mass[-1]
    given_up = np.clip(np.round(RATES * total), 0, max(total - 1, 0))
    left: PerItem = (sums[-1] - np.interp(given_up, mass, sums)) / (total - given_up)
    return left


@final
@dataclass(frozen=True)
class NAUC:
    """How well confidence `pred` (n,) tells the queries that a metric is high for, from 0 for chance to 1.

    >>> NAUC()([0.9, 0.2, 0.4, 0.7], [0.8, -0.3, 0.1, 0.5])
    1.0
    """

    tags = MetricTags(bounds=(-math.inf, 1.0), chance=0.0, takes="numbers")

    def on(self, truth: ArrayLike, pred: ArrayLike) -> Weighed:
        """The normalised area of these queries as a function of weights: what does not depend on them is done once."""
        values, confidence = as_numbers(truth, pred)
        known, best_known = (np.unique(column, return_inverse=True)[1] for column in (confidence, values))

        def value(weights: PerItem | None) -> float:
            w = as_weights(weights, len(values))
            if not w.any():
                return math.nan
            ours, best = (float(np.trapezoid(abstention_curve(values, by, w), RATES)) for by in (known, best_known))
            flat = float(w @ values / w.sum() * RATES[-1])
            room = best - flat
            return (ours - flat) / room if room > ROUNDING * abs(best) else math.nan

        return value

    def __call__(self, truth: ArrayLike, pred: ArrayLike, weights: PerItem | None = None) -> float:
        """The normalised area; NaN where `truth` is constant.

        Raises
        ------
        ShapeError, DataError
            Columns that are not equally long or hold NaN.
        """
        return self.on(truth, pred)(weights)
