r"""Outlier dimensions: a few coordinates that decide every cosine, and coordinates that say nothing at all.

    mean vector m over all vectors;     k is an outlier   where |m_k - mean(m)| > z sd(m)          over the d dimensions
    k is constant                       where no vector differs from any other in it
    what k adds to the mean cosine      c_k = mean over pairs i < j of u_ik u_jk,    u = x / |x|

Symbols: z -> `z`, c -> `contributions` (d,).
Pitfalls: outliers looked for in single vectors instead of in the mean over many; a rotation of the space has
no such dimensions, and the same cosines: they are a trait of the coordinates that a network writes to.
Reference: Exploring Anisotropy and Outliers in Multilingual Language Models for Cross-Lingual Semantic Sentence
Similarity, 2023, https://arxiv.org/abs/2306.00458
"""

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from cosimo._arrays import as_vectors, unit
from cosimo.errors import DataError
from cosimo.measure.vectors.directions import Directions
from cosimo.measure.vectors.moments import Moments
from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir, group_estimate, left_out_groups
from cosimo.types import Estimate, PerItem, Rows, Vectors

SHOWN = 10
"""Dimensions named in the report."""
MATTERS = 0.05
"""What outliers together add to the mean cosine where they are worth a warning: of many dimensions some stand out
by chance alone."""


def outlier_dimensions(X: Vectors, *, z: float = 3.0) -> Rows:
    """The dimensions of `X` (n, d) whose mean lies more than z standard deviations off that of all dimensions.

    >>> X = np.zeros((2, 20)); X[:, 7] = -5.0
    >>> outlier_dimensions(X)
    array([7])
    """
    X = as_vectors(X)
    _require_above_zero(z)
    if not len(X):
        raise DataError("outlier dimensions want at least 1 vector, got 0")
    return far_off(X.mean(axis=0, dtype=np.float64), z)


def far_off(mean: PerItem, z: float) -> Rows:
    """Places of a mean vector (d,) that lie more than z standard deviations off the mean of its places."""
    apart = np.abs(mean - mean.mean())
    return np.flatnonzero(apart > z * mean.std())


def _require_above_zero(z: float) -> None:
    if z <= 0:
        raise DataError(f"z must be above 0, got {z}")


@final
class OutlierDimensions(OnePass):
    """Dimensions that stand out of the mean vector, that never change, and that make random pairs alike.

    Figures: the number of `outliers` and of `constant` dimensions; `largest_contribution`, what the dimension that adds
    most to the mean cosine adds, and `largest_variance`, the share of the variance in one dimension. The settings name
    them: `outlier_dims`, `constant_dims`, and the largest `contributions` as [dimension, amount].

    z
        Standard deviations beyond which a dimension counts as an outlier.
    size
        Vectors in the random sample that the intervals come from.
    seed
        Draws it.

    >>> X = np.random.default_rng(0).normal(size=(500, 50))
    >>> X[:, 7] -= 20.0
    >>> X[:, 9] = 1.5
    >>> diagnostic = OutlierDimensions()
    >>> diagnostic.update(X)
    >>> settings = diagnostic.result().settings
    >>> settings["outlier_dims"], settings["constant_dims"], settings["contributions"][0][0]
    ([7], [9], 7)
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "outliers": (0.0, np.inf),
        "constant": (0.0, np.inf),
        "largest_contribution": (-1.0, 1.0),
        "largest_variance": (0.0, 1.0),
    }

    def __init__(self, *, z: float = 3.0, size: int = 2000, seed: int = 0) -> None:
        self.z, self.size, self.seed = z, size, seed

    def gather(self, seen: Seen) -> tuple[Moments, Directions, Reservoir]:
        """Mean and variances of all vectors, sums of their directions, and a sample."""
        _require_above_zero(self.z)
        sample = seen.get(Reservoir, self.size, self.seed)
        return seen.get(Moments, False), seen.get(Directions), sample

    def read(self, seen: Seen) -> Reading:
        """Places of the mean, of no variance, and of the largest shares."""
        whole, directions, sample = self.gather(seen)
        outliers = far_off(whole.mean, self.z)
        variances = np.diagonal(whole.scatter)
        constant = np.flatnonzero(variances == 0)
        added = directions.contributions
        top, loud = int(np.argmax(added)), int(np.argmax(variances))
        total = float(variances.sum())
        share = float(variances[loud]) / total if total > 0 else 0.0
        rows = sample.rows
        m, U, Y = len(rows), unit(rows)[:, top].astype(np.float64), rows - whole.mean

        def figures(rows: Rows) -> list[float]:
            u, spread = U[rows], Y[rows].var(axis=0)
            pairs = max(len(rows) * (len(rows) - 1), 1)
            return [(float(u.sum()) ** 2 - float(u @ u)) / pairs, spread[loud] / max(spread.sum(), 1e-300)]

        left = left_out_groups(figures, m, seed=self.seed)
        metrics = {
            "outliers": Estimate(float(len(outliers))),
            "constant": Estimate(float(len(constant))),
            "largest_contribution": group_estimate(float(added[top]), left[:, 0], sample=m, n=seen.n),
            "largest_variance": group_estimate(share, left[:, 1], sample=m, n=seen.n),
        }
        order = np.argsort(-added, kind="stable")[:SHOWN]
        settings = {
            "sample": m,
            "outlier_dims": outliers.tolist(),
            "constant_dims": constant.tolist(),
            "contributions": [[int(k), float(added[k])] for k in order],
        }
        return Reading(metrics, settings, _told(outliers, constant, added))


def _told(outliers: Rows, constant: Rows, added: PerItem) -> tuple[str, ...]:
    told = []
    amount = float(added[outliers].sum())
    if amount > MATTERS:
        told.append(
            f"{len(outliers)} of {len(added)} dimensions stand out of the mean vector and add {amount:.2f} to a mean "
            f"cosine of {float(added.sum()):.2f}: take the mean off (centre)"
        )
    if len(constant):
        told.append(f"{len(constant)} of {len(added)} dimensions are the same in all vectors: they can be dropped")
    return tuple(told)
