r"""Duplicates: vectors that are there more than once, exactly or nearly.

    exact         1 - (different vectors) / n                                        by a 64-bit hash of all n
    near_copies   (n - 1) * share of pairs i < j with cos(x_i, x_j) >= threshold     near copies an item has on average

The hashes are all that is kept of all vectors, 8 bytes each. Two different vectors share one with probability 2^-64 or
so. Near copies are counted in a random sample of m: two copies of one item are both in it with probability (m / n)^2
only, so the share of pairs is what can be carried over to all n, not the share of items. With fewer than 6 n / m^2
copies an item the sample holds no pair more often than once in twenty times, so that is the least that can be seen.

Symbols: m -> `size`, 6 n / m^2 -> the setting `visible_from`.
Pitfalls: the share of a sample's items with a copy taken for that of all items; -0 and 0 told apart.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import unit
from cosimo.errors import DataError, Refused
from cosimo.measure.vectors.one_pass import Block, OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir
from cosimo.statistics import pair_average_interval
from cosimo.types import Estimate, Floats

ROUNDING = 1e-6
"""How far below 1 the cosine of equal float32 vectors may come out."""
SHOWN = 5
"""Groups of copies named in the report."""


@final
class Copies:
    """A hash of every row."""

    def __init__(self) -> None:
        self._codes: list[NDArray[np.uint64]] = []

    def update(self, block: Block) -> None:
        """Take in the next rows."""
        self._codes.append(block.codes)

    @property
    def codes(self) -> NDArray[np.uint64]:
        """(n,) hashes in the order of the rows."""
        return np.concatenate(self._codes) if self._codes else np.empty(0, np.uint64)


@final
class DuplicateVectors(OnePass):
    """How many vectors are copies of others.

    Figures: the share of `exact` copies of an earlier vector and `largest`, how often the commonest vector is there,
    both counted over all, so without an interval; `near_copies`, how many others an item has on average at a cosine of
    at least `threshold`, exact ones among them, from a random sample. The settings name rows of the largest `groups` of
    exact copies, and the fewest near copies that can be seen, `visible_from`.

    threshold
        Lowest cosine of a near copy.
    size
        Vectors in the sample.
    seed
        Draws it.

    >>> diagnostic = DuplicateVectors()
    >>> diagnostic.update(np.array([[1.0, -1.0], [1.0, -1.0], [0.0, 2.0], [1.0, 0.0]]))
    >>> report = diagnostic.result()
    >>> {name: found.value for name, found in report.metrics.items()}, report.settings["groups"]
    ({'exact': 0.25, 'largest': 2.0, 'near_copies': 0.5}, [[0, 1]])
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "exact": (0.0, 1.0),
        "largest": (1.0, np.inf),
        "near_copies": (0.0, np.inf),
    }

    def __init__(self, *, threshold: float = 0.99, size: int = 5000, seed: int = 0) -> None:
        self.threshold, self.size, self.seed = threshold, size, seed

    def gather(self, seen: Seen) -> tuple[Copies, Reservoir]:
        """Hashes of all vectors, and a sample."""
        if not -1 < self.threshold <= 1:
            raise DataError(f"threshold is a cosine, above -1 and at most 1, got {self.threshold}")
        return seen.get(Copies), seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """Exact copies among all, near ones in the sample."""
        copies, sample = self.gather(seen)
        n, m = seen.n, len(sample)
        _, which, counts = np.unique(copies.codes, return_inverse=True, return_counts=True)
        repeated = n - len(counts)
        metrics = {
            "exact": Estimate(repeated / n),
            "largest": Estimate(float(counts.max())),
            "near_copies": self._near(unit(sample.rows), n),
        }
        largest = [group for group in np.argsort(-counts, kind="stable")[:SHOWN] if counts[group] > 1]
        groups = [np.flatnonzero(which == group)[:SHOWN].tolist() for group in largest]
        told = f"{repeated:,} of {n:,} vectors are exact copies of earlier ones"
        settings = {"sample": m, "groups": groups, "visible_from": 6 * n / m**2 if m < n else 0.0}
        return Reading(metrics, settings, (told,) if repeated else ())

    def _near(self, U: Floats, n: int) -> Estimate:
        near = self.threshold - ROUNDING <= U @ U.T
        np.fill_diagonal(near, False)
        h = near.sum(axis=1) / (len(U) - 1) * (n - 1)
        try:
            found = pair_average_interval(h)
        except Refused:
            return Estimate(float(h.mean()))
        return Estimate(float(h.mean()), replace(found, low=max(found.low, 0.0)))
