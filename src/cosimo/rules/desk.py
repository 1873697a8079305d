"""What deciding needs of a collection; light, since every search carries it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from cosimo.passport import Passport
from cosimo.search import SqliteStore
from cosimo.search.view import VectorView
from cosimo.types import Hits, PerItem, Vectors

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Desk:
    """What deciding needs of a collection.

    search
        `(queries, k, where=None) -> Hits`, undecided.
    encode
        `(texts, progress=False) -> X (n, d)`, as queries.
    """

    store: SqliteStore
    view: VectorView
    passport: Passport
    search: Callable[..., Hits]
    encode: Callable[..., Vectors]
    _memo: dict[object, tuple[int, Any]] = field(default_factory=dict, repr=False)

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """What `compute` gives, computed once for each state of the collection and not for each search."""
        now = self.store.generation
        known = self._memo.get(key)
        if known is None or known[0] != now:
            known = self._memo[key] = now, compute()
        value: T = known[1]
        return value

    def binds(self, candidates: str, where: str | None) -> dict[str, str]:
        """What the scores of a search depend on, in words that are compared."""
        index = self.view.refresh().index
        return {
            "space": self.passport.key,
            "candidates": candidates,
            "filter": where or "none",
            "index": "exact" if index is None else _named(index.header),
        }


def best_hits(k: int) -> str:
    """How the candidates of a search for k hits are called."""
    return f"the {k} best hits"


def _named(header: Mapping[str, Any]) -> str:
    settings = [f"{name} {value}" for name, value in header["settings"].items() if value is not None]
    return f"{header['kind']} ({', '.join(settings)})"


def best_scores(hits: Hits) -> PerItem:
    """(n,) the score of the best hit of each query, -inf where it has none."""
    return hits.scores[:, 0] if hits.scores.shape[1] else np.full(len(hits), -np.inf, np.float32)
