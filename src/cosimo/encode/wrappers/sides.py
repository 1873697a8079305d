"""Sugar for asymmetric search: which side of the search the items are on, as a method name."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from cosimo.types import Role, Vectors


class Sides(ABC):
    """Gives an encoder `encode_query` and `encode_document`."""

    @abstractmethod
    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row an item, in the order given; see `cosimo.contracts.Encoder`."""

    def encode_query(self, items: Sequence[Any], *, batch_size: int | None = None, progress: bool = False) -> Vectors:
        """(n, d) vectors of items that are searched with."""
        return self.encode(items, role="query", batch_size=batch_size, progress=progress)

    def encode_document(
        self, items: Sequence[Any], *, batch_size: int | None = None, progress: bool = False
    ) -> Vectors:
        """(n, d) vectors of items that are searched for."""
        return self.encode(items, role="document", batch_size=batch_size, progress=progress)
