r"""Beta calibration: a curve for scores that end at two bounds, as probabilities and cosines do.

$$ \operatorname{logit} p(u) = a \ln u - b \ln(1 - u) + c, \quad a, b \ge 0, \qquad
   u = \frac{s - l}{h - l} \in (0, 1) $$

It is exact where the scores of matches and of the others follow two beta distributions, contains the identity
(a = b = 1, c = 0), which Platt scaling does not, and may bend at each end by a different amount.

Symbols: s -> `scores` (n,), (l, h) -> `bounds`, (a, b, c) -> `coefficients_` (3,).

Pitfalls: scores that are not in (0, 1), or were clipped to it; a negative a or b, which turns the order of the
pairs round. Scores at a bound itself, where ln 0 stands, count as `EDGE` inside it. The labels are smoothed as for
`Platt`, so that labels that can be separated have a finite fit too. It carries no finite-sample guarantee.

Reference: Kull, Silva Filho and Flach, Beta calibration: a well-founded and easily implemented improvement on logistic
calibration for binary classifiers, 2017, https://proceedings.mlr.press/v54/kull17a.html
"""

from typing import final

import numpy as np

from cosimo.decide.calibrators.calibrator import Calibrator, unit_weights
from cosimo.decide.calibrators.logistic import monotone_logistic, sigmoid, smoothed_targets
from cosimo.decide.fitting.labelled import Labelled
from cosimo.errors import DataError
from cosimo.types import Floats

EDGE = 1e-6
"""Nearest to a bound that a score counts, as a share of the whole range; rounding may carry it as far beyond."""

KNOWN = {"cosine": (-1.0, 1.0)}
"""Scales whose bounds need not be given."""


@final
class BetaCalibration(Calibrator):
    """The probability of a match as a curve of a score between two bounds.

    bounds
        Lowest and highest possible score; None for -1 and 1 where the scale is known to be `cosine`, else 0 and 1.
    cut
        Probability from which on a pair is accepted.

    >>> calibrated = BetaCalibration(bounds=(-1, 1)).fit([-0.2, 0.1, 0.4, 0.5, 0.8, 0.9], [0, 0, 1, 0, 1, 1])
    >>> calibrated.probability([-1.0, 0.4, 1.0]).round(2)
    array([0.  , 0.45, 1.  ])
    """

    saved_as = "beta_calibration"
    method = "beta calibration"
    arguments = ("bounds", "cut")
    learned = ("bounds_", "coefficients_")

    bounds_: Floats
    coefficients_: Floats

    def __init__(self, *, bounds: tuple[float, float] | None = None, cut: float = 0.5) -> None:
        self.bounds = bounds
        self.cut = cut

    def _learn(self, labels: Labelled) -> None:
        low, high = self.bounds or KNOWN.get(labels.scale or "", (0.0, 1.0))
        if not (np.isfinite([low, high]).all() and low < high):
            raise DataError(f"bounds must be two numbers, the lower one first, got {low} and {high}")
        self.bounds_ = np.array([low, high])
        w = unit_weights(labels)
        F = self._features(labels.scores.astype(np.float64))
        self.coefficients_ = monotone_logistic(F, smoothed_targets(labels.y, w), w)

    def _map(self, S: Floats) -> Floats:
        return sigmoid(self._features(S) @ self.coefficients_[:2] + self.coefficients_[2])

    def _features(self, S: Floats) -> Floats:
        """(n, 2) ln u and -ln(1 - u); an infinite score, found nowhere, counts as the bound it is beyond."""
        low, high = self.bounds_
        u = (S - low) / (high - low)
        beyond = np.isfinite(u) & ((u < -EDGE) | (u > 1 + EDGE))
        if beyond.any():
            raise DataError(
                f"{int(beyond.sum())} of {len(S)} scores lie outside {low:g} to {high:g}, such as {S[beyond][0]:g}; "
                "give the lowest and highest possible score, for a cosine BetaCalibration(bounds=(-1, 1))"
            )
        u = np.clip(u, EDGE, 1 - EDGE)
        return np.column_stack([np.log(u), -np.log1p(-u)])
