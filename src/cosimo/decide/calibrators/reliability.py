r"""Reliability curve: how often pairs that are given a probability p do match, as a rising curve with a band.

The curve is the isotonic regression of the labels on the probabilities: no bins to choose, and the same picture
whoever draws it (CORP: consistent, optimally binned, reproducible, by pooling adjacent violators). It also splits the
mean squared error of the probabilities, the Brier score, into three parts that add up exactly:

$$ \overline{(y - p)^2} = \mathrm{MCB} - \mathrm{DSC} + \mathrm{UNC} $$

$$ \mathrm{MCB} = \overline{(y - p)^2} - \overline{(y - \hat p)^2}, \quad
   \mathrm{DSC} = \overline{(y - \bar y)^2} - \overline{(y - \hat p)^2}, \quad
   \mathrm{UNC} = \overline{(y - \bar y)^2} $$

Symbols: p -> `probability` (n,), p-hat -> the curve at p, MCB -> `miscalibration`, DSC -> `discrimination`, UNC ->
`uncertainty`; means are weighted where `weights` are given.

Pitfalls: MCB is never below 0 and, from few labels, above 0 for perfect probabilities too: judge by
`calibration_error`, which takes chance off. The band is the spread of the curve over resamples of whole clusters, point
by point. It is an estimate, narrow where the curve is 0 or 1, and no region that holds the whole curve.

Reference: Dimitriadis, Gneiting and Jordan, Stable reliability diagrams for probabilistic classifiers, 2021,
https://doi.org/10.1073/pnas.2016191118
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._extras import need
from cosimo._random import Seed
from cosimo.decide.calibrators.calibration_error import forecasts, redrawn, tails
from cosimo.decide.calibrators.calibrator import unit_weights
from cosimo.decide.calibrators.isotonic import pooled, step_ends
from cosimo.decide.fitting.labelled import Labelled
from cosimo.types import Floats


@final
@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability curve with its band, and the parts of the Brier score.

    probability, observed
        (k,) ascending probabilities and the share of matches there; straight lines between.
    low, high
        (k,) band around the curve, point by point, at `level`.
    brier, miscalibration, discrimination, uncertainty
        The mean squared error, and its parts: brier = miscalibration - discrimination + uncertainty.
    unit, n_units
        What was resampled, and how many there are.
    """

    probability: Floats
    observed: Floats
    low: Floats
    high: Floats
    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    level: float
    unit: str
    n_units: int

    def plot(self, ax: Any = None) -> Any:
        """Draw the curve, its band and the diagonal; the axes, for whatever else belongs there.

        ax
            Axes of matplotlib; None for a new figure.

        Raises
        ------
        MissingExtra
            matplotlib is not installed.
        """
        if ax is None:
            _, ax = need("matplotlib.pyplot", extra="plots").subplots()
        ax.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="calibrated")
        band = ax.fill_between(self.probability, self.low, self.high, alpha=0.2, linewidth=0)
        band.set_label(f"{100 * self.level:g} % at each point, {self.n_units:,} {self.unit}s resampled")
        ax.plot(self.probability, self.observed, label="observed")
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability stated", ylabel="share of matches")
        ax.set_title(
            f"MCB {self.miscalibration:.4f}   DSC {self.discrimination:.4f}   UNC {self.uncertainty:.4f}", fontsize=10
        )
        ax.legend(loc="upper left", frameon=False)
        return ax


def reliability(
    probability: ArrayLike,
    y: ArrayLike,
    *,
    clusters: Sequence[Any] | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 999,
    seed: Seed = 0,
) -> Reliability:
    """The reliability curve of probabilities (n,) for labels (n,), 0 or 1.

    clusters
        (n,) pairs that depend on each other share one.
    weights
        (n,) 1 / inclusion probability.

    Raises
    ------
    Refused
        Fewer than 20 independent units, or labels of one class.
    DataError
        Numbers that are no probabilities, labels that are not 0 or 1.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(1000)
    >>> curve = reliability(p, rng.random(1000) < p**2, resamples=99)
    >>> round(curve.brier, 4), round(curve.miscalibration - curve.discrimination + curve.uncertainty, 4)
    (0.1703, 0.1703)
    """
    labels = forecasts(probability, y, clusters=clusters, weights=weights)
    places = tails(level, resamples)
    P, w = labels.scores.astype(np.float64), unit_weights(labels)
    knots, values = pooled(P, labels.y, w)
    brier, best, flat = (
        float(np.average((labels.y - forecast) ** 2, weights=w))
        for forecast in (P, np.interp(P, knots, values), np.average(labels.y, weights=w))
    )
    ends = step_ends(values)
    low, high = np.sort(_again(labels, knots[ends], resamples, seed), axis=0)[places]
    return Reliability(
        probability=knots[ends],
        observed=values[ends],
        low=low,
        high=high,
        brier=brier,
        miscalibration=brier - best,
        discrimination=flat - best,
        uncertainty=flat,
        level=level,
        unit="pair" if labels.clusters is None else "cluster",
        n_units=len(labels.names),
    )


def _again(labels: Labelled, knots: Floats, resamples: int, seed: Seed) -> Floats:
    """(resamples, k) the curve at k probabilities, from labels drawn again."""
    order = np.argsort(labels.scores, kind="stable")  # sorted once, so that each curve sorts nothing
    P, y, w = labels.scores[order].astype(np.float64), labels.y[order], unit_weights(labels)[order]
    units = order if labels.clusters is None else labels.clusters[order]
    curves = np.empty((resamples, len(knots)))
    for curve, drawn in zip(curves, redrawn(len(labels.names), resamples, seed), strict=True):
        there = drawn[units] > 0
        curve[:] = np.interp(knots, *pooled(P[there], y[there], (w * drawn[units])[there]))
    return curves
