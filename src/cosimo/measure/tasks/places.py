r"""Places: where the one right candidate of a question stands among all of its candidates.

$$p \in \{a + 1, \dots, a + 1 + t\} \text{ alike likely}, \qquad \mathbb{E}\, p = a + 1 + \tfrac{t}{2}, \qquad
\mathbb{E}\, \tfrac{1}{p} = \frac{H_{a + t + 1} - H_a}{t + 1}, \qquad
\Pr(p \le k) = \frac{\min(\max(k - a, 0), t + 1)}{t + 1}$$

Symbols: a, t -> `above`, `tied`: candidates that score higher than the right one, and those that score the same; H ->
harmonic numbers, H_n = 1 + 1/2 + ... + 1/n.
Pitfalls: ties counted for the right candidate, which gives a constant encoder first place everywhere.
Reference: McSherry and Najork 2008, Computing Information Retrieval Performance Measures Efficiently in the Presence of
Tied Scores, https://doi.org/10.1007/978-3-540-78646-7_38
"""

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import MetricTags
from cosimo.errors import DataError, ShapeError
from cosimo.types import Floats, PerItem, Rows, Scores

SAME = 1e-9
"""Scores that differ by less, absolutely and relatively, are taken for the same."""


def places(S: Scores, right: Rows, *, excluded: NDArray[np.bool_] | None = None) -> Rows:
    """(n, 2) how many candidates score higher than the right one, and how many others the same.

    S
        (n, m) float64 scores of n questions and m candidates.
    right
        (n,) column of the right candidate.
    excluded
        (n, m) True where a candidate does not count; the right one always does.

    Raises
    ------
    DataError
        A score is NaN.

    >>> places(np.array([[0.5, -0.2, 0.9], [-1.0, -1.0, -1.0]]), np.array([0, 2]))
    array([[1, 0],
           [0, 2]])
    """
    if np.isnan(S).any():
        raise DataError(
            f"{int(np.isnan(S).sum())} scores are NaN, and nothing can be ranked by them; look at the scorer"
        )
    rows = np.arange(len(S))
    chosen = S[rows, right][:, None]
    margin = SAME * np.maximum(1.0, np.abs(chosen))
    higher, same = chosen + margin < S, np.abs(S - chosen) <= margin
    same[rows, right] = False
    if excluded is not None:
        higher &= ~excluded
        same &= ~excluded
    return np.stack([higher.sum(axis=1), same.sum(axis=1)], axis=1)


class _OfPlaces(ABC):
    """What the metrics share: the mean of an item's questions, each with its candidates counted."""

    def __call__(self, truth: ArrayLike, pred: ArrayLike) -> PerItem:
        """(n,) means over the questions of each item.

        truth
            (n,) anything, an item each.
        pred
            (n, 2) candidates above and tied, or (n, q, 2) where an item has q questions.
        """
        counts = np.asarray(pred, dtype=np.float64)
        if counts.ndim not in (2, 3) or counts.shape[-1] != 2 or len(np.asarray(truth)) != len(counts):
            raise ShapeError(f"pred must be (n, 2) or (n, q, 2) for n items, got {counts.shape}")
        values: PerItem = self._of(counts[..., 0], counts[..., 1])
        return values if values.ndim == 1 else values.mean(axis=1)

    @abstractmethod
    def _of(self, above: Floats, tied: Floats) -> Any:
        """The expected value of each question."""


@final
class MeanRank(_OfPlaces):
    """Mean place of the right one of `candidates`, 1 for the best.

    >>> MeanRank(4)([1, 1], [[0, 0], [1, 2]])
    array([1., 3.])
    """

    def __init__(self, candidates: int) -> None:
        self.tags = MetricTags(bounds=(1.0, float(candidates)), higher_is_better=False, chance=(candidates + 1) / 2)

    def _of(self, above: Floats, tied: Floats) -> Any:
        return above + 1 + tied / 2


@final
class ReciprocalRank(_OfPlaces):
    """One over the place of the right one of `candidates`.

    >>> ReciprocalRank(4)([1, 1], [[1, 0], [0, 1]])
    array([0.5 , 0.75])
    """

    def __init__(self, candidates: float) -> None:
        self.tags = MetricTags(bounds=(0.0, 1.0), chance=float(_harmonic(candidates)) / candidates)

    def _of(self, above: Floats, tied: Floats) -> Any:
        spread = (_harmonic(above + tied + 1) - _harmonic(above)) / (tied + 1)
        return np.where(tied > 0, spread, 1 / (above + 1))  # exact where nothing is tied


@final
class Hits(_OfPlaces):
    """Whether the right one of `candidates` is among the best k; a share where equal scores decide it.

    >>> Hits(1, 4)([1, 1], [[0, 0], [0, 3]])
    array([1.  , 0.25])
    """

    def __init__(self, k: int, candidates: float) -> None:
        self.k = k
        self.tags = MetricTags(bounds=(0.0, 1.0), chance=min(k / candidates, 1.0))

    def _of(self, above: Floats, tied: Floats) -> Any:
        return np.clip(self.k - above, 0, tied + 1) / (tied + 1)


def _harmonic(n: Any) -> Any:
    """1 + 1/2 + ... + 1/n."""
    from scipy.special import digamma

    return digamma(np.asarray(n, dtype=np.float64) + 1) + np.euler_gamma
