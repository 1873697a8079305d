r"""A cut below which at most a stated share of what is relevant to a query lies.

    L_i(t) = share of the relevant items of query i whose score is below t

`average`: the largest t with (sum_i L_i(t) + 1) / (n + 1) <= alpha (conformal risk control). `confident`: t walks up
through every score of a relevant item for as long as betting rejects "the mean of 1 - L is at most 1 - alpha" at
delta; L changes at no other place, so the first cut that is false is tested, whatever the scores. In general form

    X_c(t) = r + sum_{i in c} a_i (1{S_i >= t} - r),      r = 1 - alpha,      a_i = w_i / (w_max |c|)

with one X a cluster c, which is a query here and may be more elsewhere, and weights w where clusters were drawn with
unequal probabilities.

Symbols: 1 - alpha -> `target`, delta -> what `look` leaves of 1 - `confidence`, t -> `threshold_`.

Pitfalls: pairs of one query counted as independent; items never retrieved left out (their score is -inf);
a coarse or hand-picked grid of cuts, where the walk may step over the first false one.

Reference: Angelopoulos et al., Conformal risk control, 2024, https://arxiv.org/abs/2208.02814; Waudby-Smith and
Ramdas, Estimating means of bounded random variables by betting, 2024, https://arxiv.org/abs/2010.09686
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import Decider
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.labelled import Labelled, in_unit_interval, labelled, ungrouped
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import OneCut, no_grid, not_enough, retrieved, stated
from cosimo.errors import DataError
from cosimo.statistics import betting_p_value, hashed_order, log_wealth, zero_error_minimum
from cosimo.types import PerItem

Kept = Literal["average", "confident"]
ROUNDING = 1e-12  # 10 of 0.1 make 1, whatever floats say


@final
class QueryRecallThreshold(OneCut):
    """Accept from the highest cut at which a query keeps, on average, a share `target` of what is relevant to it.

    target
        Mean share of a query's relevant items that must be accepted.
    kind
        `average`: on average over draws of the labels too; `confident`: for the labels at hand, with `confidence`.
    look
        Which attempt at this promise it is; `None` for the only one there will ever be.
    calibrator
        Gives `probability`; `None` for `Platt()`.

    >>> scores, queries = -np.arange(100.0), np.arange(100) // 2
    >>> QueryRecallThreshold(0.9, kind="average").fit(scores, clusters=queries).threshold_
    -91.0
    >>> QueryRecallThreshold(0.9, look=None).fit(scores, clusters=queries).threshold_
    -97.0
    """

    saved_as = "query_recall"
    of_queries: ClassVar[bool] = True
    arguments = ("target", "kind", "confidence", "look")

    def __init__(
        self,
        target: float = 0.9,
        *,
        kind: Kept = "confident",
        confidence: float = 0.95,
        look: int | None = 1,
        calibrator: Decider | None = None,
    ) -> None:
        self.target, self.kind, self.confidence = target, kind, confidence
        self.look, self.calibrator = look, calibrator

    def fit(
        self,
        scores: ArrayLike,
        y: ArrayLike | None = None,
        *,
        clusters: Sequence[Any] | None = None,
        by: Sequence[Any] | None = None,
        weights: ArrayLike | None = None,
        unlabelled: ArrayLike | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Learn from scores (n,) and labels (n,); without labels all are relevant.

        scores
            A relevant item that was never retrieved has the score -inf.
        clusters
            (n,) the query of each pair; queries without a relevant item are outside the promise.

        Raises
        ------
        NotEnoughLabels
            Too few queries, or too many of their relevant items never retrieved.
        """
        ungrouped(by)
        no_grid(unlabelled)
        in_unit_interval(self.target, "target")
        delta = spent(self.confidence, self.look)
        if clusters is None:
            raise DataError("this promise is about queries: name the query of each pair, clusters=[...]")
        if weights is not None:
            raise DataError("this promise is for queries drawn alike, so weights have no use; draw queries at random")
        if self.kind not in ("average", "confident"):
            raise DataError(f"kind is 'average' or 'confident', got {self.kind!r}")
        labels = labelled(scores, y, clusters=clusters, context=context, wants="positive")
        S = labels.scores[labels.y]
        units, shares = units_and_shares(labels, labels.y)
        if self.kind == "confident":
            cut, method = betting_cut(S, units, shares, self.target, delta, unit="query")
        else:
            cut, method = average_cut(S, units, shares, self.target, unit="query")
        self.threshold_, self.scale_ = cut, labels.scale
        self.calibrator_ = fitted_probability(self.calibrator, retrieved(labels))
        made = stated(labels, cut, "recall per query", self.target, chosen=labels.y, rule=self, method=method)
        delta = made.delta if self.kind == "confident" else 1.0  # on average: nothing is promised of one draw
        self.guarantee_ = replace(made, kind=self.kind, delta=delta, unit="query", population="queries like these")
        return self


