r"""A random sample of the rows of a stream of unknown length, and intervals whose error comes from it.

Each row gets a random key as it goes by; the sample is the m rows with the smallest keys, which is any m of the n rows
with equal probability, none twice. It depends on the seed and the order of the rows, never on the blocks they come in.

    figures of the sample               the interval at m rows
    figures of all n rows               SE_n = SE_m sqrt(m / n), around the figure of all

SE_m is from leaving out `GROUPS` random groups of the sample in turn.

Symbols: m -> `size`.
Pitfalls: rows drawn with replacement, which makes duplicates where neighbours are counted; the error of a sample
reported for that of all rows.
Reference: Vitter, Random sampling with a reservoir, 1985, https://doi.org/10.1145/3147.3165
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from cosimo._random import generator
from cosimo.errors import DataError, Refused
from cosimo.measure.vectors.one_pass import Block
from cosimo.statistics import random_groups
from cosimo.statistics.jackknife import jackknife_t
from cosimo.types import Estimate, Floats, Interval, PerItem, Rows, Vectors

GROUPS = 40


@final
class Reservoir:
    """Up to `size` rows of a stream and their row numbers, in the order of the stream."""

    def __init__(self, size: int, seed: int) -> None:
        if size < 2:
            raise DataError(f"a sample wants a size of at least 2 rows, got {size}")
        self.size, self.seed = size, seed
        self.n = 0
        self._rng = generator(seed)
        self._keys = np.empty(0)
        self._numbers: Rows = np.empty(0, np.int64)
        self._rows: Vectors = np.empty((0, 0), np.float32)

    def update(self, block: Block) -> None:
        """Take in the next rows."""
        X, keys = block.X, self._rng.random(len(block.X))
        if not self.n:
            self._rows = np.empty((0, X.shape[1]), X.dtype)
        room = self.size - len(self._keys)
        numbers = np.arange(self.n, self.n + len(X))
        if room:
            self._keys = np.concatenate([self._keys, keys[:room]])
            self._numbers = np.concatenate([self._numbers, numbers[:room]])
            self._rows = np.concatenate([self._rows, X[:room]])
        if X.dtype != self._rows.dtype:
            self._rows = self._rows.astype(np.float64)
        for i in room + np.flatnonzero(keys[room:] < self._keys.max()):
            last = int(self._keys.argmax())
            if keys[i] < self._keys[last]:
                self._keys[last], self._numbers[last], self._rows[last] = keys[i], numbers[i], X[i]
        self.n += len(X)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def numbers(self) -> Rows:
        """(m,) places of the sample in the stream, rising."""
        return np.sort(self._numbers)

    @property
    def rows(self) -> Vectors:
        """(m, d) the sample in the order of the stream."""
        rows: Vectors = self._rows[np.argsort(self._numbers)]
        return rows


def left_out_groups(statistic: Callable[[Rows], Sequence[float]], n: int, *, seed: int = 0) -> Floats:
    """(G, k) values of k statistics of row numbers, without each of G random groups of n rows in turn.

    >>> x = np.array([3.0, -1.0, 4.0])
    >>> np.sort(left_out_groups(lambda rows: [x[rows].sum()], 3)[:, 0])
    array([2., 3., 7.])
    """
    labels = random_groups(n, groups=GROUPS, seed=seed)
    return np.array([statistic(np.flatnonzero(labels != group)) for group in range(min(GROUPS, n))], dtype=np.float64)


def group_estimate(value: float, left_out: PerItem, *, sample: int, n: int | None = None) -> Estimate:
    """`value` with the interval that its values (G,) without each group of the sample give.

    sample
        Rows of the sample.
    n
        Rows that `value` is of; None for those of the sample. Without spread there is no interval.

    >>> found = group_estimate(2.0, np.array([1.9, 2.0, 2.2, 2.1]), sample=400, n=1600).interval
    >>> round(found.low, 2), round(found.high, 2), found.n_units
    (1.7, 2.3, 1600)
    """
    try:
        found = jackknife_t(value, left_out, level=0.95, unit="item", n_units=sample)
    except Refused:
        return Estimate(value)
    found = replace(found, method=f"delete-group jackknife, {len(left_out)} groups")
    return Estimate(value, scaled(found, value, sample=sample, n=sample if n is None else n))


def scaled(found: Interval, value: float, *, sample: int, n: int) -> Interval:
    """The interval around `value`, a figure of n rows, from that of the same figure of a sample of them."""
    reach = (found.high - found.low) / 2 * math.sqrt(sample / n)
    method = found.method if sample == n else f"{found.method}, error from {sample:,} rows"
    return replace(found, low=value - reach, high=value + reach, n_units=n, method=method)


def histogram(values: PerItem, *, bins: int = 40, bounds: tuple[float, float] | None = None) -> dict[str, list[float]]:
    """Counts of `values` in equal bins, as lists that go into a report: `edges` (bins + 1), `counts` (bins).

    bounds
        Where the bins start and end; None for the least and the greatest value.

    >>> histogram(np.array([-1.0, 0.2, 0.9, 1.0]), bins=2)
    {'edges': [-1.0, 0.0, 1.0], 'counts': [1, 3]}
    """
    counts, edges = np.histogram(values, bins=bins, range=bounds)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
