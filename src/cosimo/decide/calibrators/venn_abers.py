r"""Venn-Abers: two probabilities instead of one, of which one is calibrated on average, whatever the scores are.

Put the new pair, with its score s, among the labelled ones: once as a match, once as none. Fit isotonic regression both
times and read the fit off at s:

$$ p_0(s) = v^{(s, 0)}(s), \qquad p_1(s) = v^{(s, 1)}(s), \qquad p(s) = \frac{p_1}{1 - p_0 + p_1} $$

If the labelled pairs and the new one are exchangeable, one of the two, namely $p_y$ with y the true label of the new
pair, is calibrated: $E(y \mid p_y) = p_y$ on average over draws of all of them. Nobody knows which, so the width
$p_1 - p_0$ says how much the labels leave open, and the single number p(s) is an estimate.

Both are step functions of s that can only change at labelled scores. Moving the new pair past one of these changes the
cumulative sum diagram at a single point, so that all steps together cost no more than sorting.

Symbols: labelled scores -> `knots_` (k,), p_0 from each score on, with 0 before the first -> `lower_` (k + 1,), p_1 up
to each score, with 1 behind the last -> `upper_` (k + 1,).

Pitfalls: [p_0, p_1] is no confidence interval of the probability of this pair; nothing is promised given s, nor
of p(s); pairs that share a query or an item are not exchangeable with a new pair, nor are labels drawn with unequal
probabilities: both are refused; the score must not have been trained on these labels.

Reference: Vovk and Petej, Venn-Abers predictors, 2014, https://arxiv.org/abs/1211.0025; computed as in Vovk, Petej and
Fedorova, Large-scale probabilistic predictors with and without guarantees of validity, 2015,
https://arxiv.org/abs/1511.00213
"""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.decide.calibrators.calibrator import Calibrator
from cosimo.decide.fitting.labelled import Labelled, as_scores, same_scale
from cosimo.decide.fitting.one_cut import require_fitted
from cosimo.errors import Refused
from cosimo.types import Floats, PerItem


@final
class VennAbers(Calibrator):
    """Two probabilities of a match, one of which is calibrated on average, and an estimate between them.

    cut
        Estimated probability from which on a pair is accepted.

    >>> calibrated = VennAbers().fit([-0.2, 0.1, 0.4, 0.5, 0.8, 0.9], [0, 0, 1, 0, 1, 1])
    >>> p0, p1 = calibrated.interval([-0.3, 0.45, 0.9])
    >>> p0.round(2), p1.round(2)
    (array([0.  , 0.33, 0.67]), array([0.33, 0.67, 1.  ]))
    >>> calibrated.probability([-0.3, 0.45, 0.9])
    array([0.25, 0.5 , 0.75])
    """

    saved_as = "venn_abers"
    method = "Venn-Abers"
    learned = ("knots_", "lower_", "upper_")

    knots_: Floats
    lower_: Floats
    upper_: Floats

    def __init__(self, *, cut: float = 0.5) -> None:
        self.cut = cut

    def interval(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> tuple[PerItem, PerItem]:
        """(n,) p_0 and (n,) p_1 for scores (n,), in their dtype; NaN where the score is.

        Raises
        ------
        ScaleMismatch
            The scores are of another scale.
        """
        require_fitted(self)
        same_scale(self.scale_, context)
        S = as_scores(scores)
        p0, p1 = self._steps(S.astype(np.float64))
        return p0.astype(S.dtype), p1.astype(S.dtype)

    def _learn(self, labels: Labelled) -> None:
        if labels.clusters is not None:
            raise Refused(
                f"{len(labels)} pairs in {len(labels.names)} clusters are not exchangeable with a new pair, which is "
                "all that Venn-Abers rests on; keep one pair a cluster, or use Platt or Isotonic"
            )
        if labels.weights is not None:
            raise Refused(
                "labels drawn with unequal probabilities are not exchangeable with a new pair, which is all that "
                "Venn-Abers rests on; draw a simple random sample, or use Platt or Isotonic, which take weights"
            )
        self.knots_, place = np.unique(labels.scores.astype(np.float64), return_inverse=True)
        pairs, matches = np.bincount(place), np.bincount(place, labels.y).astype(np.int64)
        self.upper_ = upper_steps(pairs, matches)
        self.lower_ = 1 - upper_steps(pairs[::-1], (pairs - matches)[::-1])[::-1]  # labels and order turned round

    def _map(self, S: Floats) -> Floats:
        p0, p1 = self._steps(S)
        return p1 / (1 - p0 + p1)

    def _steps(self, S: Floats) -> tuple[Floats, Floats]:
        known = np.where(np.isnan(S), np.nan, 1.0)
        p0 = self.lower_[np.searchsorted(self.knots_, S, side="right")]
        p1 = self.upper_[np.searchsorted(self.knots_, S, side="left")]
        return p0 * known, p1 * known


def upper_steps(pairs: NDArray[np.int64], matches: NDArray[np.int64]) -> Floats:
    """(k + 1,) p_1 of a new pair up to each of k ascending scores, and behind the last.

    The diagram has the corners (pairs, matches) counted up to each score. The new match is a step (1, 1) in it, and p_1
    the slope of the greatest convex minorant there.

    pairs, matches
        (k,) how many labelled pairs, and matches among them, have each score.

    >>> upper_steps(np.array([1, 1, 1]), np.array([0, 1, 0])).round(3)
    array([0.5  , 0.667, 0.667, 1.   ])
    """
    corners = [(-1, -1), (0, 0), *zip(np.cumsum(pairs).tolist(), np.cumsum(matches).tolist(), strict=True)]
    hull: list[tuple[int, int]] = []  # the minorant right of where the new match stands, its left end on top
    for corner in reversed(corners):
        _extend(hull, corner)
    steps = []
    for x, y in corners[2:]:
        left, right = hull[-1], hull[-2]
        steps.append((right[1] - left[1]) / (right[0] - left[0]))
        moved = x - 1, y - 1  # the corner before the new match, once this score stands left of it
        if _turn(left, moved, right) > 0:
            hull.pop()
            _extend(hull, moved)
    return np.array([*steps, 1.0])


def _extend(hull: list[tuple[int, int]], corner: tuple[int, int]) -> None:
    """Put a corner to the left of a convex chain, dropping the ends that it makes superfluous."""
    while len(hull) > 1 and _turn(corner, hull[-1], hull[-2]) <= 0:
        hull.pop()
    hull.append(corner)


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Positive where b lies below the line from a to c, so that the way over it turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