def average_cut(
    scores: PerItem, units: NDArray[np.int64], shares: PerItem, target: float, *, unit: str | None = None
) -> tuple[float, str]:
    """The highest cut that keeps a share of `target` on average over draws of the units, and how it was found.

    A refusal counts as nothing lost.

    unit
        What a refusal calls the units; None for a query, or a cluster where one has several scores.

    Raises
    ------
    NotEnoughLabels
        No cut does.
    """
    n, rising = int(units.max()) + 1, np.argsort(scores, kind="stable")
    cuts, starts = np.unique(scores[rising], return_index=True)
    losses = np.concatenate([[0.0], np.cumsum(shares[rising])])[starts]
    allowed = (1 - target) * (n + 1) * (1 + ROUNDING) - 1
    certified = np.flatnonzero((losses <= allowed) & (cuts > -np.inf))
    if not len(certified):
        minimum = ceil(1 / (1 - target) * (1 - ROUNDING)) - 1
        missed = np.isneginf(scores)
        named = unit or ("query" if n == len(units) else "cluster")
        reachable = bool(shares[missed].sum() < (1 - target) * n)
        raise not_enough(n, minimum, int(missed.sum()), reachable, unit=named)
    return float(cuts[certified[-1]]), f"conformal risk control over {n:,} units"


def units_and_shares(labels: Labelled, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], PerItem]:
    """(m,) the unit of each chosen pair as 0 .. n - 1, in the order of betting, and its share a_i of that unit."""
    codes = np.arange(len(labels)) if labels.clusters is None else labels.clusters
    kept, units, sizes = np.unique(codes[chosen], return_inverse=True, return_counts=True)
    place = np.empty(len(kept), np.int64)
    place[hashed_order(labels.names[code] for code in kept)] = np.arange(len(kept))
    shares = 1 / sizes[units]
    if labels.weights is not None:
        w = labels.weights[chosen]
        if (w != w[np.unique(units, return_index=True)[1]][units]).any():
            raise DataError("weights differ within a cluster; draw clusters, and label all that they have")
        shares *= w / labels.weights.max()
    return place[units], shares


def betting_cut(
    scores: PerItem, units: NDArray[np.int64], shares: PerItem, target: float, delta: float, *, unit: str = "cluster"
) -> tuple[float, str]:
    """The highest cut that keeps a share of `target` at 1 - delta, walked up by betting, and how it was found.

    scores, units, shares
        (m,) and as `units_and_shares` gives them.
    unit
        What a refusal calls the units.

    Raises
    ------
    NotEnoughLabels
        Betting fails at the lowest score already.
    """
    X = target + np.bincount(units, shares) * (1 - target)
    n, rising = len(X), np.argsort(scores, kind="stable")
    cuts, starts = np.unique(scores[rising], return_index=True)
    cuts, starts = cuts[cuts > -np.inf], starts[cuts > -np.inf]  # no cut reaches what was never retrieved
    block = max(1, 2**18 // n)
    lost = certified = 0
    for first in range(0, len(cuts), block):
        ends = starts[first : first + block]  # the pairs before ends[j] lie below cut first + j
        below = np.arange(lost, ends[-1])
        losses = np.zeros((len(ends), n))
        pairs = rising[below]
        np.add.at(losses, (np.searchsorted(ends, below, side="right"), units[pairs]), shares[pairs])
        kept = X - np.cumsum(losses, axis=0)
        failed = betting_p_value(kept, target) > delta
        certified += int(failed.argmax()) if failed.any() else len(ends)
        if failed.any():
            break
        X, lost = kept[-1], ends[-1]
    if not certified:
        missed, minimum = np.flatnonzero(np.isneginf(scores)), betting_minimum(target, delta)
        raise not_enough(n, minimum, missed.size, bool(X.mean() - shares[missed].sum() / n > target), unit=unit)
    return float(cuts[certified - 1]), f"betting on {n:,} units"


def betting_minimum(target: float, delta: float) -> int:
    """Units without any loss after which betting rejects "the mean is at most `target`" at delta.

    >>> [betting_minimum(target, 0.05) for target in (0.9, 0.95, 0.99)]
    [38, 78, 400]
    """
    wealth = log_wealth(np.ones(3 * zero_error_minimum(target, delta) + 20), target)
    return int((wealth >= -np.log(delta)).argmax()) + 1
