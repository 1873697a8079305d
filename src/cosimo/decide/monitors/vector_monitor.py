r"""Monitor of vectors: notices that the items are no longer what they were, even where their scores are not.

    alarm when M_j >= J / epsilon for any j of J numbers of a vector x:
    |x - c|,     <x, g_1>, ..., <x, g_p>,     and its best score, where that is given

Symbols: c -> `centre`; g -> directions drawn from `seed`, unit length; epsilon -> `false_alarm`; M -> the martingale of
`rank_martingale`, one for each number.

The numbers are fixed before the first vector is seen, which keeps each martingale exact. Their average would be none:
each knows only its own past.

Pitfalls: a centre that is the mean of the calibration vectors lies closer to them than to any others, and alarms
by itself; take the mean of the collection. Few projections see few directions: a change across all of them is missed.

Reference: Vovk, Testing randomness online (2021), https://arxiv.org/abs/1906.09256; Choe and Ramdas, Combining evidence
across filtrations (2024), https://arxiv.org/abs/2402.09698
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._arrays import as_vectors, unit
from cosimo._random import Seed, generator
from cosimo.decide.fitting.labelled import as_scores
from cosimo.decide.monitors.score_monitor import Arrays, Watch
from cosimo.errors import DataError, ShapeError
from cosimo.guarantee import State
from cosimo.types import Estimate, PerItem


@final
class VectorMonitor:
    """Watches the vectors that come in, by a few fixed numbers of each.

    X
        (n, d) calibration vectors, a few hundred.
    centre
        (d,) a point fixed without them, such as the mean of the collection.
    scores
        (n,) best score of each; where given, every update brings them, too.
    projections
        How many random directions to watch.
    false_alarm
        Probability of ever alarming while nothing changes.
    sessions
        (n,) whose vector each is. One of each counts.

    >>> rng = np.random.default_rng(0)
    >>> monitor = VectorMonitor(rng.normal(size=(300, 8)), -np.ones(8))
    >>> monitor.update(rng.normal(size=(300, 8))), monitor.update(2 * rng.normal(size=(300, 8)))
    ('valid', 'moved')
    """

    def __init__(
        self,
        X: ArrayLike,
        centre: ArrayLike,
        *,
        scores: ArrayLike | None = None,
        projections: int = 4,
        false_alarm: float = 0.05,
        sessions: Sequence[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        X = as_vectors(X)
        self._centre = as_vectors(np.asarray(centre, dtype=np.float64)[None], name="centre", dim=X.shape[1])[0]
        if projections < 0:
            raise DataError(f"projections must not be negative, got {projections}")
        if _is_mean(self._centre, X):
            raise DataError("centre is the mean of X, to which X is closer than other vectors; take the collection's")
        rng = generator(seed)
        self._directions = unit(rng.normal(size=(projections, X.shape[1])))
        self._scored = scores is not None
        values = self._numbers(X, scores)
        # where a value lies is compared with the middle of the calibration values
        cuts = {name: float(np.median(column)) if len(column) else 0.0 for name, column in values.items()}
        self._watch = Watch(values, cuts, false_alarm=false_alarm, sessions=sessions, seed=rng)

    @property
    def evidence(self) -> float:
        """Largest martingale so far, divided by their number; an alarm from 1 / false_alarm on."""
        return self._watch.evidence

    @property
    def verdict(self) -> State:
        """`moved` once there has been an alarm, `valid` before."""
        return self._watch.verdict

    def update(self, X: ArrayLike, *, scores: ArrayLike | None = None, sessions: Sequence[Any] | None = None) -> State:
        """Take in new vectors (n, d) in the order in which they came, and say how things stand.

        scores, sessions
            (n,) each; wanted where the calibration vectors had them.
        """
        return self._watch.push(self._numbers(as_vectors(X, dim=len(self._centre)), scores), sessions)

    def effects(self) -> Mapping[str, Mapping[str, Estimate]]:
        """For each number the share of vectors at or above its calibration median: `then`, and `now` the latest."""
        return self._watch.effects()

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        saved, arrays = self._watch.state("vector_monitor")
        saved["scored"] = self._scored
        return saved, {**arrays, "centre": self._centre, "directions": self._directions}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The monitor written by `state`; `DataError` where it is none."""
        monitor = cls.__new__(cls)
        monitor._watch = Watch.from_state(saved, arrays)
        try:
            monitor._centre, monitor._directions = arrays["centre"], arrays["directions"]
            monitor._scored = bool(saved["scored"])
        except KeyError as error:
            raise DataError(f"this is not a monitor of vectors written by cosimo (no {error})") from error
        return monitor

    def _numbers(self, X: NDArray[Any], scores: ArrayLike | None) -> dict[str, PerItem]:
        if self._scored != (scores is not None):
            raise DataError("scores are given at calibration and at every update, or never")
        distances: PerItem = np.linalg.norm(X - self._centre, axis=1)
        numbers = {"distance": distances}
        numbers |= {f"projection {j}": X @ direction for j, direction in enumerate(self._directions)}
        if scores is not None:
            numbers["score"] = as_scores(scores)
            if len(numbers["score"]) != len(X):
                raise ShapeError(f"scores must have shape ({len(X)},) like the vectors, got {len(numbers['score'])}")
        return numbers


def _is_mean(centre: PerItem, X: NDArray[Any]) -> bool:
    """Whether the centre is far nearer to the mean of X (n, d) than a point fixed without X would be by chance."""
    if len(X) < 2:
        return False
    by_chance = np.sqrt(X.var(axis=0, dtype=np.float64).sum() / len(X))
    return bool(np.linalg.norm(centre - X.mean(axis=0, dtype=np.float64)) < 1e-3 * by_chance)
