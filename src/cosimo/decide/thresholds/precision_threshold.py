r"""A cut above which at least a stated share of the pairs are matches.

    t = the lowest of the cuts certified by walks down a grid: at each cut "the precision is at most p" is rejected

Which cuts are looked at and in which order is in the module `cuts`, how each is tested in the module `evidence`.
Precision need not rise with the cut, so it takes tests cut by cut. All certified cuts hold together, so that taking the
lowest costs nothing. For independent pairs a grid made of `unlabelled` scores makes the promise exact whatever the
curve of precision; made of the labelled scores it is exact where that curve crosses p once.

Symbols: p -> `target`, t -> `threshold_`, delta -> what `look` leaves of 1 - `confidence`.

Pitfalls: the lowest cut whose precision *on the labels* reaches p (false in half of all draws); hits of one
query counted as independent; hits *just above* the cut are worse than p (`local_precision_`); of a system just below p
every certificate is false, although at most delta of all attempts get one: delta counts attempts, not certificates.

Reference: Angelopoulos et al., Learn then test: calibrating predictive algorithms to achieve risk control, 2021,
https://arxiv.org/abs/2110.01052
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import Decider
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.cuts import Counts, errors_to_allow
from cosimo.decide.fitting.evidence import Evidence, Per, gather
from cosimo.decide.fitting.labelled import in_unit_interval, labelled, ungrouped
from cosimo.decide.fitting.local_precision import local_precision
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import OneCut
from cosimo.decide.fitting.refusal import POSITIVES, not_enough, too_few_matches
from cosimo.decide.fitting.states import Arrays
from cosimo.guarantee import Guarantee
from cosimo.types import Estimate, Interval, PerItem


@dataclass(frozen=True, eq=False)
class CertifiedCuts:
    """The cuts (m,), falling, that all hold together; any of them may be chosen.

    accepted, wrong
        (m,) labelled pairs that reach each, and how many of them are no match.
    """

    cut: PerItem
    accepted: Counts
    wrong: Counts

    def __len__(self) -> int:
        return len(self.cut)


@final
class PrecisionThreshold(OneCut):
    """Accept from the lowest cut above which at least `target` of the pairs are matches; ask below it.

    target
        Share of the accepted that must be matches.
    confidence
        Probability, over the draw of the labels, with which it must hold.
    per
        Where labels come in clusters, what the share is of: `cluster` for a random accepted pair of a random cluster
        that has one, `pair` for all accepted pairs. Two different numbers; without clusters it is of pairs.
    at_most
        The most pairs of one cluster that can ever be accepted, such as the k of a search; for `per="pair"`. A cap far
        above what is usual costs power.
    look
        Which attempt at this promise it is; `None` for the only one there will ever be.
    calibrator
        Gives `probability`; `None` for `Platt()`.

    >>> scores = np.concatenate([np.linspace(0.2, 0.9, 150), np.linspace(-0.5, 0.3, 150)])
    >>> rule = PrecisionThreshold(0.9).fit(scores, np.arange(300) < 150)
    >>> rule.predict([0.8, -0.4, np.nan])
    array([1, 0, 0], dtype=int8)
    >>> rule.guarantee.n_accepted, rule.guarantee.errors
    (139, 5)
    """

    saved_as = "precision_threshold"
    arguments = ("target", "confidence", "per", "at_most", "look")
    rejects = False

    cuts_: CertifiedCuts
    local_precision_: Estimate

    def __init__(
        self,
        target: float = 0.9,
        *,
        confidence: float = 0.95,
        per: Per = "cluster",
        at_most: int | None = None,
        look: int | None = 1,
        calibrator: Decider | None = None,
    ) -> None:
        self.target, self.confidence, self.per, self.at_most = target, confidence, per, at_most
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
        """Learn from scores (n,) and labels (n,).

        clusters
            Independent of each other, arbitrary inside; see `per`.
        weights
            The largest counts as the largest there is.
        unlabelled
            (m,) scores that fix the grid of cuts.

        Raises
        ------
        NotEnoughLabels
            No cut can be certified, or fewer than 10 labels are matches.
        Refused
            Labels of one class, equal scores, or weights that differ inside a cluster with `per="cluster"`.
        DataError
            Labels, scores or arguments that cannot be used.
        """
        ungrouped(by)
        in_unit_interval(self.target, "target")
        delta = spent(self.confidence, self.look)
        labels = labelled(scores, y, clusters=clusters, weights=weights, unlabelled=unlabelled, context=context)
        evidence = gather(labels, per=self.per, at_most=self.at_most)
        if (matches := int(labels.y.sum())) < POSITIVES:
            raise too_few_matches(matches, len(labels), evidence.size(0, self.target, evidence.share(delta)))
        certified = np.flatnonzero(evidence.certified(self.target, delta))
        if not len(certified):
            again = partial(gather, per=self.per, at_most=self.at_most)
            raise not_enough(evidence, self.target, confidence=self.confidence, look=self.look, again=again)
        self.cuts_ = CertifiedCuts(evidence.cuts[certified], evidence.accepted[certified], evidence.wrong[certified])
        self.threshold_, self.scale_ = float(self.cuts_.cut[-1]), labels.scale
        self.local_precision_ = local_precision(labels, self.threshold_)
        self.calibrator_ = fitted_probability(self.calibrator, labels)
        self.guarantee_ = self._promise(evidence, int(certified[-1]))
        return self

    def _promise(self, evidence: Evidence, j: int) -> Guarantee:
        walks = len(errors_to_allow(evidence.n))
        method = "exact binomial"
        if evidence.labels.weights is not None:
            method = "betting on weighted pairs"
        if evidence.unit == "cluster":
            method = f"betting on the {len(evidence.units(j, self.target)):,} clusters with an accepted pair"
        return Guarantee(
            "precision per cluster" if evidence.unit == "cluster" and self.per == "cluster" else "precision",
            self.target,
            spent(self.confidence, None),  # over all looks
            "confident",
            evidence.unit,
            evidence.n,
            int(evidence.accepted[j]),
            int(evidence.wrong[j]),
            f"{method}, fixed sequence of cuts from {walks} start{'s' if walks > 1 else ''}",
            look=self.look or 1,
        )

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        saved, arrays = super().state()
        cuts = {f"certified_{name}": array for name, array in vars(self.cuts_).items()}
        return {**saved, "local_precision": asdict(self.local_precision_)}, {**arrays, **cuts}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The rule written by `state`."""
        rule = super().from_state(saved, arrays)
        rule.cuts_ = CertifiedCuts(*(arrays[f"certified_{name}"] for name in ("cut", "accepted", "wrong")))
        local = saved["local_precision"]
        rule.local_precision_ = Estimate(local["value"], Interval(**local["interval"]))
        return rule
