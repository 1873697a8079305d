"""Vectors that were made elsewhere, as the items of a space that has no encoder: an array (n, d) passes through."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.encode.items import no_condition
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.passport import Passport
from cosimo.types import Role, Vectors


@final
class Precomputed(Sides):
    """Stands for an encoder that runs elsewhere: its items are the vectors themselves.

    dim
        Dimensions of the vectors.
    name
        What the vectors are, such as `clip-vit-b32 v2`. Two precomputed spaces are the same when name and
        dimensions are, since nothing else is known; change the name whenever the vectors change.

    >>> Precomputed(2, name="clicks 2024").encode([[1, -2], [0, 3]])
    array([[ 1., -2.],
           [ 0.,  3.]], dtype=float32)
    """

    def __init__(self, dim: int, *, name: str) -> None:
        if dim < 1:
            raise DataError(f"dim must be at least 1, got {dim}")
        self.dim = dim
        self.name = name

    @property
    def passport(self) -> Passport:
        """The declared name: the caller's word, no hash."""
        return Passport("precomputed", self.name, self.dim, {"declared": self.name})

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """The vectors (n, dim) themselves as float32, checked.

        Raises
        ------
        DataError
            For anything but numbers: there is no encoder that could read it.
        """
        no_condition(given)
        try:
            array = np.asarray(items)
        except ValueError:  # rows of different lengths
            array = np.empty(0, np.object_)
        if array.dtype.kind not in "fiub":
            raise DataError(
                f'this space ("{self.name}") has no encoder, so it cannot read texts or other raw items; '
                f"pass vectors of shape (n, {self.dim})"
            )
        if array.shape == (0,):
            return np.empty((0, self.dim), np.float32)
        return as_vectors(array, name="items", dim=self.dim).astype(np.float32, copy=False)
