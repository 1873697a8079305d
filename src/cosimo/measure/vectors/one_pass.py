r"""One pass over a space, whatever is read off it: blocks of rows go in, and each accumulator sees each block once.

    diagnostic -> `gather(seen)` names its accumulators -> blocks -> `read(seen)` makes its figures

`Seen` deals the blocks to the accumulators and hands the same one to everybody who asks for the same kind with the same
arguments, so that diagnostics which are run together share moments and samples. What is known of every space, whoever
looks: n, d, and a fingerprint of the rows in any order,

    sum_i h(x_i) mod 2^64,      h(x) = sum_j w_j mix(b_j),      mix(b) = c xor (c >> 32) with c = C b mod 2^64

where b are the bits of the row, 64 at a time.

Symbols: w_j -> `row_codes`' odd weights, C -> `MIX`.
Pitfalls: a hash of raw bits, for which 0 and -0 differ; a linear hash without mixing, for which vectors that
differ in signs alone collide after some ten thousand rows.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, ClassVar, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import as_vectors, unit
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.passport import fingerprint
from cosimo.types import Estimate, Floats, PerItem, Report, Vectors

NUMBERS, ROWS = 2**19, 1024
"""Numbers taken in at a time, so that what is made of them stays in a processor's cache, and rows at least."""
NORMALISED = 1e-6
"""How far from 1 rounding to float32 may leave a length."""
LARGEST = 1e75
"""Greatest size of a number: fourth powers of it are summed."""
MIX = np.uint64(0x9E3779B97F4A7C15)


