"""Accept what is surely a match, reject what surely is none, ask about the rest: two promises that hold together.

    accept   S >= t_hi     at least `precision` of the accepted are matches                        at 1 - delta / 2
    reject   S <  t_lo     at most 1 - `recall` of all true matches are rejected                   at 1 - delta / 2

Where t_lo >= t_hi the lowest cut certified for precision keeps recall too (recall only falls as a cut rises), so it
serves for both and nothing is asked.

Symbols: delta -> 1 - `confidence`, t_hi -> `accept_`, t_lo -> `reject_`.

Pitfalls: "at most x of the rejected are matches" sounds like the same promise and says nothing where matches are
rare, since then nearly all pairs are none; delta spent in full on each of the two.

Reference: Angelopoulos et al., Learn then test, 2021, https://arxiv.org/abs/2110.01052
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import Decider
from cosimo.decide.fitting.decisions import decide
from cosimo.decide.fitting.labelled import as_scores, in_unit_interval, labelled, same_scale, ungrouped
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import require_fitted
from cosimo.decide.fitting.states import Arrays
from cosimo.decide.thresholds.precision_threshold import PrecisionThreshold
from cosimo.decide.thresholds.recall_threshold import RecallThreshold
from cosimo.guarantee import Guarantee
from cosimo.types import PerItem


@final
class AcceptAskReject:
    """Accept with a stated precision, reject with a stated recall, and ask about what lies between.

    precision
        Share of the accepted that must be matches.
    recall
        At most 1 - `recall` of all true matches may be rejected.
    confidence
        Probability, over the draw of the labels, with which both must hold.
    per, at_most
        As for `PrecisionThreshold`, where labels come in clusters.
    look
        Which attempt at these promises it is; `None` for the only one there will ever be.
    calibrator
        Gives `probability`; `None` for `Platt()`.

    >>> scores = np.concatenate([np.linspace(0.4, 0.9, 200), np.linspace(-0.5, 0.5, 200)])
    >>> rule = AcceptAskReject(0.9, 0.9).fit(scores, np.arange(400) < 200)
    >>> rule.predict([0.8, -0.4])
    array([ 1, -1], dtype=int8)
    """

    accept_rule_: PrecisionThreshold
    reject_rule_: RecallThreshold

    def __init__(
        self,
        precision: float = 0.9,
        recall: float = 0.95,
        *,
        confidence: float = 0.95,
        per: Literal["cluster", "pair"] = "cluster",
        at_most: int | None = None,
        look: int | None = 1,
        calibrator: Decider | None = None,
    ) -> None:
        self.precision, self.recall, self.confidence = precision, recall, confidence
        self.per, self.at_most, self.look, self.calibrator = per, at_most, look, calibrator

    @property
    def needs(self) -> frozenset[str]:
        """Keys of `context` it cannot do without."""
        return frozenset() if self.calibrator is None else self.calibrator.needs

    @property
    def guarantee(self) -> Guarantee | None:
        """What is promised of the accepted, None before `fit`."""
        return self.guarantees[0] if self.guarantees else None

    @property
    def guarantees(self) -> tuple[Guarantee, ...]:
        """Both promises, that of the accepted and that of the rejected; none before `fit`."""
        if not hasattr(self, "reject_rule_"):
            return ()
        kept = self.reject_rule_.guarantee_
        estimand = kept.estimand.replace("recall", "rejected matches")
        rejected = replace(kept, estimand=estimand, target=round(1 - self.recall, 12))
        return self.accept_rule_.guarantee_, rejected

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

        scores
            A true match that was never retrieved has the score -inf.

        Raises
        ------
        NotEnoughLabels
            One of the promises cannot be had from these labels.
        """
        ungrouped(by)
        in_unit_interval(self.precision, "precision")
        in_unit_interval(self.recall, "recall")
        half = 1 - spent(self.confidence, None) / 2
        labels = labelled(scores, y, clusters=clusters, weights=weights, context=context, wants="positive")
        there, matching = np.isfinite(labels.scores), labels.y  # what was never retrieved is never accepted
        self.accept_rule_ = PrecisionThreshold(
            self.precision,
            confidence=half,
            per=self.per,
            at_most=self.at_most,
            look=self.look,
            calibrator=self.calibrator,
        ).fit(
            labels.scores[there],
            None if y is None else labels.y[there],
            clusters=_those(clusters, there),
            weights=_those(weights, there),
            unlabelled=unlabelled,
            context=context,
        )
        self.reject_rule_ = RecallThreshold(self.recall, confidence=half, look=self.look).fit(
            labels.scores[matching],
            clusters=_those(clusters, matching),
            weights=_those(weights, matching),
            context=context,
        )
        return self

    @property
    def accept_(self) -> float:
        """Scores from here on are accepted."""
        return self.accept_rule_.threshold_

    @property
    def reject_(self) -> float:
        """Scores below are rejected."""
        return min(self.reject_rule_.threshold_, self.accept_)

    def predict(
        self,
        scores: ArrayLike,
        *,
        context: Mapping[str, Any] | None = None,
        veto: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int8]:
        """(n,) int8: +1 accept, 0 ask, -1 reject; NaN and vetoed pairs are asked."""
        require_fitted(self)
        same_scale(self.reject_rule_.scale_, context)
        return decide(as_scores(scores), accept=self.accept_, reject=self.reject_, veto=veto)

    def probability(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> PerItem:
        """(n,) probability of a match, from the same labels."""
        require_fitted(self)
        return self.accept_rule_.probability(scores, context=context)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        require_fitted(self)
        accept, arrays = self.accept_rule_.state()
        reject, _ = self.reject_rule_.state()  # made from matches alone, it holds no calibrator
        names = ("precision", "recall", "confidence", "per", "at_most", "look")
        arguments = {name: getattr(self, name) for name in names}
        return {"kind": "accept_ask_reject", "arguments": arguments, "accept": accept, "reject": reject}, arrays

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The rule written by `state`."""
        rule = cls(**saved["arguments"])
        rule.accept_rule_ = PrecisionThreshold.from_state(saved["accept"], arrays)
        rule.reject_rule_ = RecallThreshold.from_state(saved["reject"], {})
        return rule


def _those(values: Any, chosen: NDArray[np.bool_]) -> Any:
    return None if values is None else [value for value, keep in zip(values, chosen.tolist(), strict=True) if keep]
