"""Chain: refiners one after the other, as one.

    x' = f_s(... f_2(f_1(x)))

Symbols: f_1, ..., f_s -> `refiners`.

Pitfalls: whitening or truncating and then comparing by inner product, without normalising last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, final

from cosimo.contracts import Refiner
from cosimo.types import Vectors


@final
@dataclass(frozen=True)
class Chain:
    """Refiner that applies the given ones in order.

    refiners
        Fitted ones may be used as they are; `fit` fits each of them, in place.

    >>> import numpy as np
    >>> from cosimo.refine import Centre, Normalise
    >>> Chain([Centre(), Normalise()]).fit(np.array([[4.0, 0.0], [0.0, 0.0]])).transform(np.array([[-1.0, 4.0]]))
    array([[-0.6,  0.8]])
    """

    refiners: Sequence[Refiner]

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Fit every refiner on what X (n, d) has become before it."""
        for refiner in self.refiners:
            X = refiner.fit(X, y).transform(X)
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, k) what the last refiner makes of X (n, d)."""
        for refiner in self.refiners:
            X = refiner.transform(X)
        return X
