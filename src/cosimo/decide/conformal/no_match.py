r"""No match: whether a query has any match at all, from the best score it gets, against queries known to have none.

$$ p(q) = \frac{1 + \#\{i : B_i \ge M(q)\}}{n + 1} \qquad \text{found} \iff p(q) \le \alpha $$

That is `average`; `confident` finds q when M(q) lies above the l-th largest B_i, l = `order_rank(n, alpha, delta)`.

Symbols: M -> `scores` (n,) best score of each query against the whole collection, as served; B -> the same of queries
that are known to match nothing, on the same collection; alpha -> `rate`; delta -> what `look` leaves of
1 - `confidence`.

What is promised: of the queries that match nothing and are like the known ones, at most alpha are told "found". Nothing
is promised of what is not found, so that it is asked, never rejected; nor that what is found is the right item.

- `average`: on average over draws of the known queries. With 300 of them and alpha 5 %, this draw's own rate is above
  5 % in 46 % of draws, and at most 7.2 % in 95 % of them.
- `confident`: for this draw, with probability 1 - delta over draws.
- `estimate`: the average rule on scores that merely stand in for those of queries without a match
  (`query_log_background`, `topic_out_background`). It promises nothing.

Queries that depend on each other (one user's, one topic's) share a cluster: each counts 1 / the cluster's size, n is
the number of clusters, and the promise is for a query of a new one.

Pitfalls: scores of pairs of items as background of a best score (it is the largest of many, so nearly everything
is found); each document's best other document; known queries unlike the users' hopeless ones (general questions in
place of near misses); a collection that grows while the B_i stay (`raised` mends that).

Reference: Testing for outliers with conformal p-values (2023), https://arxiv.org/abs/2104.08279
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import Decider
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.decisions import above
from cosimo.decide.fitting.labelled import as_scores, in_unit_interval, labelled, same_scale, ungrouped
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import OneCut, order_statistic, require_fitted, stated
from cosimo.decide.fitting.states import Arrays
from cosimo.decide.thresholds.query_recall import ROUNDING, average_cut, betting_cut, units_and_shares
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.guarantee import Kind, Unit
from cosimo.statistics import benjamini_hochberg, benjamini_yekutieli, clopper_pearson
from cosimo.types import Estimate, Interval, PerItem

POPULATION = "queries that match nothing and are like the known ones"


def null_p_values(M: PerItem, B: PerItem, shares: PerItem) -> NDArray[np.float64]:
    """(m,) p-values of "this query is like those of B"; 1 where M is NaN.

    shares
        (n,) what each of B (n,) counts: 1, or 1 / the size of its cluster.

    >>> null_p_values(np.array([0.5, 0.0, -1.0]), np.array([-0.5, 0.0, 0.2]), np.ones(3))
    array([0.25, 0.75, 1.  ])
    """
    rising = np.argsort(B, kind="stable")
    from_here = np.append(np.cumsum(shares[rising][::-1])[::-1], 0.0)
    counted = from_here[np.searchsorted(B[rising], M, side="left")]
    return np.where(np.isnan(M), 1.0, (1 + counted) / (1 + round(float(shares.sum()))))


def rate_high(n: int, rate: float) -> float:
    """What one draw in twenty of n known queries lets its own rate of false "found" exceed, for `average`.

    >>> round(rate_high(300, 0.05), 3)
    0.072
    """
    from scipy.special import betaincinv

    rank = math.floor(rate * (n + 1) * (1 + ROUNDING))
    return float(betaincinv(rank, n + 1 - rank, 0.95))


@final
class NoMatch(OneCut):
    """Whether a query has any match: +1 found, 0 not found.

    rate
        Share of the queries without a match that may be told that there is one.
    kind
        `confident`, `average` or `estimate`.
    confidence
        Probability, over draws of the known queries, with which a `confident` promise holds.
    look
        Which attempt at this promise it is; `None` for the only one there will ever be. `average` has no use for it.
    calibrator
        Gives `probability`, where queries that do match are known, too; `None` for `Platt()`.

    >>> known = np.linspace(-0.5, 0.5, 100)  # best scores of queries that match nothing
    >>> rule = NoMatch(0.05, kind="average").fit(known)
    >>> rule.predict(np.array([0.9, 0.2, -0.3]))
    array([1, 0, 0], dtype=int8)
    >>> rule.p_values(np.array([0.9, 0.2, -0.3])).round(2)
    array([0.01, 0.31, 0.8 ])
    """

    saved_as = "no_match"
    arguments = ("rate", "kind", "confidence", "look")
    rejects = False

    null_scores_: PerItem
    null_units_: NDArray[np.int64]
    matching_scores_: PerItem | None

    def __init__(
        self,
        rate: float = 0.05,
        *,
        kind: Kind = "confident",
        confidence: float = 0.95,
        look: int | None = 1,
        calibrator: Decider | None = None,
    ) -> None:
        self.rate, self.kind, self.confidence, self.look, self.calibrator = rate, kind, confidence, look, calibrator

    @property
    def miss_rate(self) -> Estimate | None:
        """Share of the matching queries given to `fit` that are not found, without interval where there are clusters.

        None where it is unknown.
        """
        require_fitted(self)
        if self.matching_scores_ is None:
            return None
        n, missed = len(self.matching_scores_), int((self.matching_scores_ < self.threshold_).sum())
        low, high = clopper_pearson(missed, n)
        scope = "queries that match, like those given"
        interval = Interval(low, high, 0.95, "Clopper-Pearson", "query", n, "estimate", scope)
        return Estimate(missed / n, None if self._clustered else interval)

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
        """Learn from the best scores (n,) of queries known to match nothing.

        y
            (n,) 0 for those; 1 for queries that do match, which serve `miss_rate` and `probability` alone.

        Raises
        ------
        NotEnoughLabels
            Too few known queries for the rate and the confidence.
        Refused
            The known queries were drawn with unequal probabilities.
        """
        ungrouped(by)
        in_unit_interval(self.rate, "rate")
        if self.kind not in ("confident", "average", "estimate"):
            raise DataError(f"kind is 'confident', 'average' or 'estimate', got {self.kind!r}")
        if unlabelled is not None:
            raise DataError("NoMatch learns nothing from unlabelled scores; query_log_background estimates from them")
        labels = labelled(scores, y, clusters=clusters, weights=weights, context=context, wants="negative")
        if labels.weights is not None:
            raise Refused("NoMatch counts each known query once; draw them with equal probabilities, without weights")
        null = ~labels.y
        self.null_scores_, self.null_units_ = labels.scores[null], units_and_shares(labels, null)[0]
        self.matching_scores_ = labels.scores[labels.y] if labels.y.any() else None
        self.calibrator_, self.scale_ = fitted_probability(self.calibrator, labels), labels.scale
        self.threshold_, method = self._cut()
        made = stated(labels, self.threshold_, "false found", self.rate, chosen=null, rule=self, method=method)
        unit: Unit = "query" if labels.clusters is None else "cluster"
        self.guarantee_ = replace(made, kind=self.kind, population=POPULATION, unit=unit)
        return self

    def probability(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> PerItem:
        """(n,) probability of a match, where as many queries have one as in `fit`; `Refused` where it is unknown."""
        require_fitted(self)
        if self.calibrator_ is None:
            raise Refused(
                "the probability of a match is unknown; fit on queries that match and queries that do not, with their "
                "best scores in the collection as it is"
            )
        return super().probability(scores, context=context)

    def p_values(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> NDArray[np.float64]:
        """(n,) float64 p-values of "this query has no match"; 1 for NaN.

        Valid on average over draws of the known queries, whatever the kind.
        """
        require_fitted(self)
        same_scale(self.scale_, context)
        return null_p_values(as_scores(scores), self.null_scores_, self._shares)

    def found(
        self, scores: ArrayLike, *, related: bool = False, context: Mapping[str, Any] | None = None
    ) -> NDArray[np.bool_]:
        """(m,) bool, which queries of a batch have a match: the expected share without one among them is `rate`.

        Benjamini and Hochberg's procedure on `p_values`, for distinct and independent queries; an average over draws
        of the known queries, whatever the kind. No p-value is below 1 / (n + 1), so that finding any takes known
        queries of the order of m / (rate * queries found).

        related
            The queries repeat or depend on each other: Benjamini and Yekutieli's, as where known queries are clustered.

        >>> rule = NoMatch(0.1, kind="average").fit(np.linspace(-0.5, 0.5, 200))
        >>> rule.found(np.array([0.9, 0.8, 0.1, -0.3]))
        array([ True,  True, False, False])
        """
        p = self.p_values(scores, context=context)
        adjust = benjamini_yekutieli if related or self._clustered else benjamini_hochberg
        found: NDArray[np.bool_] = adjust(p) <= self.rate * (1 + ROUNDING) if len(p) else np.zeros(0, np.bool_)
        return found

    def raised(self, scores: ArrayLike) -> "NoMatch":
        """The rule for a collection that has grown.

        The promise holds for each collection as it stands, not for all at once, if what is added was not chosen by the
        known queries. An item that answers one of them makes the rule stricter, and so does deleting items, which
        needs no change. The miss rate and probabilities are unknown afterwards.

        scores
            (n_null,) best score of each known query, in the order of `null_scores_`, among the items added.

        >>> rule = NoMatch(0.1, kind="average").fit(np.array([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
        >>> rule.predict([0.65]), rule.raised(np.full(10, 0.7)).predict([0.65])
        (array([1], dtype=int8), array([0], dtype=int8))
        """
        require_fitted(self)
        new = as_scores(scores)
        if new.shape != self.null_scores_.shape:
            raise ShapeError(f"wanted a score for each of the {len(self.null_scores_)} known queries, got {len(new)}")
        if np.isnan(new).any():
            raise DataError("some of the new scores are NaN; mend the encoder that made them")
        grown = copy.copy(self)
        grown.null_scores_ = np.maximum(self.null_scores_, new.astype(self.null_scores_.dtype))
        grown.matching_scores_ = grown.calibrator_ = None
        grown.threshold_, method = grown._cut()
        found = int((grown.null_scores_ >= grown.threshold_).sum())
        grown.guarantee_ = replace(self.guarantee_, n_accepted=found, errors=found, method=method)
        return grown

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        saved, arrays = super().state()
        own = {name: getattr(self, f"{name}_") for name in ("null_scores", "null_units", "matching_scores")}
        return saved, arrays | {name: array for name, array in own.items() if array is not None}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The rule written by `state`."""
        rule = super().from_state(saved, arrays)
        rule.null_scores_, rule.null_units_ = arrays["null_scores"], arrays["null_units"]
        rule.matching_scores_ = arrays.get("matching_scores")
        return rule

    @property
    def _shares(self) -> PerItem:
        shares: PerItem = 1 / np.bincount(self.null_units_)[self.null_units_]
        return shares

    @property
    def _clustered(self) -> bool:
        return self.guarantee_.unit == "cluster"

    def _cut(self) -> tuple[float, str]:
        """The cut and how it was found: the known queries' scores lose, at the upper end."""
        downwards, kept = -self.null_scores_, 1 - self.rate
        independent = self.null_units_.max() + 1 == len(downwards)
        if self.kind != "confident":
            cut, method = average_cut(downwards, self.null_units_, self._shares, kept)
            if independent and self.kind == "average":
                method += f"; in one draw in twenty more than {rate_high(len(downwards), self.rate):.3f} are found"
        elif independent:
            cut, method = order_statistic(downwards, kept, spent(self.confidence, self.look))
        else:
            delta = spent(self.confidence, self.look)
            cut, method = betting_cut(downwards, self.null_units_, self._shares, kept, delta)
        return above(-cut, self.null_scores_.dtype), method
