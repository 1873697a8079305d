r"""Distributions of cosines on one grid: densities, what two of them share, and where they cross.

$$ p(x) = \frac{1}{\sum_i w_i} \sum_i w_i \, \mathcal N(x; s_i, h), \quad h = \sigma n^{-1/5} \qquad
   \operatorname{OVL}(p, q) = \int \min(p, q) $$

Symbols: s -> `values` (p,), w -> how often the question that owns each value was drawn, h -> Scott's bandwidth, the
same for all resamples, so that values drawn twice do not sharpen a density.
Pitfalls: a quantile interpolated between two values; mass that leaves [-1, 1] (here every kernel is cut there).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cosimo.types import Floats

CELLS = 512
"""Cells of the grid, which spans [-1, 1]."""

CENTRES = (np.arange(CELLS) + 0.5) * 2 / CELLS - 1
"""Middle of each cell."""


@dataclass(frozen=True, eq=False)
class Cosines:
    """Cosines `values` (p,) float64, and the question each belongs to, `owner` (p,) in 0 .. n - 1.

    Each method takes the questions as often as `counts` (n,) says.
    """

    values: Floats
    owner: NDArray[np.int64]

    def quantile(self, q: float, counts: Floats) -> float:
        """Smallest value that a share q does not exceed."""
        reached = np.cumsum(counts[self.owner[self._order]])
        place = np.searchsorted(reached, q * reached[-1] * (1 - 1e-12))  # 0.07 of 100 is 7, not 8
        return float(self.values[self._order[place]])

    def above(self, cut: float, counts: Floats) -> float:
        """Share of values from `cut` on."""
        weight = counts[self.owner]
        return float(weight @ (self.values >= cut) / weight.sum())

    def density(self, counts: Floats) -> Floats:
        """(cells,) probability of each cell."""
        mass = self._kernel @ np.bincount(self._cells, counts[self.owner], CELLS)
        p: Floats = mass / mass.sum()
        return p

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.values, kind="stable")

    @cached_property
    def _cells(self) -> NDArray[np.int64]:
        return np.clip(((self.values + 1) * CELLS / 2).astype(np.int64), 0, CELLS - 1)

    @cached_property
    def _kernel(self) -> Floats:
        """(cells, cells) where what lies in a cell is spread to."""
        width = max(float(self.values.std()) * len(self.values) ** -0.2, 2 / CELLS)
        spread = np.exp(-0.5 * ((CENTRES[:, None] - CENTRES) / width) ** 2)
        kernel: Floats = spread / spread.sum(axis=0)
        return kernel


def overlap(p: Floats, q: Floats) -> float:
    """What two densities (cells,) share: 1 where they are equal, 0 where they never meet.

    >>> overlap(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.25, 0.75]))
    0.25
    """
    return float(np.minimum(p, q).sum())


def crossing(low: Floats, high: Floats) -> float:
    """Cosine at which a lower density (cells,) gives way to a higher one.

    Of several crossings the one that leaves least of `high` below and of `low` above it.
    """
    wrong = np.concatenate([[0.0], np.cumsum(high - low)])
    return float(wrong.argmin()) * 2 / CELLS - 1
