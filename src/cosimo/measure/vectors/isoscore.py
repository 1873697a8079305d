r"""IsoScore: the share of its dimensions that a space uses evenly.

    1. turn the points onto all d principal axes; l in R^d are the variances along them
    2. s = sqrt(d) l / |l|
    3. delta = |s - 1| / sqrt(2 (d - sqrt(d)))                        the isotropy defect, in [0, 1]
    4. phi = (d - delta^2 (d - sqrt(d)))^2 / d^2                      the fraction of dimensions used
    5. IsoScore = (d phi - 1) / (d - 1)                               in [0, 1]

Since |s|^2 = d, step 3 is delta^2 (d - sqrt(d)) = d - sqrt(d) sum(l) / |l|, so that the steps come down to

    d phi = sum(l)^2 / |l|^2 = tr(C)^2 / |C|_F^2,        IsoScore = (participation ratio - 1) / (d - 1)

for the covariance C: no decomposition is needed, and that moving, turning and scaling leave it alone can be seen. When
k of d axes have equal variance and the others none, it is (k - 1) / (d - 1).

Symbols: d -> `dim`; C -> `covariance` (d, d).
Pitfalls: the diagonal of the covariance in the given coordinates instead of along the principal axes, which
makes the score depend on the rotation; scores of different numbers of rows compared: n rows vary along n - 1 axes at
most, and even n = 10 d rows of an isotropic cloud score about 0.1 too low.
Reference: Rudman et al., IsoScore: Measuring the Uniformity of Embedding Space Utilization, 2022,
https://arxiv.org/abs/2108.07344
"""

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from cosimo.errors import DataError
from cosimo.measure.vectors.moments import Moments
from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir
from cosimo.measure.vectors.spectrum import few_rows, moments, participation_ratio, spectral_estimates
from cosimo.types import Floats, PerItem, Vectors


def isoscore(X: Vectors) -> float:
    """The share of its dimensions that the space of `X` (n, d) uses evenly, from 0 (one) to 1 (all).

    Vectors that are all equal use none, and score 0.

    Raises
    ------
    DataError
        Fewer than 2 vectors or dimensions.

    >>> X = np.array([[1.0, 0.0, 7.0], [-1.0, 0.0, 7.0], [0.0, 1.0, 7.0], [0.0, -1.0, 7.0]])
    >>> isoscore(X), isoscore(X[:2])
    (0.5, 0.0)
    """
    found = moments(X)
    if found.n < 2 or len(found.scatter) < 2:
        raise DataError(f"IsoScore wants at least 2 vectors of at least 2 dimensions, got shape {np.shape(X)}")
    return isoscore_of_covariance(found.covariance)


def isoscore_of_covariance(C: Floats) -> float:
    """IsoScore from a covariance matrix (d, d), in whatever coordinates.

    >>> isoscore_of_covariance(np.array([[2.0, -1.0], [-1.0, 2.0]]))
    0.6
    """
    trace, squares = float(np.trace(C)), float(np.vdot(C, C))
    return _rescaled(trace**2 / squares, len(C)) if squares > 0 else 0.0


def isoscore_of_variances(variances: PerItem, dim: int) -> float:
    """IsoScore from the variances along the principal axes, those that are 0 left out or not.

    >>> isoscore_of_variances(np.array([3.0, 3.0]), 5)
    0.25
    """
    return _rescaled(participation_ratio(variances), dim)


def _rescaled(used: float, dim: int) -> float:
    return min(max((used - 1) / (dim - 1), 0.0), 1.0)


@final
class IsoScore(OnePass):
    """The share of its dimensions that a space uses evenly, in one pass.

    Figures: `isoscore` of all vectors; its interval leaves out groups of a random sample of them.

    size
        Vectors in that sample.
    seed
        Draws it.

    >>> X = np.random.default_rng(0).normal(size=(4000, 4)) * [1, 1, 1, 0] - 5
    >>> diagnostic = IsoScore()
    >>> for block in np.split(X, 4):
    ...     diagnostic.update(block)
    >>> found = diagnostic.result().metrics["isoscore"]
    >>> round(found.value, 2), found.interval.n_units
    (0.67, 4000)
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"isoscore": (0.0, 1.0)}
    least_dim: ClassVar[int] = 2

    def __init__(self, *, size: int = 2000, seed: int = 0) -> None:
        self.size, self.seed = size, seed

    def gather(self, seen: Seen) -> tuple[Moments, Reservoir]:
        """Moments of all vectors, and a sample for the interval."""
        return seen.get(Moments, False), seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """IsoScore of the covariance."""
        whole, sample = self.gather(seen)
        d = seen.dim
        figures = {"isoscore": lambda variances: isoscore_of_variances(variances, d)}
        return Reading(spectral_estimates(figures, seen, whole, sample), {"sample": len(sample)}, few_rows(seen.n, d))
