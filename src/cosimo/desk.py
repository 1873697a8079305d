"""What deciding needs of a collection; light, since every search carries it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cosimo.passport import Passport
from cosimo.search import SqliteStore
from cosimo.search.view import VectorView
from cosimo.types import Hits, Vectors


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
