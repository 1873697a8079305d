"""Any Python callable from n items to vectors (n, d) as an encoder.

A callable has no hash, so it is known by what it does: the vectors it gives to the probe items.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo._progress import bar
from cosimo.encode.items import batch_limit, check_items, no_condition, probe_vectors
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import CosimoError, DataError, ShapeError
from cosimo.passport import PROBES, Passport
from cosimo.types import Role, Vectors

BATCH = 256

Embed: TypeAlias = Callable[[list[Any]], ArrayLike]


@final
class FunctionEncoder(Sides):
    """Makes an encoder of a function from a list of items to their vectors.

    fn
        Called with a batch of items, gives one vector of the same dimensions for each.
    query
        Used instead of `fn` for items with the role of a query.
    name
        What people call it; the function's own name when left out.
    dim
        Dimensions of the vectors; found by encoding one probe when left out.
    probes
        Items whose vectors identify the function: two function encoders may be used together when these agree.
        Replace them when the items are not texts.

    >>> lengths = FunctionEncoder(lambda texts: [[len(text), -1] for text in texts])
    >>> lengths.encode(["abc", ""])
    array([[ 3., -1.],
           [ 0., -1.]], dtype=float32)
    """

    def __init__(
        self,
        fn: Embed,
        *,
        query: Embed | None = None,
        name: str | None = None,
        dim: int | None = None,
        probes: Sequence[Any] = PROBES,
    ) -> None:
        self.fn = fn
        self.query = query
        self.name = name or str(getattr(fn, "__name__", type(fn).__name__))
        self.probes = probes
        self._dim = dim

    @cached_property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return self._dim or self._on_probes(self.probes[:1], role="document", dim=None).shape[1]

    @cached_property
    def passport(self) -> Passport:
        """Probe vectors, and nothing else that could tell two functions apart."""
        probe = probe_vectors(partial(self._on_probes, dim=self.dim), probes=self.probes)
        return Passport("callable", self.name, self.dim, content=False, probe=probe)

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row an item, in the order given.

        batch_size
            Items the function gets at once.

        Raises
        ------
        ShapeError, DataError
            When the function returns another shape than (items, dim), NaN, or no numbers.
        """
        no_condition(given)
        listed = check_items(items)
        size = batch_limit(batch_size, default=BATCH)
        X = np.empty((len(listed), self.dim), np.float32)
        with bar(progress, len(listed), "encoding") as advance:
            for start in range(0, len(listed), size):
                batch = listed[start : start + size]
                X[start : start + len(batch)] = self._call(batch, role, self.dim)
                advance(len(batch))
        return X

    def _on_probes(self, probes: Sequence[Any], *, role: Role, dim: int | None) -> Vectors:
        try:
            return self._call(list(probes), role, dim)
        except CosimoError:
            raise
        except Exception as error:  # whatever the caller's function raises on items it was not made for
            hint = "give probes=[...], 16 items of the kind it takes"
            raise DataError(f"{self.name} failed on the probe items ({error}); {hint}") from error

    def _call(self, batch: list[Any], role: Role | None, dim: int | None) -> Vectors:
        fn = self.query if role == "query" and self.query is not None else self.fn
        X = as_vectors(fn(batch), name=f"the result of {self.name}", dim=dim)
        if len(X) != len(batch):
            raise ShapeError(
                f"{self.name} returned {len(X)} vectors for {len(batch)} items; it must return one an item"
            )
        return X.astype(np.float32, copy=False)
