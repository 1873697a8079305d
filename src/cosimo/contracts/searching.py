"""Finding the best of many: indexes, stores, stages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cosimo.types import Embeddings, Hits, Item, PerItem, Query, Rows, Tokens

Search = Callable[["Query"], "Hits"]


@runtime_checkable
class Index(Protocol):
    """Finds the best keys of a query. Ids are non-negative int64 numbers chosen by the caller."""

    @property
    def scale(self) -> str:
        """The scale of the scores it returns."""

    def fit(self, X: "Embeddings") -> "Index":
        """Learn what it must before adding (centroids, codebooks); often nothing."""

    def add(self, X: "Embeddings", ids: "Rows") -> None:
        """Add n embeddings under n new ids."""

    def remove(self, ids: "Rows") -> int:
        """Forget ids; the number that was there."""

    def search(
        self,
        Q: "Embeddings",
        k: int | None = None,
        *,
        min_score: float | None = None,
        allowed: "Rows | None" = None,
    ) -> "Hits":
        """The k best of each query among `allowed` ids, ties by id; all above `min_score` when k is None."""

    def update(self) -> None:
        """Repair after many changes; often nothing."""

    def stats(self) -> Mapping[str, float]:
        """Size and health, in numbers."""

    def save(self, path: str) -> None:
        """Write everything to one file."""

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class AddOutcome:
    """What became of the items of one `Store.add`; the three numbers sum to the number of items.

    added, replaced, skipped
        New ids; ids whose earlier item is now dead; items not written, whose id was there or came again later.
    rows
        (n,) the new row of each item, -1 where skipped.
    """

    added: int
    replaced: int
    skipped: int
    rows: "Rows"


@runtime_checkable
class Store(Protocol):
    """The durable side of a collection. Rows are numbered once and never reused."""

    @property
    def generation(self) -> int:
        """Rises with every committed change."""

    def add(
        self,
        items: Sequence["Item"],
        vectors: Mapping[str, "Tokens"],
        *,
        spans: Mapping[str, "Rows"] | None = None,
        on_conflict: Literal["error", "replace", "skip"] = "error",
    ) -> AddOutcome:
        """Commit items with their vectors by kind, one part or several an item, all or nothing."""

    def delete(self, ids: Sequence[str] | None = None, *, where: str | None = None) -> int:
        """Forget items by id or by filter; how many there were."""

    def get(self, ids: Sequence[str]) -> list["Item | None"]:
        """The items under these ids, in order, `None` where there is none."""

    def items(self, rows: Iterable[int]) -> Mapping[int, "Item"]:
        """The live ones among these rows."""

    def search(self, text: str, k: int, *, where: str | None = None) -> tuple["Rows", "PerItem"]:
        """Rows and BM25 scores of the k best live items, ties by row."""

    def count(self, where: str | None = None) -> int:
        """Live items that pass the filter."""

    def scan(self, *, where: str | None = None, after: int = -1) -> Iterator["Item"]:
        """Live items in row order."""

    def close(self) -> None:
        """Let go of the files."""


@runtime_checkable
class Stage(Protocol):
    """Middleware around a search: rewrite the query, over-fetch, search several times, fuse, rerank, filter.

    Optional `fit(collection)`, which may read `collection.vectors()`; stale once the collection's generation moves.
    """

    def __call__(self, query: "Query", search: Search) -> "Hits":
        """Answer `query`, usually by calling `search` with a changed one."""
