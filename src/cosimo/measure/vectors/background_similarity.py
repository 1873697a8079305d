r"""Background similarity: what cosine two items have that have nothing to do with each other.

    cos(x_i, x_j) over pairs i < j of a random sample: its mean, spread, quantiles and histogram

The intervals of spread and quantiles are on the wide side where a cosine hardly depends on which item it is of, as in
an even space of many dimensions: up to 1.4 times. Those of the spread and the outer quantiles want hundreds of vectors:
of 150 they hold the truth in 92 % of draws instead of 95 %.

Nearly all pairs of a large collection are unrelated, so that is the scale on which a score of 0.78 is high or low.

Pitfalls: a cosine read as if 0 meant unrelated; the pairs of a sample counted as independent, which makes the
error of the mean ten times too small.
"""

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from cosimo._arrays import unit
from cosimo.measure.vectors.directions import Directions
from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir, group_estimate, histogram, left_out_groups
from cosimo.types import Floats, PerItem

QUANTILES = {"q01": 0.01, "median": 0.5, "q99": 0.99, "q999": 0.999}
FEWER = 1000
"""Vectors of the sample that the errors of spread and quantiles come from, so that they take seconds."""
HIGH = 0.5
"""Mean cosine of unrelated items from which a space is said to be crowded."""


@final
class BackgroundSimilarity(OnePass):
    """The cosines of random pairs of a space.

    Figures: `mean` over all pairs of all vectors; `sd`, `q01`, `median`, `q99` and `q999` over the pairs of a random
    sample. The settings hold a histogram of those over [-1, 1].

    size
        Vectors in the sample, whose pairs are all counted.
    seed
        Draws it.

    >>> diagnostic = BackgroundSimilarity()
    >>> diagnostic.update(np.random.default_rng(0).normal(size=(1000, 25)) - 0.5)
    >>> found = diagnostic.result().metrics
    >>> round(found["mean"].value, 1), round(found["sd"].value, 1), round(found["q01"].value, 1)
    (0.2, 0.2, -0.2)
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "mean": (-1.0, 1.0),
        "sd": (0.0, 1.0),
        **dict.fromkeys(QUANTILES, (-1.0, 1.0)),
    }

    def __init__(self, *, size: int = 2000, seed: int = 0) -> None:
        self.size, self.seed = size, seed

    def gather(self, seen: Seen) -> tuple[Directions, Reservoir]:
        """Sums of all directions, and a sample."""
        return seen.get(Directions), seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """All pairs of the sample, and again without each of its groups."""
        whole, sample = self.gather(seen)
        rows = sample.rows
        m, U = len(rows), unit(rows)
        S = np.clip(U @ U.T, -1, 1)
        pairs = S[np.triu_indices(m, 1)]
        values = _figures(pairs)
        some = S[:: -(-m // FEWER), :: -(-m // FEWER)]
        left = left_out_groups(lambda rows: _figures(_both_ways(some[np.ix_(rows, rows)])), len(some), seed=self.seed)
        mean = whole.mean_cosine(rows)
        metrics = {"mean": mean}
        for i, name in enumerate(list(self.ranges)[1:]):
            metrics[name] = group_estimate(values[i], left[:, i], sample=len(some), n=m)
        told = f"two random vectors have a mean cosine of {mean.value:.2f}: take the mean off (centre), or whiten"
        settings = {"sample": m, "histogram": histogram(pairs, bounds=(-1.0, 1.0))}
        return Reading(metrics, settings, (told,) if mean.value > HIGH else ())


def _both_ways(S: Floats) -> PerItem:
    """(m (m - 1),) what is off the diagonal of `S` (m, m): each pair twice, which no quantile minds."""
    m = len(S)
    cosines: PerItem = S.ravel()[1:].reshape(m - 1, m + 1)[:, :-1].ravel() if m > 1 else np.empty(0)
    return cosines


def _figures(pairs: PerItem) -> list[float]:
    """Spread and quantiles of cosines; NaN where none are left."""
    if not len(pairs):
        return [np.nan] * (1 + len(QUANTILES))
    ordered = list(QUANTILES.values())
    return [float(pairs.std()), *np.quantile(pairs, ordered, method="inverted_cdf").tolist()]
