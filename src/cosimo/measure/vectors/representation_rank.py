r"""Representation rank: how many dimensions a space uses, softly counted, and how that moves while a model is trained.

    p_k = s_k / sum_j s_j,      rank = exp(-sum_k p_k log p_k)      s_k the singular values of the centred unit vectors

The rank goes from 1 (one direction) to d. During contrastive fine-tuning it is said to rise to a peak (phase 1) and
then to fall (phase 2). What goes along with quality in one phase need not in the other, so a curve is split at its
peak.

Symbols: s -> sqrt of n times the `variances` (d,) along the principal axes; rank -> `effective_rank`.
Pitfalls: ranks of different numbers of rows compared: n rows have a rank of n - 1 at most, and rank grows with n
until n is many times d; eigenvalues taken for singular values, which gives a smaller number (that of the von Neumann
entropy); the offset left in, whose one long direction lowers the rank of any space.
The regulariser of the paper, which lowers the rank in training, is part of a training room and is not here.
Reference: Unveiling Key Aspects of Fine-Tuning in Sentence Embeddings: A Representation Rank Analysis, 2024,
https://arxiv.org/abs/2405.11297; Roy and Vetterli, The effective rank: a measure of effective dimensionality, 2007
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.errors import DataError
from cosimo.measure.vectors.moments import Moments, clean
from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir
from cosimo.measure.vectors.spectrum import (
    OfSpectrum,
    few_rows,
    moments,
    participation_ratio,
    spectral_estimates,
    stable_rank,
)
from cosimo.types import PerItem, Vectors


def effective_rank(X: Vectors, *, centre: bool = True, normalise: bool = True) -> float:
    """How many dimensions the space of `X` (n, d) uses, from 1 to d; 0 where nothing is left to use one.

    centre
        Whether the mean is taken off before.
    normalise
        Whether vectors are brought to length 1 first, before the mean is taken off.

    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> round(effective_rank(X), 6), round(effective_rank(X[:2]), 6)
    (2.0, 1.0)
    """
    X = as_vectors(X)
    if len(X) < 2:
        raise DataError(f"a rank wants at least 2 vectors, got {len(X)}")
    found = moments(X, normalise=normalise)
    if centre:
        return rank_of_variances(found.variances)
    second = found.covariance + np.outer(found.mean, found.mean)
    return rank_of_variances(clean(np.linalg.eigvalsh(second)[::-1]))


def rank_of_variances(variances: PerItem) -> float:
    """Effective rank from variances along the principal axes, whose square roots the singular values go by.

    >>> round(rank_of_variances(np.array([9.0, 9.0, 0.0])), 6)
    2.0
    """
    s = np.sqrt(variances[variances > 0])
    if not len(s):
        return 0.0
    p = s / s.sum()
    return float(np.exp(-(p @ np.log(p))))


@dataclass(frozen=True)
class RankCurve:
    """Effective rank of the same number of vectors at several steps of a training.

    steps
        Rising.
    ranks
        One for each step.
    n
        Vectors at each step.
    """

    steps: tuple[int, ...]
    ranks: tuple[float, ...]
    n: int


def rank_curve(snapshots: Iterable[tuple[int, Vectors]], *, normalise: bool = True) -> RankCurve:
    """The rank at each of several steps, from (step, vectors (n, d)) with the same n everywhere.

    Raises
    ------
    DataError
        No snapshot, steps that do not rise, or numbers of vectors that differ.

    >>> wide, flat = np.eye(4) - 0.25, np.array([[1.0, -1.0], [2.0, 0.0], [-1.0, 1.0], [0.0, 2.0]])
    >>> rank_curve([(0, flat[:, :1]), (50, wide)], normalise=False).ranks
    (1.0, 3.0)
    """
    steps: list[int] = []
    ranks: list[float] = []
    n = 0
    for step, X in snapshots:
        if steps and step <= steps[-1]:
            raise DataError(f"steps must rise, got {step} after {steps[-1]}")
        if steps and len(X) != n:
            raise DataError(f"rank depends on the number of vectors: got {len(X)} at step {step} and {n} before")
        n = len(X)
        steps.append(step)
        ranks.append(effective_rank(X, normalise=normalise))
    if not steps:
        raise DataError("a curve wants at least one snapshot (step, vectors)")
    return RankCurve(tuple(steps), tuple(ranks), n)


def phase_split(curve: RankCurve) -> tuple[RankCurve, RankCurve]:
    """The two phases of a training: up to the highest rank, and from there on; the peak belongs to both.

    A rank that only falls has a first phase of one step, one that only rises a second.

    >>> rise, fall = phase_split(RankCurve((0, 50, 100, 150), (9.0, 12.0, 8.0, 7.0), 500))
    >>> rise.steps, fall.steps
    ((0, 50), (50, 100, 150))
    """
    if not curve.ranks:
        raise DataError("the curve is empty; it wants at least one step")
    peak = max(range(len(curve.ranks)), key=curve.ranks.__getitem__)
    ends = slice(None, peak + 1), slice(peak, None)
    rise, fall = (RankCurve(curve.steps[part], curve.ranks[part], curve.n) for part in ends)
    return rise, fall


@final
class EffectiveRank(OnePass):
    """How many dimensions a space uses, in one pass, counted in three ways.

    Figures of all vectors, the mean taken off: `effective_rank` (entropy of the singular values), `participation_ratio`
    and `stable_rank`; their intervals leave out groups of a random sample.

    normalise
        Whether vectors are brought to length 1 first.
    size
        Vectors in that sample.
    seed
        Draws it.

    >>> X = np.random.default_rng(0).normal(size=(4000, 4)) * [1, 1, 1, 0] - 5
    >>> diagnostic = EffectiveRank(normalise=False)
    >>> diagnostic.update(X)
    >>> {name: round(found.value, 1) for name, found in diagnostic.result().metrics.items()}
    {'effective_rank': 3.0, 'participation_ratio': 3.0, 'stable_rank': 2.9}
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = dict.fromkeys(
        ("effective_rank", "participation_ratio", "stable_rank"), (0.0, np.inf)
    )

    def __init__(self, *, normalise: bool = True, size: int = 2000, seed: int = 0) -> None:
        self.normalise, self.size, self.seed = normalise, size, seed

    def gather(self, seen: Seen) -> tuple[Moments, Reservoir]:
        """Moments of all vectors, and a sample for the intervals."""
        return seen.get(Moments, self.normalise), seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """Three counts of the same spectrum."""
        whole, sample = self.gather(seen)
        figures: dict[str, OfSpectrum] = {
            "effective_rank": rank_of_variances,
            "participation_ratio": participation_ratio,
            "stable_rank": stable_rank,
        }
        found = spectral_estimates(figures, seen, whole, sample)
        return Reading(found, {"sample": len(sample)}, few_rows(seen.n, seen.dim))
