r"""Clouds of embeddings: how evenly one fills its space, and how far apart two lie.

For unit vectors u_i, with V the principal axes of their cloud,

$$ \overline{\cos} = \frac{\lVert \sum_i u_i \rVert^2 - n}{n (n - 1)} \qquad
   I = \frac{\min_{c \in \pm V} Z(c)}{\max_{c \in \pm V} Z(c)}, \quad Z(c) = \sum_i e^{c \cdot u_i} $$

$$ E = 2 \, \mathbb E \lVert x - y \rVert - \mathbb E \lVert x - x' \rVert - \mathbb E \lVert y - y' \rVert $$

An even cloud has an average cosine of 0 and I = 1. E, the energy distance, is 0 for clouds of the same distribution.
Pitfalls: pairs counted as independent items, which makes the error of an average over pairs ten times too
small; an item paired with itself; axes of one sign only, so that I depends on which sign a solver happened to give.
Reference: Mu and Viswanath, All-but-the-Top, 2018, https://arxiv.org/abs/1702.01417; Szekely and Rizzo, Energy
statistics, 2013, https://doi.org/10.1016/j.jspi.2013.03.018
"""

import numpy as np

from cosimo._arrays import as_vectors, same_dim, unit
from cosimo.decide.fitting.labelled import in_unit_interval
from cosimo.errors import DataError
from cosimo.types import Estimate, Floats, Interval, Vectors

BLOCK = 1024
"""Rows whose distances are computed at a time."""


def average_cosine(X: Vectors, *, level: float = 0.95) -> Estimate:
    """Mean cosine of the pairs of X (n, d), with an interval over items: 0 where a cloud is even.

    >>> average_cosine(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])).value
    -0.333
    """
    in_unit_interval(level, "level")
    U = _directions(X)
    h = (U @ U.sum(axis=0) - np.einsum("nd,nd->n", U, U)) / (len(U) - 1)
    return _estimate(float(h.mean()), 2 * float(h.std(ddof=1)) / len(U) ** 0.5, len(U), level)


def partition_ratio(X: Vectors) -> float:
    """Smallest over largest partition function of X (n, d) along its principal axes, in (0, 1]; 1 where it is even.

    >>> partition_ratio(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    1.0
    """
    U = _directions(X)
    along = U @ np.linalg.eigh(U.T @ U)[1]
    Z = np.concatenate([np.exp(along).sum(axis=0), np.exp(-along).sum(axis=0)])
    return float(Z.min() / Z.max())


def domain_shift(X: Vectors, Y: Vectors, *, level: float = 0.95) -> Estimate:
    """Energy distance between the directions of two clouds X (n, d) and Y (m, d), with an interval over items.

    Around 0 the clouds cannot be told apart; the interval is then too wide, and may reach below 0.

    >>> A, B = np.eye(4)[:2], np.eye(4)[2:]
    >>> round(domain_shift(np.repeat(A, 50, axis=0), np.repeat(B, 50, axis=0)).value, 1)
    1.4
    """
    in_unit_interval(level, "level")
    U, V = _directions(X), _directions(Y)
    same_dim(U, V)
    across_u, across_v = _mean_distances(U, V), _mean_distances(V, U)
    within_u, within_v = (_mean_distances(W, W) * len(W) / (len(W) - 1) for W in (U, V))
    value = float(2 * across_u.mean() - within_u.mean() - within_v.mean())
    spread = [(across - within).var(ddof=1) for across, within in ((across_u, within_u), (across_v, within_v))]
    error = 2 * np.sqrt(spread[0] / len(U) + spread[1] / len(V))
    return _estimate(value, error, min(len(U), len(V)), level)


def _directions(X: Vectors) -> Floats:
    U = unit(np.asarray(as_vectors(X), np.float64))
    if len(U) < 3:
        raise DataError(f"a cloud takes at least 3 vectors, got {len(U)}")
    return U


def _mean_distances(U: Floats, V: Floats) -> Floats:
    """(n,) mean distance of each row of U (n, d) to the rows of V (m, d), both of length 1."""
    found = []
    for start in range(0, len(U), BLOCK):
        block = U[start : start + BLOCK]
        squares = (block**2).sum(axis=1)[:, None] + (V**2).sum(axis=1) - 2 * block @ V.T
        found.append(np.sqrt(np.maximum(squares, 0.0)).mean(axis=1))
    return np.concatenate(found)


def _estimate(value: float, error: float, n: int, level: float) -> Estimate:
    from scipy.stats import t

    reach = float(t.ppf((1 + level) / 2, n - 1)) * float(error)
    scope = "new items like these; the same model"
    method = "Student t on each item's share in the pairs"
    return Estimate(value, Interval(value - reach, value + reach, level, method, "item", n, "estimate", scope))