@cache
def _weights(dim: int) -> NDArray[np.uint64]:
    return np.random.default_rng(dim).integers(2**63, size=dim, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def row_codes(X: Vectors) -> NDArray[np.uint64]:
    """(n,) 64-bit codes of the rows of `X` (n, d): rows of one float type have equal codes where they are equal.

    >>> row_codes(np.array([[1.0, -0.0], [1.0, 0.0], [-1.0, 0.0]])).tolist()[:2] == [row_codes(np.eye(1, 2))[0]] * 2
    True
    """
    values = np.ascontiguousarray(X) + X.dtype.type(0)  # -0 + 0 = 0
    whole = values.shape[1] * values.itemsize % 8 == 0
    words = (values.view(np.uint64) if whole else values.view(np.uint32).astype(np.uint64)) * MIX
    words ^= words >> np.uint64(32)
    codes: NDArray[np.uint64] = words @ _weights(words.shape[1])
    return codes


def rows_at_a_time(dim: int) -> int:
    """How many rows of `dim` dimensions are taken in at a time.

    >>> rows_at_a_time(384), rows_at_a_time(4096)
    (1365, 1024)
    """
    return max(NUMBERS // max(dim, 1), ROWS)


class Block:
    """Rows `X` (n, d) and what several accumulators want of them, each computed once."""

    def __init__(self, X: Vectors) -> None:
        self.X = X
        self._about: dict[tuple[bool, bytes], tuple[PerItem, Floats]] = {}

    @cached_property
    def lengths(self) -> PerItem:
        """(n,) Euclidean lengths in float64."""
        squares: PerItem = np.einsum("nd,nd->n", self.X, self.X, dtype=np.float64)
        return np.sqrt(squares)

    @cached_property
    def unit(self) -> Vectors:
        """(n, d) rows of length 1, `X` itself where they have it; zero rows stay zero."""
        return self.X if (np.abs(self.lengths - 1) < NORMALISED).all() else unit(self.X)

    def about(self, mean: PerItem, *, normalise: bool) -> tuple[PerItem, Floats]:
        """Mean deviation (d,) of the rows, or of their directions, from `mean`, and the sum of its products (d, d).

        Of rows that have length 1 both are the same, and made once.
        """
        X = self.unit if normalise else self.X
        key = (X is self.X, mean.tobytes())
        if key not in self._about:
            Y = X - mean
            self._about[key] = Y.mean(axis=0), Y.T @ Y
        return self._about[key]

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        """(n,) hashes of the rows."""
        return row_codes(self.X)


class Part(Protocol):
    """Gathers something from blocks."""

    def update(self, block: Block) -> None:
        """Take in the next rows."""


P = TypeVar("P", bound=Part)
R = TypeVar("R")


class Seen:
    """What one pass over a space has gathered: n, dim, a fingerprint, and the accumulators that were asked for."""

    def __init__(self) -> None:
        self.n, self.dim = 0, 0
        self._sum = 0
        self._parts: dict[tuple[Any, ...], Part] = {}
        self._made: dict[tuple[Any, ...], Any] = {}

    def get(self, kind: Callable[..., P], *arguments: Any) -> P:
        """The accumulator `kind(*arguments)`: one for all who ask, made before the first row comes."""
        key = (kind, *arguments)
        if key not in self._parts:
            if self.n:
                raise Refused(f"{self.n:,} rows went by before {kind} was asked for; ask for it in `gather`")
            self._parts[key] = kind(*arguments)
        return cast("P", self._parts[key])

    def once(self, make: Callable[[], R], *, key: tuple[Any, ...]) -> R:
        """`make()`, made once for all who ask under the same key, and again after more rows came."""
        if key not in self._made:
            self._made[key] = make()
        return cast("R", self._made[key])

    def update(self, X: Vectors) -> None:
        """Take in the next rows `X` (n, d); a block that is refused leaves all as it was."""
        X = as_vectors(X, dim=self.dim or None)
        if not X.shape[1]:
            raise ShapeError("X has 0 dimensions; vectors want at least 1")
        if X.dtype == np.float64 and max(X.max(initial=0.0), -X.min(initial=0.0)) > LARGEST:
            raise DataError(f"X holds numbers beyond {LARGEST:g}, whose squares overflow; scale the vectors down")
        self.dim = X.shape[1]
        self._made.clear()
        rows = rows_at_a_time(self.dim)
        for start in range(0, len(X), rows):
            block = Block(X[start : start + rows])
            for part in self._parts.values():
                part.update(block)
            self.n += len(block.X)
            self._sum = (self._sum + int(block.codes.sum())) % 2**64

    @property
    def fingerprint(self) -> str:
        """SHA-256 that two passes share when they saw the same rows of the same float type, in any order."""
        return fingerprint({"n": self.n, "dim": self.dim, "sum": self._sum})


@dataclass(frozen=True)
class Reading:
    """What a diagnostic read off: named estimates, settings beside those of its constructor, and warnings."""

    metrics: Mapping[str, Estimate]
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class OnePass(ABC):
    """A diagnostic of the vectors of a space, from one pass over them in blocks of any size.

    With fewer vectors than `least`, or fewer dimensions than `least_dim`, every figure is NaN and a warning says why.
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]]
    """Each figure's lowest and highest possible value."""
    least: ClassVar[int] = 2
    """Fewest vectors that have these figures."""
    least_dim: ClassVar[int] = 1
    """Fewest dimensions that have them."""

    seed: int
    _seen: Seen | None = None

    @property
    def names(self) -> Sequence[str]:
        """Its figures, the first of which is the one to quote."""
        return tuple(self.ranges)

    @abstractmethod
    def gather(self, seen: Seen) -> Any:
        """The accumulators it reads."""

    @abstractmethod
    def read(self, seen: Seen) -> Reading:
        """Its figures, from what they gathered."""

    def update(self, X: Vectors) -> None:
        """Take in the next block of vectors `X` (n, d).

        Raises
        ------
        DataError, ShapeError
            NaN, infinity, or another dimension than before; the block is then left out.
        """
        self._own().update(X)

    def result(self) -> Report:
        """What was seen so far."""
        return self.report(self._own())

    def report(self, seen: Seen) -> Report:
        """The report on a pass that this diagnostic took part in."""
        if seen.n >= self.least and seen.dim >= self.least_dim:
            reading = self.read(seen)
        else:
            wanted = f"{self.least} vectors of {self.least_dim} dimension{'s' * (self.least_dim > 1)}"
            told = f"{type(self).__name__} wants at least {wanted}, got {seen.n} of {seen.dim}: its figures are NaN"
            reading = Reading({name: Estimate(math.nan) for name in self.names}, warnings=(told,))
        given = {name: value for name, value in vars(self).items() if not name.startswith("_") and name != "seed"}
        return Report(
            metrics={name: _within(reading.metrics[name], self.ranges[name]) for name in self.names},
            n=seen.n,
            items=seen.fingerprint,
            seed=self.seed,
            passport="",
            settings={"diagnostic": type(self).__name__, "dim": seen.dim, **given, **reading.settings},
            warnings=reading.warnings,
        )

    def _own(self) -> Seen:
        if self._seen is None:
            self._seen = Seen()
            self.gather(self._seen)
        return self._seen


def _within(found: Estimate, bounds: tuple[float, float]) -> Estimate:
    """The estimate with its interval cut to what is possible."""
    if found.interval is None:
        return found
    low, high = np.clip((found.interval.low, found.interval.high), *bounds).tolist()
    return replace(found, interval=replace(found.interval, low=low, high=high))
