r"""Precision band: how precise each of m cuts is at least, for looking around before a promise is asked for.

$$ \text{low}_j = \mathrm{Beta}^{-1}(\delta / m;\; k_j, n_j - k_j + 1) $$

with k_j of the n_j labels above cut j right. With probability $1 - \delta$ all m bounds hold at once, so that cut and
target may both be picked afterwards. It costs power against one target named beforehand (`PrecisionThreshold`).

Symbols: delta -> 1 - `confidence`.
Pitfalls: a bound for one cut read off at the best of many.
Reference: Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial, 1934.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cosimo.decide.fitting.cuts import Counts, counts_above, grid
from cosimo.decide.fitting.labelled import as_scores, labelled
from cosimo.decide.fitting.looks import spent
from cosimo.errors import DataError
from cosimo.types import Floats, PerItem


@dataclass(frozen=True, eq=False)
class Band:
    """What labels say about m cuts, falling.

    accepted, right
        (m,) labels above each cut, and how many of them are matches.
    low
        (m,) lower bounds of the precision, which hold all at once.
    """

    cuts: PerItem
    accepted: Counts
    right: Counts
    low: Floats

    @property
    def precision(self) -> Floats:
        """(m,) on the labels, NaN above the highest score."""
        share: Floats = np.divide(
            self.right, self.accepted, where=self.accepted > 0, out=np.full(len(self.cuts), np.nan)
        )
        return share


def precision_band(scores: ArrayLike, y: ArrayLike, *, confidence: float = 0.95, cuts: ArrayLike | None = None) -> Band:
    """Lower bounds of the precision at many cuts, from independent labelled pairs drawn at random.

    scores, y
        (n,) scores and labels, 0 or 1.
    cuts
        (m,) cuts fixed without a look at these pairs, or `None` for a grid through the scores, where the bounds are
        exact if precision rises with the cut.

    Raises
    ------
    Refused
        Labels of one class, or equal scores.
    DataError
        Labels, scores or cuts that cannot be used.

    >>> band = precision_band([0.9, 0.8, 0.7, -0.2], [1, 1, 1, 0], cuts=[0.5, -1.0])
    >>> band.precision, band.low.round(2)
    (array([1.  , 0.75]), array([0.29, 0.19]))
    """
    from scipy.special import betaincinv

    delta = spent(confidence, None)
    labels = labelled(scores, y)
    chosen = grid(labels.scores, 0.05) if cuts is None else np.unique(as_scores(cuts, name="cuts"))[::-1]
    if not len(chosen) or np.isnan(chosen).any():
        raise DataError("cuts must be numbers, and at least one")
    accepted = counts_above(labels.scores, chosen)
    right = counts_above(labels.scores[labels.y], chosen)
    bounds = betaincinv(np.maximum(right, 1), accepted - right + 1, delta / len(chosen))
    return Band(chosen, accepted, right, np.where(right > 0, bounds, 0.0))
