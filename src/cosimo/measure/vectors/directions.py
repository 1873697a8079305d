r"""Sums over the lengths and the directions of all rows of a space, from which averages over all pairs follow.

    u_i = x_i / |x_i|        mean cosine over pairs i < j       = (|sum_i u_i|^2 - sum_i |u_i|^2) / (n (n - 1))
                             what dimension k contributes to it = ((sum_i u_ik)^2 - sum_i u_ik^2) / (n (n - 1))
                             of item i with all others          = (u_i . sum_j u_j - |u_i|^2) / (n - 1)

Zero rows have no direction: u = 0, and a cosine of 0 with everything.

Symbols: sum_i u_i -> `total` (d,), sum_i u_ik^2 -> `squares` (d,).
Pitfalls: an item compared with itself, which raises the mean cosine by 1 / n; a few thousand random pairs drawn
where the average over all pairs costs one sum.
"""

import math
from typing import final

import numpy as np

from cosimo._arrays import unit
from cosimo.errors import Refused
from cosimo.measure.vectors.one_pass import Block
from cosimo.measure.vectors.sampling import scaled
from cosimo.statistics import pair_average_interval
from cosimo.types import Estimate, PerItem, Vectors

UNIT = 1e-3
"""How far from 1 the length of a normalised vector may be: rounding to half precision stays within."""


@final
class Directions:
    """Sums of unit rows and of lengths, over all rows."""

    def __init__(self) -> None:
        self.n = 0
        self.total = np.zeros(0)
        self.squares = np.zeros(0)
        self.zero = self.unnormalised = 0
        self.shortest, self.longest = math.inf, 0.0
        self._mean = self._scatter = 0.0

    def update(self, block: Block) -> None:
        """Take in the next rows."""
        U, lengths = block.unit, block.lengths
        if not self.n:
            self.total, self.squares = np.zeros((2, U.shape[1]))
        self.total += U.sum(axis=0, dtype=np.float64)
        self.squares += np.einsum("nd,nd->d", U, U, dtype=np.float64)
        self.zero += int((lengths == 0).sum())
        self.unnormalised += int((np.abs(lengths - 1) > UNIT).sum())
        self.shortest, self.longest = min(self.shortest, lengths.min()), max(self.longest, lengths.max())
        b, m = len(lengths), float(lengths.mean())
        apart = m - self._mean
        self._scatter += float(((lengths - m) ** 2).sum()) + apart**2 * self.n * b / (self.n + b)
        self._mean += apart * b / (self.n + b)
        self.n += b

    @property
    def mean_length(self) -> float:
        """Mean length of the rows."""
        return self._mean

    @property
    def sd_length(self) -> float:
        """Standard deviation of the lengths, divided by n - 1."""
        return math.sqrt(self._scatter / (self.n - 1)) if self.n > 1 else 0.0

    @property
    def contributions(self) -> PerItem:
        """(d,) what each dimension adds to the mean cosine over all pairs."""
        added: PerItem = (self.total**2 - self.squares) / (self.n * (self.n - 1))
        return added

    def cosines(self, X: Vectors) -> PerItem:
        """(m,) mean cosine of each of the rows `X` (m, d), which were among those seen, with all others."""
        U = unit(X.astype(np.float64))
        means: PerItem = (U @ self.total - np.einsum("nd,nd->n", U, U)) / (self.n - 1)
        return means

    @property
    def average(self) -> float:
        """Mean cosine over all pairs of rows."""
        return float(np.clip(self.contributions.sum(), -1, 1))  # unit vectors are longer than 1 by rounding

    def mean_cosine(self, X: Vectors) -> Estimate:
        """Mean cosine over all pairs of rows, with the error that a sample `X` (m, d) of them shows."""
        value = self.average
        try:
            found = pair_average_interval(self.cosines(X))
        except Refused:
            return Estimate(value)
        return Estimate(value, scaled(found, value, sample=len(X), n=self.n))
