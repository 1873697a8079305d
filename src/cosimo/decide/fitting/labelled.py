"""What a rule is fitted on, checked once: scores, labels, and what is known of how they came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.errors import DataError, Refused, ScaleMismatch, ShapeError
from cosimo.types import PerItem

Wanted = Literal["both", "positive", "negative"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Checked labels of n scored pairs.

    scores
        (n,) float, no NaN; -inf for a pair that is never accepted: not found, or vetoed.
    y
        (n,) bool.
    clusters
        (n,) the cluster of each pair as 0 .. c - 1, None where pairs are independent.
    names
        Names of the c clusters; where pairs are independent, their places.
    weights
        (n,) 1 / inclusion probability, positive; None where all are equally likely.
    unlabelled
        (m,) scores without labels, which may fix the cuts.
    scale
        What the scores measure, None where nobody said.
    """

    scores: PerItem
    y: NDArray[np.bool_]
    clusters: NDArray[np.int64] | None = None
    names: Sequence[str] = ()
    weights: PerItem | None = None
    unlabelled: PerItem | None = None
    scale: str | None = None

    def __len__(self) -> int:
        return len(self.scores)


def labelled(
    scores: ArrayLike,
    y: ArrayLike | None,
    *,
    clusters: Sequence[Any] | None = None,
    weights: ArrayLike | None = None,
    unlabelled: ArrayLike | None = None,
    context: Mapping[str, Any] | None = None,
    wants: Wanted = "both",
) -> Labelled:
    """The arguments of `Decider.fit`, checked.

    y
        (n,) 0 or 1; None stands for the one class that is wanted.
    wants
        Which labels there must be.

    Raises
    ------
    ShapeError
        Arguments that are not (n,) alike.
    DataError
        Scores that are NaN or +inf, labels that are not 0 or 1, weights that are not positive.
    Refused
        Only one class where both are needed, none of the wanted class, or scores that are all equal.

    >>> labelled([0.3, -0.2], [1, 0]).y
    array([ True, False])
    """
    S = as_scores(scores)
    if (bad := np.isnan(S) | np.isposinf(S)).any():
        raise DataError(
            f"{int(bad.sum())} of {len(S)} scores are NaN or infinite; leave those pairs out, or mend the encoder that "
            "made them"
        )
    n = len(S)
    codes, names = _clusters(clusters, n)
    truth = _truth(y, n, wants)
    _enough_to_tell(S, truth, wants)
    return Labelled(
        S,
        truth,
        codes,
        names,
        _weights(weights, n),
        None if unlabelled is None else as_scores(unlabelled, name="unlabelled"),
        None if context is None else context.get("scale"),
    )


def as_scores(scores: ArrayLike, *, name: str = "scores") -> PerItem:
    """(n,) floats; half precision and integers become float32."""
    S = np.asarray(scores)
    if S.dtype.kind not in "fiub":
        raise DataError(f"{name} must be numbers, got dtype {S.dtype}")
    if S.ndim != 1:
        raise ShapeError(f"{name} must have shape (n,), got {S.shape}")
    return S if S.dtype in (np.float32, np.float64) else S.astype(np.float32)


def same_scale(fitted: str | None, context: Mapping[str, Any] | None) -> None:
    """Refuse scores of another scale than a rule was fitted on, where both are known."""
    given = None if context is None else context.get("scale")
    if fitted is not None and given is not None and given != fitted:
        raise ScaleMismatch(
            f"this rule was made for scores of the scale {fitted!r} and got {given!r}; calibrate one for these scores"
        )


def ungrouped(by: Sequence[Any] | None) -> None:
    """Refuse `by` where a rule makes one promise for all."""
    if by is not None:
        raise DataError("this rule makes one promise for all; for a promise a group, wrap it: PerGroup(rule)")


def in_unit_interval(value: float, name: str) -> None:
    """Refuse a target, rate or confidence that is not strictly between 0 and 1."""
    if not 0 < value < 1:
        raise DataError(f"{name} must lie strictly between 0 and 1, got {value}")


def _clusters(clusters: Sequence[Any] | None, n: int) -> tuple[NDArray[np.int64] | None, Sequence[str]]:
    """Codes and names; pairs that are each alone in their cluster are independent, and keep its name."""
    if clusters is None:
        return None, [str(i) for i in range(n)]
    _same_length("clusters", clusters, n)
    listed = [str(cluster) for cluster in clusters]
    names, codes = np.unique(listed, return_inverse=True)
    return (None, listed) if len(names) == n else (codes.astype(np.int64), names.tolist())


def _truth(y: ArrayLike | None, n: int, wants: Wanted) -> NDArray[np.bool_]:
    if y is None:
        if wants == "both":
            raise DataError("this rule learns from labels: give y, 1 for a match and 0 for none")
        return np.full(n, wants == "positive")
    truth = np.asarray(y)
    _same_length("labels", truth, n)
    if truth.dtype.kind not in "fiub" or not np.isin(truth, (0, 1)).all():
        raise DataError(
            "labels must be 1 (a match) or 0 (none), got "
            f"{', '.join(sorted({repr(v) for v in truth.tolist() if v not in (0, 1)})[:3])}"
        )
    return truth.astype(bool)


def _weights(weights: ArrayLike | None, n: int) -> PerItem | None:
    if weights is None:
        return None
    w = np.asarray(weights, dtype=np.float64)
    _same_length("weights", w, n)
    if not (np.isfinite(w) & (w > 0)).all():
        raise DataError("weights must be positive numbers: 1 / the probability with which a pair was drawn")
    return w if len(w) and np.ptp(w) > 0 else None


def _enough_to_tell(S: PerItem, truth: NDArray[np.bool_], wants: Wanted) -> None:
    n, positive = len(truth), int(truth.sum())
    if wants == "both" and positive in (0, n):
        raise Refused(
            f"all {n} labels are {int(positive > 0)}; a rule needs pairs that match and pairs that do not: label pairs "
            "that were drawn at random from what will be decided"
        )
    if (wants == "positive" and not positive) or (wants == "negative" and positive == n):
        raise Refused(f"none of the {n} labels is {int(wants == 'positive')}, and this rule is made from those")
    if wants == "both" and bool(np.ptp(S) == 0):
        raise Refused(f"all {n} scores equal {float(S[0]):g}, so no cut separates anything; look at the encoder")


def _same_length(name: str, values: Any, n: int) -> None:
    if np.ndim(values) != 1 or len(values) != n:
        raise ShapeError(f"{name} must have shape ({n},) like the scores, got {np.shape(values)}")
