r"""Mean and scatter of all rows of a space in one pass, in float64, without cancellation.

    Y = X - mean,   m = mean(Y)                                       for a block of b rows after n others
    scatter <- scatter + Y^T Y - b^2 / (n + b) m m^T,      mean <- mean + b / (n + b) m

What is taken off is at most the share b / (n + b) of what was added, so few digits are lost. The first mean is that of
the first block, counted from its first row: a dimension that never changes has a scatter of exactly 0.

Symbols: scatter / n -> `covariance`.
Pitfalls: E[x x^T] - E[x] E[x]^T, which loses all digits of a space whose mean is long; sums in float32.
Reference: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979,
https://doi.org/10.1007/978-3-642-51461-6_3
"""

from typing import final

import numpy as np

from cosimo.measure.vectors.one_pass import Block
from cosimo.types import Floats, PerItem


@final
class Moments:
    """Count, mean (d,) and scatter (d, d) of rows, of their directions where `normalise`."""

    def __init__(self, normalise: bool = False) -> None:
        self.normalise = normalise
        self.n = 0
        self.mean: PerItem = np.zeros(0)
        self.scatter: Floats = np.zeros((0, 0))

    def update(self, block: Block) -> None:
        """Take in the next rows."""
        if not self.n:
            X = block.unit if self.normalise else block.X
            first = X[0].astype(np.float64)
            self.mean = first + (X - first).mean(axis=0)
            self.scatter = np.zeros((len(first), len(first)))
        b = len(block.X)
        m, products = block.about(self.mean, normalise=self.normalise)
        self.scatter += products
        self.scatter -= np.outer(m, m * (b * b / (self.n + b)))
        self.mean = self.mean + m * (b / (self.n + b))
        self.n += b

    @property
    def covariance(self) -> Floats:
        """(d, d) mean of the products of deviations: divided by n, not n - 1."""
        return self.scatter / max(self.n, 1)

    @property
    def variances(self) -> PerItem:
        """(d,) variances along the principal axes, largest first; what is below rounding is 0."""
        return clean(np.linalg.eigvalsh(self.covariance)[::-1])


def clean(variances: PerItem) -> PerItem:
    """Eigenvalues with those that rounding alone may have made set to 0.

    >>> clean(np.array([1.0, 1e-20, -1e-18]))
    array([1., 0., 0.])
    """
    least = variances.max(initial=0.0) * len(variances) * np.finfo(np.float64).eps
    kept: PerItem = np.where(variances > least, variances, 0.0)
    return kept
