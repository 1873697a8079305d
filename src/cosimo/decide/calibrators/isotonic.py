r"""Isotonic calibration: the probability of a match as the rising step curve that fits the labels best.

$$ \min_{v_1 \le \dots \le v_k} \sum_i w_i \left( y_i - v(s_i) \right)^2 $$

solved by pooling adjacent violators (PAV): neighbours out of order are replaced by their mean until none is left. Pairs
of one score are pooled first. Between two steps the curve is a straight line, beyond the ends it is level.

Symbols: s -> `scores` (n,), w -> `weights` (n,), v at the ends of the steps -> `values_` (k,) at the scores `knots_`
(k,).

Pitfalls: the curve has about n^(1/3) steps, so many pairs get the same probability: rank by the raw score. Its
ends are means of few labels and often exactly 0 or 1, which is no certainty. With fewer than some hundred labels
`Platt` is the better estimate. On the labels it was fitted on it looks perfectly calibrated by construction. It carries
no finite-sample guarantee.

Reference: Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability estimates, 2002,
https://doi.org/10.1145/775047.775151
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from cosimo.decide.calibrators.calibrator import Calibrator, unit_weights
from cosimo.decide.fitting.labelled import Labelled
from cosimo.types import Floats


@final
class Isotonic(Calibrator):
    """The probability of a match as any rising curve of the score, from many labels.

    cut
        Probability from which on a pair is accepted.

    >>> calibrated = Isotonic().fit([-0.2, 0.1, 0.4, 0.5, 0.8, 0.9], [0, 0, 1, 0, 1, 1])
    >>> calibrated.probability([-0.3, 0.1, 0.25, 0.45, 0.9])
    array([0. , 0. , 0.25, 0.5 , 1. ])
    """

    saved_as = "isotonic"
    method = "isotonic regression"
    learned = ("knots_", "values_")

    knots_: Floats
    values_: Floats

    def __init__(self, *, cut: float = 0.5) -> None:
        self.cut = cut

    def _learn(self, labels: Labelled) -> None:
        knots, values = pooled(labels.scores, labels.y, unit_weights(labels))
        ends = step_ends(values)
        self.knots_, self.values_ = knots[ends], values[ends]

    def _map(self, S: Floats) -> Floats:
        return np.interp(S, self.knots_, self.values_)


def pooled(scores: Floats, y: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """The k distinct scores (k,), ascending, and the fitted values there (k,), by pooling adjacent violators.

    >>> pooled(np.array([0.3, -0.1, 0.3, 0.5]), np.array([True, False, True, False]), np.ones(4))
    (array([-0.1,  0.3,  0.5]), array([0.    , 0.6667, 0.6667]))
    """
    from scipy.optimize import isotonic_regression

    knots, place = np.unique(scores.astype(np.float64), return_inverse=True)
    mass = np.bincount(place, weights)
    share = np.bincount(place, weights * y) / mass
    values: Floats = np.clip(isotonic_regression(share, weights=mass).x, 0, 1)
    return knots, values


def step_ends(values: Floats) -> NDArray[np.bool_]:
    """(k,) the first and last of each run of equal values: all that a curve through them needs.

    >>> step_ends(np.array([0.1, 0.2, 0.2, 0.2]))
    array([ True,  True, False,  True])
    """
    rises = np.concatenate([[True], np.diff(values) > 0, [True]])
    ends: NDArray[np.bool_] = rises[:-1] | rises[1:]
    return ends
