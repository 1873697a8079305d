"""Local precision: how often the pairs just above a cut are right, which a promise about all accepted does not tell.

The accepted pairs of lowest score are the worst: where 0.90 of all accepted are right, 0.65 of those next to the cut
may be. Printed beside a promise it keeps a reader from taking one for the other; it promises nothing, because the cut
was chosen by the same labels.
"""

import numpy as np

from cosimo.decide.fitting.labelled import Labelled
from cosimo.statistics import clopper_pearson
from cosimo.types import Estimate, Interval

NEAREST = 0.1
AT_LEAST = 20


def local_precision(labels: Labelled, cut: float) -> Estimate:
    """Share right among the tenth of the accepted labels next to `cut`, with an interval; at least 20 where there are.

    Of clusters each gives its pair next to the cut; weighted pairs count as many as an equal weight would leave.

    >>> labels = Labelled(np.arange(100.0), np.arange(100) >= 60)
    >>> local_precision(labels, 50.0).value
    0.5
    """
    places = np.flatnonzero(labels.scores >= cut)
    places = places[np.argsort(labels.scores[places], kind="stable")]
    if labels.clusters is not None:
        places = places[np.sort(np.unique(labels.clusters[places], return_index=True)[1])]
    near = places[: max(AT_LEAST, round(NEAREST * len(places)))]
    w = np.ones(len(near)) if labels.weights is None else labels.weights[near]
    value = float(np.average(labels.y[near], weights=w))
    n = max(1, round(float(w.sum() ** 2 / (w**2).sum())))
    low, high = clopper_pearson(round(value * n), n)
    unit = "pair" if labels.clusters is None else "cluster"
    highest = float(labels.scores[near[-1]])
    scope = f"accepted pairs of scores up to {highest:.4g}; not that the cut was chosen by these labels"
    return Estimate(value, Interval(low, high, 0.95, "Clopper-Pearson", unit, len(near), "estimate", scope))
