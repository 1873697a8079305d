"""Independent pairs with a known curve of precision: easy ones, and those that a careless procedure fails on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

P = 0.9
FINE = (np.arange(200_000) + 0.5) / 200_000


def _logistic(s, slope, middle):
    return expit(slope * (s - middle))


@dataclass(frozen=True)
class Curve:
    """Scores are uniform in [0, 1), or on `steps` values; a pair of score s matches with probability `match(s)`."""

    name: str
    match: Callable[[np.ndarray], np.ndarray]
    steps: int | None = None

    def scores(self, u: np.ndarray) -> np.ndarray:
        return u if self.steps is None else np.floor(u * self.steps) / self.steps

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        S = self.scores(rng.uniform(size=n))
        return S, rng.uniform(size=n) < self.match(S)

    def precision(self) -> tuple[np.ndarray, np.ndarray]:
        """Cuts (m,) in rising order and the precision above each."""
        S = self.scores(FINE)
        right = np.cumsum(self.match(S)[::-1])[::-1] / np.arange(len(S), 0, -1)
        cuts, first = np.unique(S, return_index=True)
        return cuts, right[first]

    def truth(self, p: float = P) -> Callable[[float], tuple[bool, float]]:
        cuts, precision = self.precision()
        holding = cuts[precision >= p]
        most = 1 - holding.min() if len(holding) else np.nan

        def look(cut: float) -> tuple[bool, float]:
            place = min(int(np.searchsorted(cuts, cut)), len(cuts) - 1)
            return bool(precision[place] >= p), (1 - cut) / most

        return look


def _dirty(s):
    return np.where(s > 0.985, 0.70, _logistic(s, 12, 0.45))


def _zigzag(s):
    return np.where(s > 0.9, 0.96, np.where(s > 0.75, 0.84, np.where(s > 0.5, 0.935, np.where(s > 0.3, 0.82, 0.2))))


SMOOTH = Curve("smooth", lambda s: _logistic(s, 12, 0.45))
FLAT = Curve("flat, just below the target", lambda s: np.full(len(s), P - 0.005))
HARD = (
    FLAT,
    Curve("plateau just below the target, then nothing", lambda s: np.where(s > 0.5, P - 0.005, 0.0)),
    Curve("dirty top: the best 1.5 % are wrong in 30 %", _dirty),
    Curve("zig-zag around the target", _zigzag),
    Curve("20 distinct scores", lambda s: _logistic(s, 12, 0.45), steps=20),
    Curve("1 % of all pairs match", lambda s: 0.985 * _logistic(s, 900, 0.9895)),
)
