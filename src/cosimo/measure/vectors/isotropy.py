r"""How even a space is in all directions, by IsoScore and by the figures it was proposed against.

    average cosine        mean of cos(x_i, x_j) over pairs i < j                                  0 in an even space
    partition score       min_c Z(c) / max_c Z(c),  Z(c) = mean_i exp(c . x_i),  c = +-v_k        1
    variance explained    sum of the k largest variances over all variance                        k / d
    two_nn                intrinsic dimension                                                     d

v_k are the eigenvectors of X^T X, the mean not taken off. The sign of an eigenvector is arbitrary, and Z is not even,
so both directions of each count here. Moving a space by a constant vector changes the first two and none of the others;
the partition score also depends on the scale of the vectors, so it is taken of unit vectors where `normalise` says so.

Symbols: Z -> `log_partition`, k -> `k`, v_k -> `axes`.
Pitfalls: a high average cosine read as few dimensions in use, when a common offset alone makes it; one sign of
each eigenvector, which a library chooses; exp of long vectors, which overflows without logarithms.
Reference: Mu and Viswanath, All-but-the-Top, 2018, https://arxiv.org/abs/1702.01417; Rudman et al., IsoScore, 2022,
https://arxiv.org/abs/2108.07344
"""

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from cosimo._arrays import as_vectors, unit
from cosimo.errors import DataError
from cosimo.measure.vectors.directions import Directions
from cosimo.measure.vectors.intrinsic_dimension import no_slope, two_nn_estimate
from cosimo.measure.vectors.isoscore import isoscore_of_variances
from cosimo.measure.vectors.moments import Moments
from cosimo.measure.vectors.one_pass import Block, OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir, group_estimate, left_out_groups
from cosimo.measure.vectors.spectrum import OfSpectrum, few_rows, spectral_estimates, variance_explained
from cosimo.types import Estimate, Floats, PerItem, Vectors

SCORES = ("isoscore", "average_cosine", "partition", "variance_explained", "two_nn")


def average_cosine(X: Vectors) -> float:
    """Mean cosine over all pairs of different rows of `X` (n, d); a zero row has a cosine of 0.

    >>> average_cosine(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, -3.0]]))
    0.333
    """
    X = as_vectors(X)
    if len(X) < 2:
        raise DataError(f"an average over pairs wants at least 2 vectors, got {len(X)}")
    sums = Directions()
    sums.update(Block(X))
    return sums.average


def partition_score(X: Vectors) -> float:
    """The least over the greatest partition function of the rows of `X` (n, d), along the axes of X^T X, 1 if even.

    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> partition_score(X), round(partition_score(X + [2.0, 0.0]), 3)
    (1.0, 0.017)
    """
    X = as_vectors(X).astype(np.float64)
    if not len(X):
        raise DataError("a partition score wants at least 1 vector, got 0")
    return _spread(log_partition(X @ np.linalg.eigh(X.T @ X)[1]))


def log_partition(P: Floats) -> PerItem:
    """(2 d,) log of the mean of exp(p) and of exp(-p) in each column of `P` (n, d), the rows along each axis."""
    both = np.concatenate([P, -P], axis=1)
    top = both.max(axis=0)
    found: PerItem = top + np.log(np.exp(both - top).mean(axis=0))
    return found


def _spread(log_z: PerItem) -> float:
    return float(np.exp(log_z.min() - log_z.max()))


@final
class Isotropy(OnePass):
    """IsoScore and its rivals side by side, in one pass.

    Figures, as chosen: `isoscore`, `variance_explained` and `average_cosine` of all vectors; `partition` and `two_nn`
    of a random sample of them.

    scores
        Which of these.
    k
        Axes whose share of the variance is told.
    normalise
        Whether vectors are brought to length 1 first, as cosine sees them.
    size
        Vectors in the sample.
    seed
        Draws it.

    >>> X = np.random.default_rng(0).normal(size=(2000, 3)) + [5, 0, 0]
    >>> diagnostic = Isotropy(scores=("isoscore", "average_cosine"))
    >>> diagnostic.update(X)
    >>> {name: round(found.value, 1) for name, found in diagnostic.result().metrics.items()}
    {'isoscore': 1.0, 'average_cosine': 0.9}
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "isoscore": (0.0, 1.0),
        "average_cosine": (-1.0, 1.0),
        "partition": (0.0, 1.0),
        "variance_explained": (0.0, 1.0),
        "two_nn": (0.0, np.inf),
    }
    least: ClassVar[int] = 10
    least_dim: ClassVar[int] = 2

    def __init__(
        self,
        scores: tuple[str, ...] = SCORES,
        *,
        k: int = 10,
        normalise: bool = False,
        size: int = 2000,
        seed: int = 0,
    ) -> None:
        self.scores, self.k, self.normalise, self.size, self.seed = scores, k, normalise, size, seed

    @property
    def names(self) -> tuple[str, ...]:
        """The chosen figures."""
        return self.scores

    def gather(self, seen: Seen) -> tuple[Moments, Directions, Reservoir]:
        """Moments and directions of all vectors, and a sample."""
        unknown = sorted(set(self.scores) - set(SCORES))
        if unknown or not self.scores:
            raise DataError(f"scores are among {', '.join(SCORES)}, got {', '.join(unknown) or 'none'}")
        sample = seen.get(Reservoir, self.size, self.seed)
        return seen.get(Moments, self.normalise), seen.get(Directions), sample

    def read(self, seen: Seen) -> Reading:
        """The chosen figures."""
        whole, directions, sample = self.gather(seen)
        rows = unit(sample.rows) if self.normalise else sample.rows
        told = few_rows(seen.n, seen.dim)
        of_spectrum: dict[str, OfSpectrum] = {
            "isoscore": lambda variances: isoscore_of_variances(variances, seen.dim),
            "variance_explained": lambda variances: variance_explained(variances, self.k),
        }
        chosen = {name: figure for name, figure in of_spectrum.items() if name in self.scores}
        found = spectral_estimates(chosen, seen, whole, sample) if chosen else {}
        if "average_cosine" in self.scores:
            found["average_cosine"] = directions.mean_cosine(sample.rows)
        if "partition" in self.scores:
            found["partition"] = _partition_estimate(whole, rows, self.seed)
        if "two_nn" in self.scores:
            found["two_nn"] = two_nn_estimate(rows, seed=self.seed)
            told += no_slope(found["two_nn"], len(rows))
        return Reading(found, {"sample": len(rows)}, told)


def _partition_estimate(whole: Moments, rows: Vectors, seed: int) -> Estimate:
    """Along the axes of all rows, of a sample of them."""
    axes = np.linalg.eigh(whole.covariance + np.outer(whole.mean, whole.mean))[1]
    P = rows @ axes
    left = left_out_groups(lambda chosen: [_spread(log_partition(P[chosen]))], len(P), seed=seed)
    return group_estimate(_spread(log_partition(P)), left[:, 0], sample=len(P))
