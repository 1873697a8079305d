"""A cut above which at most a stated share of the pairs that do not match lies.

    t = the l-th largest of the n scores of pairs that do not match,      l = ell(n, a, delta),      accept S > t

Symbols: a -> `rate`, delta -> what `look` leaves of 1 - `confidence`; ell is `cosimo.statistics.order_rank`, and
`threshold_` the next score above t.

Pitfalls: the rate is *per pair*. In a collection of 10,000 a rate of 1 % lets about 100 wrong items through for
each query; a search that should say "nothing matches" needs a rule per query (`NoMatch`). Accepting S >= t
instead of S > t; pairs of one query counted as independent; negatives that are easier than those to be decided, such
as random pairs where only near ones are ever scored.

Reference: Wilks, Determination of sample sizes for setting tolerance limits, 1941.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

from numpy.typing import ArrayLike

from cosimo.contracts import Decider
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.decisions import above
from cosimo.decide.fitting.labelled import in_unit_interval, labelled, ungrouped
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import OneCut, no_grid, order_statistic, retrieved, stated
from cosimo.decide.thresholds.query_recall import betting_cut, units_and_shares


@final
class FalseAcceptThreshold(OneCut):
    """Accept above the lowest cut that at most a share `rate` of the pairs that do not match reaches; ask below it.

    The rate is per pair: over a collection of m items, `rate * m` wrong ones a query.

    rate
        Share of the pairs that do not match which may be accepted.
    confidence
        Probability, over the draw of the labels, with which it must hold.
    look
        Which attempt at this promise it is; `None` for the only one there will ever be.
    calibrator
        Gives `probability`; `None` for `Platt()`.

    >>> rule = FalseAcceptThreshold(0.1, look=None).fit([-float(i) for i in range(100)])
    >>> rule.predict([-5.0, -4.0, -3.0])
    array([0, 0, 1], dtype=int8)
    """

    saved_as = "false_accept_threshold"
    arguments = ("rate", "confidence", "look")
    rejects = False

    def __init__(
        self,
        rate: float = 0.01,
        *,
        confidence: float = 0.95,
        look: int | None = 1,
        calibrator: Decider | None = None,
    ) -> None:
        self.rate, self.confidence, self.look, self.calibrator = rate, confidence, look, calibrator

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
        """Learn from scores (n,) and labels (n,); without labels no pair matches.

        scores
            -inf for a pair that can never be accepted.
        clusters
            The promise is then for a new cluster, and the share of its pairs that do not match, not for pairs.

        Raises
        ------
        NotEnoughLabels
            Too few pairs that do not match.
        """
        ungrouped(by)
        no_grid(unlabelled)
        in_unit_interval(self.rate, "rate")
        delta = spent(self.confidence, self.look)
        labels = labelled(scores, y, clusters=clusters, weights=weights, context=context, wants="negative")
        downwards = -labels.scores[~labels.y]  # a false accept is a loss at the other end
        if labels.clusters is None and labels.weights is None:
            cut, method = order_statistic(downwards, 1 - self.rate, delta, unit="non-match")
        else:
            unit = "non-match" if labels.clusters is None else "cluster"
            units, shares = units_and_shares(labels, ~labels.y)
            cut, method = betting_cut(downwards, units, shares, 1 - self.rate, delta, unit=unit)
        self.threshold_, self.scale_ = above(-cut, labels.scores.dtype), labels.scale
        self.calibrator_ = fitted_probability(self.calibrator, retrieved(labels))
        self.guarantee_ = stated(
            labels, self.threshold_, "false accepts", self.rate, chosen=~labels.y, rule=self, method=method
        )
        return self
