"""What deciding needs of a collection; light, since every search carries it."""

from collections.abc import Callable
from dataclasses import dataclass

from cosimo.passport import Passport
from cosimo.search import SqliteStore
from cosimo.search.indexing import index_state
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
        index = index_state(self.view)
        return {
            "space": self.passport.digest[:16],
            "candidates": candidates,
            "filter": where or "none",
            "index": "exact" if index is None else str(index["kind"]),
        }


def best_hits(k: int) -> str:
    """How the candidates of a search for k hits are called."""
    return f"the {k} best hits"
