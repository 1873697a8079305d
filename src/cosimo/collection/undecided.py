"""A collection as rules see it: searches that decide nothing, and what their scores depend on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from cosimo.contracts import Extent
from cosimo.passport import Passport
from cosimo.search.view import VectorView
from cosimo.types import Hits, Item, PerItem, Vectors

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Undecided:
    """Keeps the contract `Searcher` for a collection; light, since every search carries it.

    search
        `(queries, k, where=None) -> Hits`, undecided.
    encode
        `(texts, progress=False) -> X (n, d)`, as queries.
    """

    view: VectorView
    passport: Passport
    search: Callable[..., Hits]
    encode: Callable[..., Vectors]
    _memo: dict[object, tuple[int, Any]] = field(default_factory=dict, repr=False)

    @property
    def scale(self) -> str:
        """The scale of the similarity."""
        return self.view.similarity.scale

    @property
    def fields(self) -> Mapping[str, type]:
        """Declared fields of the items and their types."""
        return self.view.store.fields

    @property
    def extent(self) -> Extent:
        """The state of the store."""
        store = self.view.store
        return Extent(store.count(), store.last_row(), store.generation)

    def binds(self, candidates: str, where: str | None) -> dict[str, str]:
        """What the scores of a search depend on, in words that are compared."""
        index = self.view.refresh().index
        return {
            "space": self.passport.key,
            "candidates": candidates,
            "filter": where or "none",
            "index": "exact" if index is None else _named(index.header),
        }

    def get(self, ids: Sequence[str]) -> list[Item | None]:
        """The items under these ids, in order, None where there is none."""
        return self.view.store.get(ids)

    def kept_and_new(self, row: int) -> tuple[int, int]:
        """How many items there are up to that row, and how many after it."""

        def counted() -> tuple[int, int]:
            rows = self.view.store.rows()
            kept = int(np.searchsorted(rows, row, side="right"))
            return kept, len(rows) - kept

        return self._once(row, counted)

    def best_since(self, row: int, Q: Vectors) -> PerItem:
        """(n,) the best score of each query among the items after that row, -inf where there are none."""

        def best() -> PerItem:
            found = np.full(len(Q), -np.inf, np.float32)
            for _, X in self.view.store.vectors(self.view.kind, after=row, live=True):
                found = np.maximum(found, self.view.similarity(Q, X).max(axis=1))
            return found

        return self._once((row, Q.tobytes()), best)

    def _once(self, key: object, compute: Callable[[], T]) -> T:
        """What `compute` gives, computed once for each state of the collection and not for each search."""
        now = self.view.store.generation
        known = self._memo.get(key)
        if known is None or known[0] != now:
            known = self._memo[key] = now, compute()
        value: T = known[1]
        return value


def _named(header: Mapping[str, Any]) -> str:
    settings = [f"{name} {value}" for name, value in header["settings"].items() if value is not None]
    return f"{header['kind']} ({', '.join(settings)})"
