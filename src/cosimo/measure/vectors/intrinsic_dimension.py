r"""Intrinsic dimension by two neighbours (TwoNN): in how many directions a space extends around its points.

    mu_i = r_i2 / r_i1,      P(mu <= x) = 1 - x^-d      where the density hardly changes within two neighbours
    -log(1 - F(mu)) = d log mu        a line through the origin, F(mu_(i)) = i / n;  the largest tenth is left out

Its interval comes from subsamples of an eighth of the points. Of halves, which have many neighbours in common with the
whole, the error comes out a quarter too large (.53 for .42, 200 points of a cube in 5 dimensions).

Symbols: r_i1, r_i2 -> distances to the first and second neighbour; d -> the slope.
Pitfalls: exact copies (r_i1 = 0), which are taken out here; near copies, which pull the dimension down to that
of their noise; resampling with replacement, which makes copies (5.9 becomes 9.0); dimensions of samples of different
size compared: fewer points look at the space from farther away.
Reference: Facco et al., Estimating the intrinsic dimension of datasets by a minimal neighborhood information, 2017,
https://doi.org/10.1038/s41598-017-11873-y
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.errors import DataError, Refused
from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir
from cosimo.statistics import subsample_interval
from cosimo.types import Estimate, Floats, PerItem, Vectors

LEAST = 10
"""Different vectors below which there is no slope to speak of."""
DISCARDED = 0.1
"""Share of the largest ratios left out: those of points at the edge."""
RESAMPLES = 100


def two_nn(X: Vectors) -> float:
    """The intrinsic dimension of the points `X` (n, d), whose exact copies count once.

    Raises
    ------
    DataError
        Fewer than 10 different points.

    >>> rng = np.random.default_rng(0)
    >>> plane = rng.uniform(-1, 1, size=(2000, 2)) @ rng.normal(size=(2, 50))
    >>> round(two_nn(plane), 1)
    2.0
    """
    points = distinct(as_vectors(X))
    if len(points) < LEAST:
        raise DataError(f"intrinsic dimension wants at least {LEAST} different vectors, got {len(points)}")
    return slope(neighbour_ratios(squared_distances(points), points))


def distinct(X: Vectors) -> Floats:
    """The different rows of `X` (n, d) in float64, in their order, moved so that their mean is 0."""
    first = np.sort(np.unique(X, axis=0, return_index=True)[1])
    points = X[first].astype(np.float64)
    centred: Floats = points - points.mean(axis=0) if len(points) else points
    return centred


def squared_distances(X: Floats) -> Floats:
    """(n, n) squared distances of the rows of `X` (n, d), up to rounding, infinite on the diagonal."""
    lengths = np.einsum("nd,nd->n", X, X)
    D: Floats = lengths[:, None] + lengths - 2 * (X @ X.T)
    np.fill_diagonal(D, np.inf)
    return D


def neighbour_ratios(D: Floats, X: Floats) -> PerItem:
    """(n,) distance to the second nearest row over that to the nearest, measured anew without cancellation.

    >>> X = np.array([[0.0], [1.0], [-2.0]])
    >>> neighbour_ratios(squared_distances(X), X)
    array([2. , 3. , 1.5])
    """
    nearest = np.argpartition(D, 1, axis=1)[:, :2]
    r = np.sort(np.linalg.norm(X[nearest] - X[:, None], axis=2), axis=1)
    ratios: PerItem = r[:, 1] / r[:, 0]
    return ratios


def slope(ratios: PerItem) -> float:
    """The dimension from the ratios (n,) of second to first distances: a line through the origin by least squares."""
    n = len(ratios)
    x = np.sort(np.log(ratios))[: n - max(int(DISCARDED * n), 1)]
    y = -np.log1p(-np.arange(1, len(x) + 1) / n)
    squares = float(x @ x)
    return float(x @ y) / squares if squares > 0 else float("nan")


def two_nn_estimate(X: Vectors, *, seed: int = 0) -> Estimate:
    """The intrinsic dimension of the rows of `X` (n, d) with its interval from subsamples; NaN where it has none."""
    points = distinct(X)
    if len(points) < LEAST:
        return Estimate(float("nan"))
    D = squared_distances(points)

    def of(rows: np.ndarray) -> float:
        return slope(neighbour_ratios(D[np.ix_(rows, rows)], points[rows]))

    value = of(np.arange(len(points)))
    size = max(len(points) // 8, min(2 * LEAST, len(points) // 2))
    try:
        found = subsample_interval(of, len(points), size=size, n_resamples=RESAMPLES, seed=seed)
    except Refused:
        return Estimate(value)
    return Estimate(value, replace(found, low=max(found.low, 0.0)))


def no_slope(found: Estimate, n: int) -> tuple[str, ...]:
    """The warning that goes with a dimension that is none."""
    if np.isfinite(found.value):
        return ()
    return (f"of {n:,} vectors fewer than {LEAST} differ, or all lie on a grid: two_nn is NaN",)


@final
class IntrinsicDimension(OnePass):
    """In how many directions a space extends around its points, from a random sample of them.

    Figures: `two_nn`. The space is seen at the scale of the sample's neighbours, so compare samples of one size only.

    size
        Vectors in the sample.
    seed
        Draws it.

    >>> rng = np.random.default_rng(0)
    >>> diagnostic = IntrinsicDimension(size=1000)
    >>> diagnostic.update(rng.uniform(-1, 1, size=(5000, 3)) @ rng.normal(size=(3, 30)))
    >>> round(diagnostic.result().metrics["two_nn"].value)
    3
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"two_nn": (0.0, np.inf)}
    least: ClassVar[int] = LEAST

    def __init__(self, *, size: int = 2000, seed: int = 0) -> None:
        self.size, self.seed = size, seed

    def gather(self, seen: Seen) -> Reservoir:
        """A sample of the vectors."""
        return seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """TwoNN of the sample."""
        rows = self.gather(seen).rows
        found = two_nn_estimate(rows, seed=self.seed)
        return Reading({"two_nn": found}, {"sample": len(rows)}, no_slope(found, len(rows)))
