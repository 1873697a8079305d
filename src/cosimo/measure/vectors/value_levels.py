r"""Levels of values: how many bits a coordinate really holds, and how much of the space is exactly 0.

    bits = median over dimensions of -sum_v p_v log2 p_v      p_v the share of the sampled vectors with value v there,
           of up to 64 dimensions, evenly spaced
    zeros = share of all values of a sample that are exactly 0, in vectors that are not all 0

Of m vectors with values that are all different, bits = log2 m; 8-bit storage with a good range has about 6 or 7, and
unit vectors cast to integers nearly none.

Symbols: m -> vectors in the sample.
Pitfalls: sparse vectors (most values 0, the others all different) taken for broken ones: they have few zeros in
the bits of those dimensions that are used.
"""

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir, group_estimate, left_out_groups
from cosimo.types import Estimate, Rows, Vectors

DIMENSIONS = 64


def bits(X: Vectors) -> float:
    """Median over up to 64 dimensions of the entropy of the values of `X` (n, d), in bits.

    >>> bits(np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]))
    0.5
    """
    chosen = np.unique(np.linspace(0, X.shape[1] - 1, min(X.shape[1], DIMENSIONS)).astype(np.int64))
    return float(np.median([_entropy(column) for column in X[:, chosen].T]))


def _entropy(column: np.ndarray) -> float:
    ordered = np.sort(column)
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    p = np.diff(ends, prepend=-1) / len(column)
    return float(-(p @ np.log2(p))) + 0.0


@final
class ValueLevels(OnePass):
    """How finely the values of a space are graded, from a random sample of its vectors.

    Figures: `bits` a value holds, the median over dimensions, and the share of values that are `zeros`.

    size
        Vectors in the sample.
    seed
        Draws it.

    >>> diagnostic = ValueLevels()
    >>> diagnostic.update(np.round(np.random.default_rng(0).normal(size=(500, 20)) / 3))
    >>> found = diagnostic.result().metrics
    >>> found["bits"].value < 1, found["zeros"].value > 0.8
    (True, True)
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"bits": (0.0, np.inf), "zeros": (0.0, 1.0)}

    def __init__(self, *, size: int = 2000, seed: int = 0) -> None:
        self.size, self.seed = size, seed

    def gather(self, seen: Seen) -> Reservoir:
        """A sample of the vectors."""
        return seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """Both figures of the sample."""
        X = self.gather(seen).rows
        X = X[(X != 0).any(axis=1)]
        if len(X) < self.least:
            return Reading({"bits": Estimate(0.0), "zeros": Estimate(1.0)})
        share = (X == 0).mean(axis=1)

        def figures(rows: Rows) -> list[float]:
            return [bits(X[rows]), float(share[rows].mean())]

        left = left_out_groups(figures, len(X), seed=self.seed)
        values = figures(np.arange(len(X)))
        metrics = {
            name: group_estimate(value, left[:, i], sample=len(X))
            for i, (name, value) in enumerate(zip(self.ranges, values, strict=True))
        }
        return Reading(metrics, {"sample": len(X)})
