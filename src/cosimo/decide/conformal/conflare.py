r"""Serve everything from a score on, so that a relevant item is among it for a stated share of the queries.

    A_i = the best score of what is relevant to query i,      t = A_(l), the l-th smallest of n,      serve all S >= t
    `average`:    l = floor(alpha (n + 1))
    `confident`:  l = max{l : Pr(Bin(n, alpha) <= l - 1) <= delta}

On average over calibrations a query is then served something relevant with probability at least 1 - alpha. The
coverage of *one* calibration follows Beta(n + 1 - l, l): for small n it is often below 1 - alpha, which only
`confident` rules out. Both hold for new queries like the calibrating ones *that have a relevant item*, on average over
such queries. Where queries come in clusters each cluster counts once, as in `cosimo.decide.thresholds.query_recall`.

The same rule on places in the ranking instead of scores gives a fixed number of hits with the same promise. Where the
level of scores differs from query to query it serves far fewer (a third on Cranfield, a fifteenth on Banking77, for
alpha = .1), so it is always reported beside: `top_k_`.

Symbols: A -> `scores`, alpha -> `alpha`, delta -> what `look` leaves of 1 - `confidence`, t -> `threshold_`.

Pitfalls: the official code takes `np.percentile`, which interpolates (coverage .86 for .90 after 20 queries),
serves strictly closer items only, and drops the questions whose answer was not found (their A_i is -inf); questions
generated from the passages are easier than those of users; a cut to k hits in serving but not in calibration.

Reference: CONFLARE: CONFormal LArge language model REtrieval, 2024, https://arxiv.org/abs/2404.04287
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.decide.fitting.labelled import Labelled, as_scores, in_unit_interval, labelled, ungrouped
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import OneCut, no_grid, order_statistic, require_fitted, stated
from cosimo.decide.fitting.states import Arrays
from cosimo.decide.thresholds.query_recall import ROUNDING, Kept, average_cut, betting_cut, units_and_shares
from cosimo.errors import DataError, NotEnoughLabels, ShapeError
from cosimo.guarantee import Guarantee
from cosimo.statistics import clopper_pearson, order_rank
from cosimo.types import Estimate, Interval, PerItem, Scores

SCOPE = "queries like these, one calibration, this collection"


def coverage_low(n: int, below: int, *, level: float = 0.05) -> float:
    """The coverage that a share `level` of all calibrations stays below, with `below` of n scores under the cut.

    >>> coverage_low(19, 0), coverage_low(99, 9)
    (0.854, 0.847)
    """
    from scipy.special import betaincinv

    return float(betaincinv(n - below, below + 1, level))


@dataclass(frozen=True, eq=False)
class CoverageReport:
    """What a rule does for test queries that have a relevant item, beside a fixed number of hits.

    coverage, size
        Share of queries that are served a relevant item, and mean number of hits served.
    empty
        Share of queries that are served nothing.
    expected_low
        Coverage that one calibration in twenty of this size stays below; None where queries come in clusters.
    top_k, top_k_coverage
        The fixed number of hits with the same promise and what it covers; None where no places were given to `fit`.
    """

    coverage: Estimate
    size: Estimate
    empty: float
    expected_low: float | None
    top_k: int | None
    top_k_coverage: Estimate | None

    def __str__(self) -> str:
        lines = [f"{_said(self.coverage)} of the queries get a relevant item among {_said(self.size)} hits"]
        lines.append(f"{self.empty:.3f} of them get nothing")
        if self.expected_low is not None:
            lines.append(f"one calibration in twenty of this size covers less than {self.expected_low:.3f}")
        if self.top_k_coverage is not None:
            lines.append(f"the same promise by a fixed number: {self.top_k} hits, {_said(self.top_k_coverage)} covered")
        return "\n".join(lines)


@final
class ConformalRetriever(OneCut):
    """Serve every hit from a score on, so that 1 - `alpha` of the queries that have a relevant item get one.

    alpha
        Share of such queries that may get none.
    kind
        `average`: on average over calibrations; `confident`: for this calibration, with `confidence`.
    look
        Which attempt at this promise it is; `None` for the only one there will ever be. `average` has no use for it.
    k
        Hits served a query at most: what is relevant beyond that place counts as never retrieved. `None` for all.

    >>> rule = ConformalRetriever(0.1).fit(-np.arange(99.0))  # best relevant scores of 99 queries
    >>> rule.threshold_, round(rule.coverage_low_, 3)
    (-89.0, 0.847)
    >>> rule.predict([-88.0, -89.5])
    array([ 1, -1], dtype=int8)
    """

    saved_as = "conflare"
    arguments = ("alpha", "kind", "confidence", "look", "k")

    coverage_low_: float | None
    top_k_: int | None

    def __init__(
        self,
        alpha: float = 0.05,
        *,
        kind: Kept = "average",
        confidence: float = 0.95,
        look: int | None = 1,
        k: int | None = None,
    ) -> None:
        self.alpha, self.kind, self.confidence, self.look, self.k = alpha, kind, confidence, look, k

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
        """Learn from the best relevant score of each of n queries.

        scores
            (n,), -inf where nothing relevant was ever retrieved: such a query must not be left out.
        y
            (n,) whether the query has anything relevant; those that have not are outside the promise.
        clusters
            Queries that depend on each other, such as those of one user, share one.
        context
            `rank`: (n,) place of that item among the hits, 1 for the first, for `k` and `top_k_`.

        Raises
        ------
        NotEnoughLabels
            Too few queries, or too many for which nothing relevant was retrieved.
        """
        ungrouped(by)
        no_grid(unlabelled)
        in_unit_interval(self.alpha, "alpha")
        delta = spent(self.confidence, self.look)
        if weights is not None:
            raise DataError("this promise is for queries drawn alike, so weights have no use; draw queries at random")
        if self.kind not in ("average", "confident"):
            raise DataError(f"kind is 'average' or 'confident', got {self.kind!r}")
        best, places = as_scores(scores), None if context is None else context.get("rank")
        if self.k is not None:
            best = np.where(_places(places, len(best)) <= self.k, best, best.dtype.type(-np.inf))
        labels = labelled(best, y, clusters=clusters, context=context, wants="positive")
        self.threshold_, method = self._cut(labels, labels.scores[labels.y], delta)
        self.scale_, self.calibrator_ = labels.scale, None
        self.coverage_low_, self.top_k_ = self._expected_low(labels, delta), None
        if places is not None:
            self.top_k_ = self._top_k(labels, -_places(places, len(best))[labels.y], delta)
        if self.coverage_low_ is not None:
            method += f"; one calibration in twenty covers less than {self.coverage_low_:.3f}"
        self.guarantee_ = self._promise(labels, method)
        return self

    def coverage_report(self, S: Scores, best: ArrayLike, *, level: float = 0.95) -> CoverageReport:
        """What this rule does for n further queries that have a relevant item.

        S
            (n, m) scores of their candidates.
        best
            (n,) the best relevant score of each, -inf where nothing relevant was retrieved.
        """
        require_fitted(self)
        found = as_scores(best, name="best")
        if S.ndim != 2 or len(S) != len(found) or not len(S):
            raise ShapeError(f"best must have one score for each row of S (n, m), got {found.shape} for {S.shape}")
        if np.isnan(found).any():
            raise DataError("best holds NaN; give -inf where nothing relevant was retrieved")
        place = np.where(np.isfinite(found), 1 + (found[:, None] < S).sum(axis=1), np.inf)
        most = np.inf if self.k is None else self.k
        sizes = np.minimum((self.threshold_ <= S).sum(axis=1), most)
        covered = (found >= self.threshold_) & (place <= most)
        return CoverageReport(
            _share(covered, level),
            _mean(sizes, level),
            float((sizes == 0).mean()),
            self.coverage_low_,
            self.top_k_,
            None if self.top_k_ is None else _share(place <= self.top_k_, level),
        )

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        saved, arrays = super().state()
        return saved | {"coverage_low": self.coverage_low_, "top_k": self.top_k_}, arrays

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The rule written by `state`."""
        rule = super().from_state(saved, arrays)
        rule.coverage_low_, rule.top_k_ = saved["coverage_low"], saved["top_k"]
        return rule

    def _cut(self, labels: Labelled, scores: PerItem, delta: float) -> tuple[float, str]:
        if self.kind == "confident" and labels.clusters is None:
            return order_statistic(scores, 1 - self.alpha, delta)
        units, shares = units_and_shares(labels, labels.y)
        if self.kind == "confident":
            return betting_cut(scores, units, shares, 1 - self.alpha, delta)
        return average_cut(scores, units, shares, 1 - self.alpha)

    def _promise(self, labels: Labelled, method: str) -> Guarantee:
        made = stated(labels, self.threshold_, "coverage", 1 - self.alpha, chosen=labels.y, rule=self, method=method)
        clustered = made.unit == "cluster"
        return replace(
            made,
            kind=self.kind,
            delta=made.delta if self.kind == "confident" else 1.0,  # nothing is promised of one draw
            unit="cluster" if clustered else "query",
            n_accepted=int((labels.scores[labels.y] >= self.threshold_).sum()),
            errors=0,
            population="queries like these",
            binds={} if self.k is None else {"k": str(self.k)},
        )

    def _top_k(self, labels: Labelled, places: PerItem, delta: float) -> int | None:
        """The same rule on places; None where too many queries have none."""
        try:
            return -int(self._cut(labels, places, delta)[0])
        except NotEnoughLabels:
            return None

    def _expected_low(self, labels: Labelled, delta: float) -> float | None:
        if labels.clusters is not None:
            return None
        n = int(labels.y.sum())
        confident = self.kind == "confident"
        rank = order_rank(n, self.alpha, delta) if confident else math.floor(self.alpha * (n + 1) * (1 + ROUNDING))
        return coverage_low(n, rank - 1)


