r"""Figures of a spectrum: how the variance of a space is spread over its principal axes, in one number.

    participation ratio    (sum l)^2 / sum l^2
    stable rank            sum l / max l
    variance explained     the k largest l over sum l

All three are unchanged by moving, turning or scaling the space, and a space without any variance has 0 of each. Of d
axes with equal variance the first two are d, of one axis alone 1.

Their intervals leave out groups of a sample's rows. The principal axes are those of the whole sample, so that leaving
out a group only changes the variances along them, which is exact to first order and needs one decomposition, not 40
(with fewer rows than dimensions the error comes out up to a fifth too large):

    l_g,k = 1 / n_g sum_i (p_ik - m_gk)^2      over the rows i outside of group g,     p = (x - mean) V

Symbols: l -> `variances` (d,), largest first; V the principal axes.
Pitfalls: the spectrum of the space before its mean is taken off, which a common offset decides; variances along
the given coordinates, which a rotation changes; spectra of unequal numbers of rows compared: with n rows at most n - 1
axes vary.
Reference: Gao et al., A theory of multineuronal dimensionality, dynamics and measurement, 2017,
https://doi.org/10.1101/214262; Rudelson and Vershynin, Sampling from large matrices, 2007,
https://doi.org/10.1145/1255443.1255449
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from cosimo._arrays import unit
from cosimo.measure.vectors.moments import Moments, clean
from cosimo.measure.vectors.one_pass import Seen
from cosimo.measure.vectors.sampling import GROUPS, Reservoir, group_estimate
from cosimo.statistics import random_groups
from cosimo.types import Estimate, Floats, PerItem, Vectors

OfSpectrum: TypeAlias = Callable[[PerItem], float]


def participation_ratio(variances: PerItem) -> float:
    """How many axes share the variance evenly, from `variances` (d,) along the principal axes.

    >>> participation_ratio(np.array([2.0, 2.0, 0.0])), participation_ratio(np.zeros(3))
    (2.0, 0.0)
    """
    squares = float(variances @ variances)
    return float(variances.sum()) ** 2 / squares if squares > 0 else 0.0


def stable_rank(variances: PerItem) -> float:
    """All variance over that of the loudest axis, from `variances` (d,) along the principal axes.

    >>> stable_rank(np.array([4.0, 1.0, 1.0]))
    1.5
    """
    top = float(variances.max(initial=0.0))
    return float(variances.sum()) / top if top > 0 else 0.0


def variance_explained(variances: PerItem, k: int) -> float:
    """Share of the variance that lies along the k loudest axes, from `variances` (d,) along the principal axes.

    >>> variance_explained(np.array([6.0, 3.0, 1.0]), 2)
    0.9
    """
    total = float(variances.sum())
    return float(np.sort(variances)[::-1][:k].sum()) / total if total > 0 else 0.0


def moments(X: Vectors, *, normalise: bool = False) -> Moments:
    """Mean and scatter of the rows of `X` (n, d), or of their directions.

    >>> moments(np.array([[1.0, -2.0], [3.0, -2.0]])).variances
    array([1., 0.])
    """
    seen = Seen()
    found = seen.get(Moments, normalise)
    seen.update(X)
    return found


def left_out_spectra(rows: Vectors, *, seed: int = 0) -> Floats:
    """(G, r) variances along the principal axes of `rows` (m, d) without each of G random groups of them in turn."""
    Y = rows - rows.mean(axis=0, dtype=np.float64)
    m, groups = len(Y), min(GROUPS, len(Y))
    V = np.linalg.eigh(Y.T @ Y)[1] if Y.shape[1] <= m else np.linalg.svd(Y, full_matrices=False)[2].T
    P = Y @ V
    labels = random_groups(m, groups=groups, seed=seed)
    sums, squares = (np.array([part[labels == g].sum(axis=0) for g in range(groups)]) for part in (P, P**2))
    left = (m - np.bincount(labels, minlength=groups))[:, None]
    spectra: Floats = (squares.sum(axis=0) - squares) / left - ((sums.sum(axis=0) - sums) / left) ** 2
    return np.stack([clean(spectrum) for spectrum in spectra])


def spectral_estimates(
    figures: Mapping[str, OfSpectrum], seen: Seen, whole: Moments, sample: Reservoir
) -> dict[str, Estimate]:
    """Each figure of the spectrum of all rows, with the error that a sample of them shows."""

    def decomposed() -> tuple[PerItem, Floats]:
        rows = unit(sample.rows) if whole.normalise else sample.rows
        return whole.variances, left_out_spectra(rows, seed=sample.seed)

    variances, spectra = seen.once(decomposed, key=("spectra", whole.normalise, sample.size, sample.seed))
    return {
        name: group_estimate(
            figure(variances), np.array([figure(part) for part in spectra]), sample=len(sample), n=seen.n
        )
        for name, figure in figures.items()
    }


def few_rows(n: int, dim: int) -> tuple[str, ...]:
    """The warning that fewer rows than dimensions deserve, if any."""
    if n > dim:
        return ()
    return (
        f"{n:,} vectors of {dim:,} dimensions vary along {n - 1:,} axes at most, so these figures are too low: "
        "compare only with the same number of vectors",
    )
