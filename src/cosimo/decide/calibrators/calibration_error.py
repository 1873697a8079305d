r"""How far probabilities are from what happens: an estimate with an interval, and a test.

Probabilities are put into B bins of about equally many pairs. A plain calibration error, the mean of the bins'
$|\bar y - \bar p|$, is never 0, since chance alone moves each bin; so the part that chance has in the square is taken
off:

$$ D = \sum_b w_b \left( d_b^2 - v_b \right), \quad d_b = \bar y_b - \bar p_b, \quad
   v_b = \frac{\operatorname{var}(y - p)}{n_b}, \quad B = \min(15, n^{1/3}) $$

$$ \left[ \max(0, D - q),\; \max(0, D) + q \right], \quad q \text{ the .975 quantile of } D^* - \overline{D^*} $$

over resamples of whole clusters, and the root of each is reported. D is skewed to the right, so its upper quantile
serves at both ends: with the lower one at the upper end the interval misses errors that are large. With clusters, v_b
is the variance of a mean over clusters, and n counts clusters; without, each pair is one.

Symbols: p -> `probability` (n,), y -> `y` (n,), w_b -> share of the weight in bin b.

Pitfalls: the percentile bootstrap of the plain error, whose interval hardly ever holds the truth, as each
resample adds chance to chance; bins that look at y; probabilities judged on the labels they were fitted on
(`out_of_fold` gives others); pairs of one query counted as independent. Bins hide what cancels inside them.

Reference: Kumar, Liang and Ma, Verified uncertainty calibration, 2019, https://arxiv.org/abs/1909.10155; test:
Bröcker and Smith, Increasing the reliability of reliability diagrams, 2007, https://doi.org/10.1175/WAF993.1
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed, generator
from cosimo.decide.fitting.labelled import Labelled, in_unit_interval, labelled
from cosimo.errors import DataError, Refused
from cosimo.types import Estimate, Interval

MOST_BINS = 15
FEWEST_UNITS = 20
"""Independent pairs or clusters below which no interval is given."""
UNITS_A_BIN = 5


def calibration_error(
    probability: ArrayLike,
    y: ArrayLike,
    *,
    clusters: Sequence[Any] | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 999,
    seed: Seed = 0,
) -> Estimate:
    """Root of the debiased squared calibration error of probabilities (n,) for labels (n,), 0 or 1.

    clusters
        (n,) pairs that depend on each other share one.
    weights
        (n,) 1 / inclusion probability.
    level
        Confidence of the interval, an estimate itself.

    Raises
    ------
    Refused
        Fewer than 20 independent units, labels of one class, or resamples that do not differ.
    DataError
        Numbers that are no probabilities, labels that are not 0 or 1.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(1000)
    >>> error = calibration_error(p, rng.random(1000) < p**2)
    >>> print(f"{error.value:.2f} in {error.interval.low:.2f} to {error.interval.high:.2f}")
    0.17 in 0.13 to 0.20
    """
    labels = forecasts(probability, y, clusters=clusters, weights=weights)
    upper = tails(level, resamples)[1]
    cells = _Cells(labels)
    D = cells.debiased(np.ones(cells.n_units))
    again = np.sort([cells.debiased(drawn) for drawn in redrawn(cells.n_units, resamples, seed)])
    reach = again[upper] - again.mean()
    if reach <= 0:
        raise Refused("all resamples give the same error, so nothing is known of its spread; label more")
    interval = Interval(
        low=float(np.sqrt(max(0.0, D - reach))),
        high=float(np.sqrt(max(0.0, D) + reach)),
        level=level,
        method=f"root of the debiased squared error in {cells.n_bins} bins, centred bootstrap",
        unit="pair" if labels.clusters is None else "cluster",
        n_units=cells.n_units,
        kind="estimate",
        scope="what cancels within a bin is not seen; the probabilities are taken as given, not as fitted",
    )
    return Estimate(float(np.sqrt(max(0.0, D))), interval)


def calibration_test(probability: ArrayLike, y: ArrayLike, *, resamples: int = 1999, seed: Seed = 0) -> float:
    """p-value of "each pair is a match with just the probability (n,) stated for it", for independent pairs only.

    Labels are drawn anew from the probabilities; the statistic is the squared error over the same bins. A large value
    is no evidence of calibration: it may be too few labels.

    Raises
    ------
    Refused
        Fewer than 20 pairs, or labels of one class.
    DataError
        Numbers that are no probabilities, labels that are not 0 or 1.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(300)
    >>> calibration_test(p, rng.random(300) < p) > 0.05 > calibration_test(p, rng.random(300) < p**2)
    True
    """
    labels = forecasts(probability, y)
    if resamples < 1:
        raise DataError(f"resamples must be at least 1, got {resamples}")
    bins = equal_mass_bins(labels)
    order = np.argsort(bins, kind="stable")
    p, sizes = labels.scores[order].astype(np.float64), np.bincount(bins)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    expected = np.add.reduceat(p, starts)

    def statistic(matches: NDArray[np.bool_]) -> float:
        found = np.add.reduceat(matches, starts, dtype=np.int64)
        return float((((found - expected) ** 2) / sizes).sum())

    rng, seen = generator(seed), statistic(labels.y[order])
    beyond = sum(int(statistic(rng.random(len(p)) < p) >= seen) for _ in range(resamples))
    return (1 + beyond) / (resamples + 1)


def forecasts(
    probability: ArrayLike,
    y: ArrayLike,
    *,
    clusters: Sequence[Any] | None = None,
    weights: ArrayLike | None = None,
) -> Labelled:
    """Probabilities (n,) and labels (n,) of both classes, checked, from at least 20 independent units.

    >>> forecasts([1.2], [1])
    Traceback (most recent call last):
    cosimo.errors.DataError: 1 of 1 probabilities lie outside 0 to 1, such as 1.2; calibrate scores first
    """
    known = labelled(
        probability,
        np.atleast_1d(np.asarray(y)),
        clusters=clusters,
        weights=weights,
        wants="positive" if np.any(np.asarray(y)) else "negative",
    )
    wrong = (known.scores < 0) | (known.scores > 1)
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} of {len(known)} probabilities lie outside 0 to 1, such as {known.scores[wrong][0]:g}; "
            "calibrate scores first"
        )
    if known.y.all() or not known.y.any():
        raise Refused(
            f"all {len(known)} labels are {int(known.y[0])}; how often it is otherwise was not seen: label more"
        )
    units = len(known.names)
    if units < FEWEST_UNITS:
        kind = "pairs" if known.clusters is None else "clusters"
        raise Refused(f"{units} independent {kind} cannot say how good probabilities are; label at least 20")
    return known


def equal_mass_bins(labels: Labelled) -> NDArray[np.int64]:
    """(n,) bin of each pair, by its probability alone: about equally many in each, equal ones together.

    >>> p = np.repeat([0.1, 0.2, 0.7, 0.9], [5, 10, 10, 5])
    >>> np.bincount(equal_mass_bins(forecasts(p, p > 0.5)))
    array([15, 10,  5])
    """
    P, n = labels.scores, len(labels)
    wanted = min(MOST_BINS, int(np.cbrt(len(labels.names)) + 1e-9))  # the cube root of 1000 comes out below 10
    last = np.sort(P)[[-(-n * b // wanted) - 1 for b in range(1, wanted)]]
    bins = np.unique(np.searchsorted(np.unique(last), P, side="left"), return_inverse=True)[1]
    return _merged(bins, np.arange(n) if labels.clusters is None else labels.clusters)


def redrawn(n_units: int, resamples: int, seed: Seed) -> Any:
    """How often each unit (n_units,) is drawn, one resample after the other."""
    rng = generator(seed)
    return (np.bincount(rng.integers(n_units, size=n_units), minlength=n_units) for _ in range(resamples))


def tails(level: float, resamples: int) -> list[int]:
    """Places of the lower and the upper end in sorted resamples: order statistics, nothing interpolated.

    >>> tails(0.95, 999)
    [24, 974]
    """
    in_unit_interval(level, "level")
    rank = int((resamples + 1) * (1 - level) / 2 + 1e-9)
    if rank < 1:
        raise DataError(f"{resamples} resamples are too few for level {level}; ask for {int(2 / (1 - level))} or more")
    return [rank - 1, resamples - rank]


def _merged(bins: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bins put together with the next one, the last with the one before, until each holds enough units."""
    target, current = np.zeros(bins.max() + 1, dtype=np.int64), 0
    pending: list[int] = []
    for b in range(len(target)):
        pending.append(b)
        target[b] = current
        if len(np.unique(units[np.isin(bins, pending)])) >= UNITS_A_BIN:
            pending, current = [], current + 1
    if pending and current:
        target[pending] = current - 1
    return target[bins]


