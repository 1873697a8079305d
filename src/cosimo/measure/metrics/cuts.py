r"""What is accepted at each cut of a score, counted from the strictest on, and the best cut.

    accepted_c = items with s_i >= c,      right_c = positives among them,      for each different score c
    F1_c = 2 right_c / (accepted_c + positives);     accuracy_c = (right_c + negatives not accepted) / n

Equal scores are accepted together, so a cut lies at the end of a block of ties, and half way to the next score: that
leaves as much room for the next item on either side.

Symbols: s -> `scores` (n,), c -> the m different ones from high to low; weights (..., n) say how often an item counts.
Pitfalls: a cut inside a block of equal scores; the cut put on a score of the data; the best cut stated with the
data that it was chosen on.
Reference: Lipton, Elkan and Narayanaswamy, Optimal thresholding of classifiers to maximize F1 measure, 2014,
https://doi.org/10.1007/978-3-662-44851-9_15
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.measure.metrics.columns import as_numbers
from cosimo.statistics.units import as_labels
from cosimo.types import Floats, PerItem, Rows


@dataclass(frozen=True, eq=False)
class Falling:
    """Items (n,) by falling score: their rows in the data, their scores, and whether they are positives."""

    rows: Rows
    scores: PerItem
    positive: NDArray[np.bool_]

    @cached_property
    def ends(self) -> Rows:
        """(m,) place of the last item of each block of equal scores."""
        return np.flatnonzero(np.append(self.scores[1:] != self.scores[:-1], True))


@dataclass(frozen=True, eq=False)
class Cuts:
    """The weight accepted and right (..., m) at each cut of items whose weights are (..., n)."""

    items: Falling
    weights: Floats
    accepted: Floats
    right: Floats

    @property
    def total(self) -> Floats:
        """(..., 1) weight of all items."""
        return self.accepted[..., -1:]

    @property
    def positives(self) -> Floats:
        """(..., 1) weight of all positives."""
        return self.right[..., -1:]


Worth: TypeAlias = Callable[[Cuts, Floats, Floats], Floats]
"""What accepting is worth: `worth(found, right, accepted)`, (..., m) each; NaN where that is undefined."""


def falling(truth: ArrayLike, pred: ArrayLike) -> Falling:
    """The items by falling score.

    Raises
    ------
    ShapeError, DataError
        Columns that are not equally long or hold NaN, labels other than 0 and 1, or one class only.
    """
    labels, scores = as_numbers(truth, pred)
    positive = as_labels(labels, len(scores))
    order = np.argsort(-scores)
    return Falling(order, scores[order], positive[order])


def cuts(items: Falling, weights: Floats | None = None) -> Cuts:
    """What each cut accepts; `weights` (..., n) are those of the items in the order of falling scores.

    >>> found = cuts(falling([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1]))
    >>> found.accepted, found.right
    (array([1., 3., 4.]), array([1., 2., 2.]))
    """
    w = np.ones(len(items.scores)) if weights is None else weights
    accepted, right = (np.cumsum(x, axis=-1)[..., items.ends] for x in (w, w * items.positive))
    return Cuts(items, w, accepted, right)


def f1_at(found: Cuts, right: Floats, accepted: Floats) -> Floats:
    """F1 where `right` of `accepted` items are positives (..., m); NaN where there is no positive at all."""
    f1: Floats = 2 * right / np.where(found.positives > 0, accepted + found.positives, np.nan)
    return f1


def accuracy_at(found: Cuts, right: Floats, accepted: Floats) -> Floats:
    """Accuracy where `right` of `accepted` items are positives (..., m); NaN where there is no item."""
    total = np.where(found.total > 0, found.total, np.nan)
    accuracy: Floats = (2 * right - accepted + found.total - found.positives) / total
    return accuracy


def worths(found: Cuts, worth: Worth) -> Floats:
    """(..., m + 1) what accepting nothing is worth, and accepting from each cut on.

    >>> worths(cuts(falling([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])), accuracy_at)
    array([0.5 , 0.75, 0.75, 0.5 ])
    """
    nothing = np.zeros((*found.right.shape[:-1], 1))
    return worth(found, *(np.concatenate([nothing, x], axis=-1) for x in (found.right, found.accepted)))


def best_cut(found: Cuts, worth: Worth) -> tuple[float, float]:
    """The cut of the greatest worth, the strictest of several, which may accept nothing; and that worth.

    >>> best_cut(cuts(falling([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])), accuracy_at)
    (0.65, 0.75)
    """
    return float(best_cuts(found, worth)), float(worths(found, worth).max())


def best_cuts(found: Cuts, worth: Worth) -> Floats:
    """The best cut (...) for each of several weights (..., n).

    >>> items = falling([1, 0, 1, 0], [0.9, 0.4, 0.4, -0.1])
    >>> best_cuts(cuts(items, np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 5.0, 1.0]])), accuracy_at)
    array([0.65, 0.15])
    """
    place = np.argmax(worths(found, worth), axis=-1)[..., None]
    last = np.append(-1, found.items.ends)[place]  # the last item accepted
    later = (found.weights > 0) & (np.arange(found.weights.shape[-1]) > last)
    scores, first = found.items.scores, np.argmax(later, axis=-1)[..., None]  # the first one that is not
    above, below = scores[last], scores[first]
    middle = below + (above - below) / 2
    cut = np.where(later.any(axis=-1)[..., None], np.where(middle > below, middle, above), -np.inf)
    best: Floats = np.where(last < 0, np.inf, cut)[..., 0]
    return best
