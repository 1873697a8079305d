"""What all rules with one cut share: how they decide, how they are stored, and how their promise is stated."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import Decider
from cosimo.decide.fitting.decisions import decide
from cosimo.decide.fitting.labelled import Labelled, as_scores, same_scale
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.states import Arrays, load_decider, save_decider
from cosimo.errors import DataError, NotEnoughLabels, Refused
from cosimo.guarantee import PHRASES, Guarantee
from cosimo.statistics import order_rank, zero_error_minimum
from cosimo.types import PerItem


class OneCut(ABC):
    """A rule with one cut: what all of them do once the cut is known. `fit` sets what ends in `_`.

    threshold_
        Scores from here on are accepted; those below are rejected where `rejects`, asked otherwise.
    """

    saved_as: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]
    rejects: ClassVar[bool] = True

    calibrator: Decider | None = None
    threshold_: float
    scale_: str | None
    calibrator_: Decider | None
    guarantee_: Guarantee

    @abstractmethod
    def __init__(self) -> None: ...

    @property
    def needs(self) -> frozenset[str]:
        """Keys of `context` it cannot do without."""
        return frozenset() if self.calibrator is None else self.calibrator.needs

    @property
    def guarantee(self) -> Guarantee | None:
        """What is promised, None before `fit`."""
        return getattr(self, "guarantee_", None)

    def predict(
        self,
        scores: ArrayLike,
        *,
        context: Mapping[str, Any] | None = None,
        veto: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int8]:
        """(n,) int8: +1 accept, 0 ask, -1 reject; NaN and vetoed pairs are asked."""
        require_fitted(self)
        same_scale(self.scale_, context)
        reject = self.threshold_ if self.rejects else -np.inf
        return decide(as_scores(scores), accept=self.threshold_, reject=reject, veto=veto)

    def probability(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> PerItem:
        """(n,) probability of a match, from the same labels; `Refused` where they were all of one class."""
        require_fitted(self)
        same_scale(self.scale_, context)
        if self.calibrator_ is None:
            raise Refused(
                "this rule knows no probability, since its labels were of one class only; fit one on pairs that match "
                "and pairs that do not"
            )
        return self.calibrator_.probability(as_scores(scores), context=context)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        require_fitted(self)
        calibrator, arrays = (None, {}) if self.calibrator_ is None else save_decider(self.calibrator_)
        saved = {
            "kind": self.saved_as,
            "arguments": {name: getattr(self, name) for name in self.arguments},
            "threshold": self.threshold_.hex(),
            "scale": self.scale_,
            "guarantee": self.guarantee_.to_json(),
            "calibrator": calibrator,
        }
        return saved, arrays

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The rule written by `state`."""
        rule = cls(**saved["arguments"])
        rule.threshold_ = float.fromhex(saved["threshold"])
        rule.scale_ = saved["scale"]
        rule.guarantee_ = Guarantee.from_json(saved["guarantee"])
        rule.calibrator_ = None if saved["calibrator"] is None else load_decider(saved["calibrator"], arrays)
        return rule


def retrieved(labels: Labelled) -> Labelled:
    """The labels of those pairs that have a score."""
    there = np.isfinite(labels.scores)
    return replace(
        labels,
        scores=labels.scores[there],
        y=labels.y[there],
        clusters=None if labels.clusters is None else labels.clusters[there],
        weights=None if labels.weights is None else labels.weights[there],
    )


def require_fitted(rule: Any) -> None:
    """Refuse the use of a rule before `fit`, in scikit-learn's words."""
    if rule.guarantee is None:
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(f"this {type(rule).__name__} is not fitted yet; call fit with labelled scores first")


def no_grid(unlabelled: ArrayLike | None) -> None:
    """Refuse `unlabelled` where labels alone fix the cut."""
    if unlabelled is not None:
        raise DataError("this rule's cut is one of the labelled scores; it has no use for unlabelled ones")


def order_statistic(scores: PerItem, target: float, delta: float, *, unit: str = "query") -> tuple[float, str]:
    """The highest cut that keeps a share of `target` at 1 - delta, from independent scores (n,), and how it was found.

    unit
        What each score is of, for a refusal to name.

    Raises
    ------
    NotEnoughLabels
        There is none, or it is -inf.
    """
    n, rank, missed = len(scores), order_rank(len(scores), 1 - target, delta), int(np.isneginf(scores).sum())
    if rank <= missed:
        raise not_enough(n, zero_error_minimum(target, delta), missed, missed < (1 - target) * n, unit=unit)
    return float(np.partition(scores, rank - 1)[rank - 1]), f"order statistic {rank} of {n:,}"


def stated(
    labels: Labelled, cut: float, estimand: str, target: float, *, chosen: NDArray[np.bool_], rule: Any, method: str
) -> Guarantee:
    """The promise of a cut that was made, at the rule's `confidence` and `look`, from the chosen labels."""
    clustered, per_cluster = labels.clusters is not None, f"{estimand} per cluster"
    accepted = labels.scores >= cut
    return Guarantee(
        per_cluster if clustered and per_cluster in PHRASES else estimand,
        target,
        spent(rule.confidence, None),  # over all looks
        "confident",
        "cluster" if clustered else "pair",
        len(np.unique(labels.clusters[chosen])) if labels.clusters is not None else int(chosen.sum()),
        int(accepted.sum()),
        int((accepted & ~labels.y).sum()),
        method,
        look=rule.look or 1,
    )


def not_enough(n: int, minimum: int, missed: int, reachable: bool, *, unit: str) -> NotEnoughLabels:
    """The refusal after n units, of whose matches `missed` have no score."""
    wanted = max(minimum - n, 0)  # 0: they would do if all were of the largest weight
    mend = f"about {counted(wanted, f'more labelled {unit}')}" if wanted else "label more"
    message = f"{counted(n, unit)} cannot carry this promise: at least {minimum:,} are needed; {mend}"
    if missed:
        mend = "label more, or retrieve more" if reachable else "more labels will not help; retrieve more, or ask less"
        message = f"{missed} of the matches were never retrieved, so no cut keeps as many as promised; {mend}"
    return NotEnoughLabels(message, minimum=minimum, estimate=None if missed else wanted or None, reachable=reachable)


def counted(n: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "pair"), counted(2_000, "query"), counted(41, "true match")
    ('1 pair', '2,000 queries', '41 true matches')
    """
    if n != 1:
        noun = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith("ch") else "s")
    return f"{n:,} {noun}"