class _Cells:
    """Sums over what each unit has in each bin: all that D depends on, and as cheap to reweigh."""

    def __init__(self, labels: Labelled) -> None:
        bins = equal_mass_bins(labels)
        units = np.arange(len(labels)) if labels.clusters is None else labels.clusters
        self.n_units, self.n_bins = len(labels.names), int(bins.max()) + 1
        keys, place = np.unique(bins * self.n_units + units, return_inverse=True)
        w = np.ones(len(labels)) if labels.weights is None else labels.weights / labels.weights.mean()
        E = np.bincount(place, w * (labels.y - labels.scores.astype(np.float64)))
        W = np.bincount(place, w)
        self._unit = keys % self.n_units
        self._starts = np.searchsorted(keys, np.arange(self.n_bins) * self.n_units)
        self._sums = np.stack([np.ones(len(W)), W, E, E * E, E * W, W * W])

    def debiased(self, drawn: NDArray[Any]) -> float:
        """D when unit u is there drawn[u] times."""
        C, W, E, EE, EW, WW = np.add.reduceat(self._sums * drawn[self._unit], self._starts, axis=1)
        d = E / np.maximum(W, 1e-300)
        v = (EE - 2 * d * EW + d * d * WW) / np.maximum(W, 1e-300) ** 2 * C / np.maximum(C - 1, 1)
        return float(W @ (d * d - v) / W.sum())
