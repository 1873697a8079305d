"""What all calibrators share: a rising map from scores to probabilities, stored as arrays, and a cut on it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.decide.fitting.decisions import decide
from cosimo.decide.fitting.labelled import Labelled, as_scores, in_unit_interval, labelled, same_scale, ungrouped
from cosimo.decide.fitting.one_cut import require_fitted
from cosimo.errors import DataError
from cosimo.guarantee import Guarantee
from cosimo.types import Floats, PerItem


class Calibrator(ABC):
    """What all calibrators share: a monotone map from scores to probabilities, and a cut on the probability."""

    saved_as: ClassVar[str]
    method: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]] = ("cut",)
    learned: ClassVar[tuple[str, ...]]

    cut: float
    scale_: str | None
    guarantee_: Guarantee

    @abstractmethod
    def _learn(self, labels: Labelled) -> None:
        """Set the attributes named in `learned`, all arrays."""

    @abstractmethod
    def _map(self, S: Floats) -> Floats:
        """(n,) float64 probabilities of float64 scores (n,); NaN stays NaN."""

    @property
    def needs(self) -> frozenset[str]:
        """Nothing but scores."""
        return frozenset()

    @property
    def guarantee(self) -> Guarantee | None:
        """An estimate counted on the labels of `fit`, which promises nothing; None before `fit`."""
        return getattr(self, "guarantee_", None)

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
        """Learn from scores (n,) and labels (n,), 0 or 1.

        clusters
            Only counted, in `guarantee`: the curve is the same.
        weights
            1 / inclusion probability, where the labels are no simple random sample.

        Raises
        ------
        Refused
            Labels of one class only, or scores that are all equal.
        DataError
            Labels that are not 0 or 1, scores that are not finite, arguments that a calibrator has no use for.
        """
        ungrouped(by)
        if unlabelled is not None:
            raise DataError("a calibrator has no cuts that unlabelled scores could fix; leave unlabelled out")
        in_unit_interval(self.cut, "cut")
        labels = labelled(scores, y, clusters=clusters, weights=weights, context=context)
        if missing := int((labels.scores == -np.inf).sum()):
            raise DataError(f"{missing} of {len(labels)} scores are -inf: what is never found has no place on a curve")
        self.scale_ = labels.scale
        self._learn(labels)
        self.guarantee_ = self._estimated(labels)
        return self

    def predict(
        self,
        scores: ArrayLike,
        *,
        context: Mapping[str, Any] | None = None,
        veto: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int8]:
        """(n,) int8: accepted where the probability reaches `cut`, asked elsewhere."""
        return decide(self.probability(scores, context=context), accept=self.cut, veto=veto)

    def probability(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> PerItem:
        """(n,) estimated probability of a match for scores (n,), in their dtype; NaN where the score is.

        Raises
        ------
        ScaleMismatch
            The scores are of another scale.
        """
        require_fitted(self)
        same_scale(self.scale_, context)
        S = as_scores(scores)
        P: PerItem = self._map(S.astype(np.float64)).astype(S.dtype)
        return P

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        require_fitted(self)
        saved = {
            "kind": self.saved_as,
            "arguments": {name: getattr(self, name) for name in self.arguments},
            "scale": self.scale_,
            "guarantee": self.guarantee_.to_json(),
        }
        return saved, {name: getattr(self, name) for name in self.learned}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The calibrator whose `state` this is."""
        made = cls(**saved["arguments"])
        in_unit_interval(made.cut, "cut")
        made.scale_ = saved["scale"]
        made.guarantee_ = Guarantee.from_json(saved["guarantee"])
        for name in cls.learned:
            setattr(made, name, np.asarray(arrays[name], dtype=np.float64))
        return made

    def _estimated(self, labels: Labelled) -> Guarantee:
        accepted = decide(self._map(labels.scores.astype(np.float64)), accept=self.cut) > 0
        wrong = accepted & ~labels.y
        method = f"{self.method}, counted on the labels it was fitted on"
        # Allowed to be false in any case: it promises nothing.
        if labels.clusters is None:
            n, n_accepted, errors = len(labels), int(accepted.sum()), int(wrong.sum())
            return Guarantee("calibrated probability", self.cut, 1.0, "estimate", "pair", n, n_accepted, errors, method)
        n_accepted, errors = (len(np.unique(labels.clusters[some])) for some in (accepted, wrong))
        method += "; a cluster is wrong that has any wrong pair among its accepted ones"
        n = len(labels.names)
        return Guarantee("calibrated probability", self.cut, 1.0, "estimate", "cluster", n, n_accepted, errors, method)


def unit_weights(labels: Labelled) -> Floats:
    """(n,) weights scaled to mean 1: what is known of them is how they compare."""
    w: Floats = np.ones(len(labels)) if labels.weights is None else labels.weights / labels.weights.mean()
    return w
