r"""Audit: labels of accepted decisions, which alone can show that a promised precision is broken.

    W_i = W_{i-1} (1 + lambda_i (p - y_i)),      lambda_i in [0, 0.9 / (1 - p)] chosen before y_i
    broken when W_i >= 1 / epsilon

While each label is right with probability at least p, whatever came before, W ever reaches 1 / epsilon with probability
at most epsilon: one may look after every label. It is the betting of `cosimo.statistics.log_wealth` on the errors 1 - y
against "at most 1 - p of them are wrong".

Symbols: p -> `precision`; y -> `y`; epsilon -> `false_alarm`; W_i -> `evidence`, the largest so far.

Pitfalls: labels of the decisions that somebody complained about; audit a random fraction of what is accepted,
drawn before anyone has looked. Decisions of one session are wrong together: name them in `clusters`. No alarm is no
proof that the precision holds; `effect` says what the labels show. A broken promise is renewed by a new certificate,
which is the next look, never by a new audit of the old one.

Reference: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2024,
https://arxiv.org/abs/2010.09686; Podkopaev and Ramdas, Tracking the risk of a deployed model and detecting harmful
distribution shifts, 2022, https://arxiv.org/abs/2110.06177
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.decide.fitting.labelled import in_unit_interval
from cosimo.errors import DataError, ShapeError
from cosimo.guarantee import State
from cosimo.statistics import clopper_pearson, log_wealth
from cosimo.types import Estimate, Interval, PerItem

RECENT = 200
"""Latest audited decisions whose precision `effect` shows."""


@final
class Audit:
    """Watches the precision of what a rule accepts, by labels of a random part of it.

    precision
        What was promised.
    false_alarm
        Probability of ever alarming while the precision is at least that.

    >>> audit = Audit(0.9)
    >>> audit.update([1] * 18 + [0, 1]), audit.update([1, 0, 0, 1, 0] * 4)
    ('valid', 'broken')
    >>> round(audit.effect().value, 2)
    0.68
    """

    def __init__(self, precision: float, *, false_alarm: float = 0.05) -> None:
        in_unit_interval(precision, "precision")
        in_unit_interval(false_alarm, "false_alarm")
        self.precision, self.false_alarm = precision, false_alarm
        self._right = np.empty(0)
        self._clusters: set[str] = set()

    @property
    def evidence(self) -> float:
        """Largest wealth so far; an alarm from 1 / false_alarm on."""
        wealth = log_wealth(1 - self._right, 1 - self.precision)
        return math.exp(min(wealth.max(initial=0.0), 700.0))

    @property
    def verdict(self) -> State:
        """`broken` once there has been an alarm, `valid` before."""
        return "broken" if self.evidence >= 1 / self.false_alarm else "valid"

    def update(self, y: ArrayLike, *, clusters: Sequence[Any] | None = None) -> State:
        """Take in labels (n,) of accepted decisions in the order in which those were made, and say how things stand.

        y
            1 where the decision was right, 0 where it was wrong.
        clusters
            (n,) decisions that depend on each other share one, and its share of right ones counts once. The precision
            is then that of a random decision of a random cluster. All labels of a cluster come in one update.

        Raises
        ------
        DataError
            Labels that are not 0 or 1, or a cluster that an earlier update closed.
        """
        truth = np.asarray(y)
        if truth.ndim != 1:
            raise ShapeError(f"y must have shape (n,), got {truth.shape}")
        if truth.dtype.kind not in "fiub" or not np.isin(truth, (0, 1)).all():
            raise DataError("labels of an audit must be 1 (right) or 0 (wrong)")
        units = truth.astype(np.float64) if clusters is None else self._means(truth, clusters)
        self._right = np.concatenate([self._right, units])
        return self.verdict

    def effect(self) -> Estimate:
        """Share right among the latest, to hold against `precision`; with an interval where there are no clusters."""
        latest = self._right[-RECENT:]
        n = len(latest)
        if not n:
            raise DataError("no decision has been audited yet")
        if self._clusters:
            return Estimate(float(latest.mean()))
        low, high = clopper_pearson(int(latest.sum()), n)
        scope = f"the latest {n:,} audited, whenever a change was"
        interval = Interval(low, high, 0.95, "Clopper-Pearson", "decision", n, "estimate", scope)
        return Estimate(float(latest.mean()), interval)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        saved = {"kind": "audit", "precision": self.precision, "false_alarm": self.false_alarm}
        return {**saved, "clusters": sorted(self._clusters)}, {"right": self._right}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The audit written by `state`; `DataError` where it is none."""
        try:
            audit = cls(saved["precision"], false_alarm=saved["false_alarm"])
            audit._right, audit._clusters = np.asarray(arrays["right"], dtype=np.float64), set(saved["clusters"])
        except (KeyError, TypeError) as error:
            raise DataError(f"this is not an audit written by cosimo ({type(error).__name__}: {error})") from error
        return audit

    def _means(self, truth: NDArray[Any], clusters: Sequence[Any]) -> PerItem:
        """Share right of each cluster, in the order in which they first appear."""
        if len(clusters) != len(truth):
            raise ShapeError(f"clusters must have shape ({len(truth)},) like the labels, got {len(clusters)}")
        names = [str(cluster) for cluster in clusters]
        places = {name: i for i, name in enumerate(dict.fromkeys(names))}
        again = sorted(self._clusters & places.keys())
        if again:
            raise DataError(f"cluster {again[0]} was in an earlier update; all labels of a cluster come in one")
        self._clusters |= places.keys()
        codes = np.array([places[name] for name in names], dtype=np.int64)
        shares: PerItem = np.bincount(codes, truth) / np.bincount(codes)
        return shares
