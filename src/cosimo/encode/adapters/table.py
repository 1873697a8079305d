"""A table of vectors (n, d) by key: words, products, nodes, anything that was embedded once and for all."""

import difflib
import hashlib
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo.encode.items import check_items, no_condition
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError, ShapeError
from cosimo.passport import Passport, fingerprint
from cosimo.types import Role, Vectors


@final
class Table(Sides):
    """Looks vectors up by key: words, products, nodes, anything that was embedded once.

    keys
        n different texts or integers.
    X
        (n, d) one vector a key.
    name
        What people call it.

    >>> Table(["tea", "coffee"], [[1, -1], [2, 0]]).encode(["coffee", "tea"])
    array([[ 2.,  0.],
           [ 1., -1.]], dtype=float32)
    """

    def __init__(self, keys: Sequence[str | int], X: ArrayLike, *, name: str = "table") -> None:
        self.keys = keys
        self.X = as_vectors(X).astype(np.float32, copy=False)
        self.name = name
        self._rows = {key: row for row, key in enumerate(keys)}
        if len(keys) != len(self.X):
            raise ShapeError(f"a table wants one vector a key, got {len(keys)} keys and {len(self.X)} vectors")
        if len(self._rows) < len(keys):
            raise DataError(f"keys must be different, got {len(keys) - len(self._rows)} repeated")

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return int(self.X.shape[1])

    @cached_property
    def passport(self) -> Passport:
        """Hashes of keys and vectors."""
        vectors = hashlib.sha256(np.ascontiguousarray(self.X, "<f4").data).hexdigest()
        keys = [key if isinstance(key, str) else int(key) for key in self.keys]
        return Passport("table", self.name, self.dim, {"keys": fingerprint(keys), "vectors": vectors})

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, the vector of each key.

        Raises
        ------
        DataError
            For a key that is not in the table, with the keys most like it.
        """
        no_condition(given)
        keys = check_items(items)
        for key in keys:
            if not isinstance(key, Hashable) or key not in self._rows:
                raise DataError(self._unknown(key))
        rows = [self._rows[key] for key in keys]
        return self.X[np.array(rows, np.int64)]

    def _unknown(self, key: Any) -> str:
        # Only keys with the same first letter: comparing with a million keys takes long.
        start = str(key)[:1].casefold()
        near = [str(k) for k in self.keys if str(k)[:1].casefold() == start]
        close = difflib.get_close_matches(str(key), near)
        hint = f"; did you mean {' or '.join(repr(k) for k in close)}?" if close else ""
        return f"{key!r} is not among the {len(self.X)} keys of {self.name}{hint}"