def _places(places: ArrayLike | None, n: int) -> PerItem:
    if places is None:
        raise DataError("k needs the place of each best relevant item among the hits: context={'rank': [...]}")
    place = np.asarray(places, dtype=np.float64)
    if place.shape != (n,):
        raise ShapeError(f"rank must have shape ({n},) like the scores, got {place.shape}")
    if not (place >= 1).all():
        raise DataError("rank is 1 for the first hit, and infinity where nothing relevant was retrieved")
    return place


def _share(hits: NDArray[np.bool_], level: float) -> Estimate:
    low, high = clopper_pearson(int(hits.sum()), len(hits), level=level)
    interval = Interval(low, high, level, "Clopper-Pearson", "query", len(hits), "confident", SCOPE)
    return Estimate(float(hits.mean()), interval, hits.astype(np.float64))


def _mean(sizes: PerItem, level: float) -> Estimate:
    from scipy.special import stdtrit

    n, mean = len(sizes), float(sizes.mean())
    if n < 2:
        return Estimate(mean, None, sizes)
    reach = float(stdtrit(n - 1, (1 + level) / 2) * sizes.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, Interval(mean - reach, mean + reach, level, "t", "query", n, "estimate", SCOPE), sizes)


def _said(estimate: Estimate) -> str:
    interval = estimate.interval
    within = "" if interval is None else f" [{interval.low:.3f}, {interval.high:.3f}]"
    return f"{estimate.value:.3f}{within}"
