r"""Platt scaling: the probability of a match as a logistic curve of the score.

$$ p(s) = \frac{1}{1 + e^{-(a s + b)}}, \quad a \ge 0, \qquad
   \min_{a, b} -\sum_i w_i \left[ t_i \log p(s_i) + (1 - t_i) \log(1 - p(s_i)) \right] $$

$$ t_i = \frac{N_1 + 1}{N_1 + 2} \text{ for a match}, \qquad t_i = \frac{1}{N_0 + 2} \text{ otherwise} $$

Symbols: s -> `scores` (n,), w -> `weights` (n,), scaled to mean 1, N_1 and N_0 -> the weight of the matches and of the
others, (a, b) -> `coefficients_` (2,).

Pitfalls: fitting to 0 and 1 instead of t, which lets the curve become a step when the labels can be separated;
scores that do not rise with the labels, for which an unconstrained slope turns the order of all pairs round (here they
get one probability for all); labels drawn 1:1, from which the probabilities keep the base rate 1:1 unless `weights`
undo it; judging the curve on the labels it was fitted on (`out_of_fold` does not). No calibrated probability carries a
finite-sample guarantee: all it says is an estimate.

Reference: Platt, Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods,
1999; computed as in Lin, Lin and Weng, A note on Platt's probabilistic outputs for support vector machines, 2007,
https://doi.org/10.1007/s10994-007-5018-6
"""

from copy import deepcopy
from typing import final

import numpy as np

from cosimo.contracts import Decider
from cosimo.decide.calibrators.calibrator import Calibrator, unit_weights
from cosimo.decide.calibrators.logistic import monotone_logistic, sigmoid, smoothed_targets
from cosimo.decide.fitting.labelled import Labelled
from cosimo.types import Floats


@final
class Platt(Calibrator):
    """The probability of a match as a logistic curve of the score, from few labels.

    cut
        Probability from which on a pair is accepted.

    >>> calibrated = Platt().fit([-0.2, 0.1, 0.4, 0.5, 0.8, 0.9], [0, 0, 1, 0, 1, 1])
    >>> calibrated.probability([-0.3, 0.4, 0.9]).round(2)
    array([0.12, 0.48, 0.78])
    >>> calibrated.predict([-0.3, 0.9])
    array([0, 1], dtype=int8)
    """

    saved_as = "platt"
    method = "Platt scaling"
    learned = ("coefficients_",)

    coefficients_: Floats

    def __init__(self, *, cut: float = 0.5) -> None:
        self.cut = cut

    def _learn(self, labels: Labelled) -> None:
        w = unit_weights(labels)
        self.coefficients_ = monotone_logistic(labels.scores[:, None], smoothed_targets(labels.y, w), w)

    def _map(self, S: Floats) -> Floats:
        slope, intercept = self.coefficients_
        return sigmoid(slope * np.clip(S, -1e150, 1e150) + intercept)  # infinity times a slope of 0 is NaN


def fitted_probability(calibrator: Decider | None, labels: Labelled) -> Decider | None:
    """A fresh copy of the calibrator, or of `Platt()`, fitted on checked labels; None when only one class is known.

    Pairs that are never found, at -inf, are left out.

    >>> from cosimo.decide.fitting.labelled import labelled
    >>> labels = labelled([0.9, -0.1, 0.2], [1, 0, 0])
    >>> fitted_probability(None, labels).probability([0.5]).round(2)
    array([0.45])
    """
    found = labels.scores > -np.inf
    if len(np.unique(labels.y[found])) < 2:
        return None
    return deepcopy(Platt() if calibrator is None else calibrator).fit(
        labels.scores[found],
        labels.y[found].astype(np.float64),
        clusters=None if labels.clusters is None else labels.clusters[found].tolist(),
        weights=None if labels.weights is None else labels.weights[found],
        context={"scale": labels.scale},
    )
