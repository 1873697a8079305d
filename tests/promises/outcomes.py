"""What a procedure did over many draws of labels, judged by the truth of the generator and never by a test split."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.stats import binom

from cosimo.decide.thresholds import precision_threshold
from cosimo.errors import Refused

Draw = Callable[[np.random.Generator], Any]
Certify = Callable[[Any], float | None]
"""A drawn sample to a cut, None for a refusal."""


@dataclass(frozen=True)
class Outcome:
    """Over `runs` draws: how often a rule was made, how often it was made and false, and what it gave.

    limit
        More false ones than this do not happen by chance (1 in 10,000) to a procedure that keeps its promise.
    gain
        Accepted share over that of the best cut there is, mean over the rules made.
    """

    design: str
    method: str
    runs: int
    made: int
    false: int
    limit: int
    gain: float

    @property
    def kept(self) -> bool:
        return self.false <= self.limit

    def to_json(self) -> dict:
        return {**asdict(self), "gain": None if np.isnan(self.gain) else round(self.gain, 3), "kept": self.kept}


def limit(runs: int, delta: float) -> int:
    return int(binom.isf(1e-4, runs, delta))


def certified(rule: Any, *labels: Any, **how: Any) -> float | None:
    """The cut of a fitted rule, None where it refuses; what a refusal advises is left out, as it takes the time."""
    with patch.object(precision_threshold, "not_enough", _refusal):
        try:
            return rule.fit(*labels, **how).threshold_
        except Refused:
            return None


def _refusal(*args: Any, **how: Any) -> Refused:
    return Refused("not enough labels")


class Unjudged:
    """Stands in for a calibrator where nobody asks for probabilities: they would take most of the time."""

    needs: frozenset = frozenset()
    guarantee = None

    def fit(self, scores, y=None, *, clusters=None, by=None, weights=None, unlabelled=None, context=None):
        return self

    def predict(self, scores, *, context=None, veto=None):
        return np.zeros(len(scores), np.int8)

    def probability(self, scores, *, context=None):
        return np.zeros(len(scores))


def simulate(
    design: str,
    method: str,
    draw: Draw,
    certify: Certify,
    truth: Callable[[float], tuple[bool, float]],
    *,
    runs: int,
    delta: float = 0.05,
    seed: int = 0,
) -> Outcome:
    """Draw, certify, compare with the truth: `truth(cut)` says whether the promise holds there, and the gain."""
    rng = np.random.default_rng(seed)
    made = false = 0
    gains = []
    for _ in range(runs):
        cut = certify(draw(rng))
        if cut is not None:
            holds, gain = truth(cut)
            made, false = made + 1, false + (not holds)
            gains.append(gain)
    return Outcome(design, method, runs, made, false, limit(runs, delta), float(np.mean(gains)) if gains else np.nan)
