r"""A cut below which at most a stated share of the true matches lies.

    t = S_(l) of the n scores of true matches in rising order,      l = ell(n, 1 - r, delta)

Recall falls as the cut rises, so one order statistic settles it for every distribution, ties included. Where labels
depend on each other (`clusters`), or were drawn with unequal probabilities (`weights`; the largest given counts as
the largest there is), the cut is walked up by betting instead, as in `cosimo.decide.thresholds.query_recall`.

Symbols: r -> `target`, delta -> what `look` leaves of 1 - `confidence`, t -> `threshold_`; ell is
`cosimo.statistics.order_rank`.

Pitfalls: an interpolated quantile of the matches' scores (below target in half of all draws); matches that were
never retrieved left out (their score is -inf); recall "of all matches" when only judged ones were counted; matches of
one query counted as independent.

Reference: Wilks, Determination of sample sizes for setting tolerance limits, 1941.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

from numpy.typing import ArrayLike

from cosimo.contracts import Decider
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.labelled import in_unit_interval, labelled, ungrouped
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import OneCut, no_grid, order_statistic, retrieved, stated
from cosimo.decide.thresholds.query_recall import betting_cut, units_and_shares


@final
class RecallThreshold(OneCut):
    """Accept from the highest cut at which the recall is at least `target`; below it, reject.

    target
        Share of the true matches that must be accepted.
    confidence
        Probability, over the draw of the labels, with which it must hold.
    look
        Which attempt at this promise it is; `None` for the only one there will ever be.
    calibrator
        Gives `probability`; `None` for `Platt()`.

    >>> import numpy as np
    >>> rule = RecallThreshold(0.9, look=None).fit(-np.arange(100.0))  # 100 true matches
    >>> rule.threshold_  # 4 of them lie below
    -95.0
    >>> rule.predict([-95.0, -96.0])
    array([ 1, -1], dtype=int8)
    """

    saved_as = "recall_threshold"
    arguments = ("target", "confidence", "look")

    def __init__(
        self,
        target: float = 0.95,
        *,
        confidence: float = 0.95,
        look: int | None = 1,
        calibrator: Decider | None = None,
    ) -> None:
        self.target, self.confidence, self.look, self.calibrator = target, confidence, look, calibrator

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
        """Learn from scores (n,) and labels (n,); without labels all are true matches.

        scores
            A true match that was never retrieved has the score -inf.
        clusters
            The promise is then for a new cluster, and the share of its matches, not for pairs.

        Raises
        ------
        NotEnoughLabels
            Too few true matches, or too many of them never retrieved.
        """
        ungrouped(by)
        no_grid(unlabelled)
        in_unit_interval(self.target, "target")
        delta = spent(self.confidence, self.look)
        labels = labelled(scores, y, clusters=clusters, weights=weights, context=context, wants="positive")
        S = labels.scores[labels.y]
        if labels.clusters is None and labels.weights is None:
            cut, method = order_statistic(S, self.target, delta, unit="true match")
        else:
            unit = "true match" if labels.clusters is None else "cluster"
            cut, method = betting_cut(S, *units_and_shares(labels, labels.y), self.target, delta, unit=unit)
        self.threshold_, self.scale_ = cut, labels.scale
        self.calibrator_ = fitted_probability(self.calibrator, retrieved(labels))
        self.guarantee_ = stated(labels, cut, "recall", self.target, chosen=labels.y, rule=self, method=method)
        return self
