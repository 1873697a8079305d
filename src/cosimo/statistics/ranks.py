r"""Which ranks each of several systems may have: sets that hold all at once, instead of 1, 2, 3, ...

    T* = max_{i,j} |D*_ij - D_ij| / se_ij,    c = the `level` quantile of T* over joint resamples of the units
    j beats i if D_ji > t se_ji,              t = Student's quantile where the normal one is c
    ranks of i: 1 + number that beat i, ..., M - number that i beats

In about a share `level` of samples no comparison is wrong, and then no set is. The top group is whoever may be first.
Groups overlap, so there is no second group.

Symbols: D_ij -> difference of the means of systems i and j over the units of `X` (n, M), one a row.
Pitfalls: ranks read off means; percentile bootstrap of ranks (the best system is missed in up to half of the
cases); the critical value taken for one comparison instead of the largest of all; c taken as it is, although se is an
estimate too (with 20 units and 10 equal systems some pair is then told apart in .19 of samples instead of .05).
Reference: Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks with applications to mobility across neighbourhoods
and academic achievement across countries, 2024, https://doi.org/10.1093/restud/rdad006
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed, generator
from cosimo.errors import DataError, ShapeError
from cosimo.statistics.many import holm
from cosimo.statistics.paired import sign_flip_test
from cosimo.statistics.units import FEW, ROUNDING, one_way, tail
from cosimo.types import Floats, Rows

BLOCK = 2**22
"""Numbers held at a time."""


@dataclass(frozen=True, eq=False)
class RankSets:
    """Which ranks each of M systems may have, all at once at `level`; rank 1 is best.

    means
        (M,) what was ranked.
    lowest, highest
        (M,) best and worst rank that the data allow.
    beats
        (M, M) whether system i is better than system j.
    """

    means: Floats
    lowest: Rows
    highest: Rows
    beats: NDArray[np.bool_]
    level: float
    method: str
    n_units: int

    @property
    def top(self) -> NDArray[np.bool_]:
        """(M,) whether a system may be the best; the best is among these in at least about `level` of samples."""
        first: NDArray[np.bool_] = self.lowest == 1
        return first


def rank_sets(
    X: ArrayLike, *, strata: ArrayLike | None = None, level: float = 0.95, n_resamples: int = 1999, seed: Seed = 0
) -> RankSets:
    """Sets of ranks of M systems from their values `X` (n, M) on the same n independent units, more being better.

    By a joint bootstrap of the units; with fewer than 20 of them, by all sign flip tests and Holm.

    strata
        (n,) task of each unit: the mean of the tasks' means is ranked, and units are drawn within tasks.

    >>> quality = np.array([0.5, 0.5, -1.5])
    >>> found = rank_sets(quality + np.random.default_rng(0).normal(size=(60, 3)))
    >>> found.lowest, found.highest, found.top
    (array([1, 1, 3]), array([2, 2, 3]), array([ True,  True, False]))
    """
    values = np.asarray(X, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ShapeError(f"ranks want finite values (n, M), a row a unit and a column a system, got {values.shape}")
    tail(level)
    n, M = values.shape
    tasks, count = one_way(np.zeros(n) if strata is None else strata, n)
    sizes = np.bincount(tasks, minlength=count)
    if sizes.min() < 2:
        raise DataError("a single unit says nothing about its spread; leave its task out of the ranking")
    shares = values / (count * sizes[tasks])[:, None]
    means = shares.sum(axis=0)
    if n < FEW:
        beats, method = _by_sign_flips(shares, level, seed), "sign flips, Holm"
    else:
        t, error = _max_t(shares, tasks, sizes, level=level, n_resamples=n_resamples, seed=seed)
        beats = means[:, None] - means > t * error + ROUNDING * np.abs(means).max()
        method = f"max-T bootstrap, {n_resamples:,} resamples"
    return RankSets(means, 1 + beats.sum(axis=0), M - beats.sum(axis=1), beats, level, method, n)


def _by_sign_flips(shares: Floats, level: float, seed: Seed) -> NDArray[np.bool_]:
    """(M, M) whether i beats j, by the sign flip test of every pair, adjusted for all of them."""
    M = shares.shape[1]
    beats = np.zeros((M, M), np.bool_)
    first, second = np.triu_indices(M, 1)
    if not len(first):
        return beats
    differences = shares[:, first] - shares[:, second]
    found = holm([sign_flip_test(column, seed=seed) for column in differences.T]) <= 1 - level
    ahead = differences.sum(axis=0) > 0
    beats[first, second], beats[second, first] = found & ahead, found & ~ahead
    return beats


def _max_t(
    shares: Floats, tasks: Rows, sizes: Rows, *, level: float, n_resamples: int, seed: Seed
) -> tuple[float, Floats]:
    """How many standard errors no difference strays from the truth by, at `level`, and (M, M) standard errors."""
    from scipy.special import ndtr, stdtrit

    rng = generator(seed)
    n, M = shares.shape
    Z = np.empty_like(shares)
    for task, size in enumerate(sizes):
        rows = tasks == task
        # sums of resampled rows of Z have the unbiased variance of the mean, not (size - 1) / size of it
        Z[rows] = (shares[rows] - shares[rows].mean(axis=0)) * math.sqrt(size / (size - 1))
    V = Z.T @ Z
    error = np.sqrt(np.maximum(np.diag(V)[:, None] + np.diag(V) - 2 * V, 0.0))
    precision = np.divide(1, error, where=error > 0, out=np.zeros_like(error))
    members = [np.flatnonzero(tasks == task) for task in range(len(sizes))]
    block = max(BLOCK // max(n, M * M), 1)
    largest = np.empty(n_resamples)
    for start in range(0, n_resamples, block):
        b = min(block, n_resamples - start)
        drawn = np.concatenate([rows[rng.integers(len(rows), size=(b, len(rows)))] for rows in members], axis=1)
        places = drawn + n * np.arange(b)[:, None]
        moved = np.bincount(places.ravel(), minlength=b * n).reshape(b, n) @ Z
        largest[start : start + b] = (np.abs(moved[:, :, None] - moved[:, None]) * precision).max(axis=(1, 2))
    place = min(math.ceil((n_resamples + 1) * level), n_resamples)
    c = np.sort(largest)[place - 1]
    df = (1 / sizes).sum() ** 2 / (1 / (sizes**2 * (sizes - 1))).sum()  # Satterthwaite's, for tasks of equal spread
    return -float(stdtrit(df, ndtr(-c))), error
