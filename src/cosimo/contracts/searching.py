"""Finding the best of many: indexes, stores, stages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cosimo.types import Embeddings, Hits, Item, PerItem, Query, Rows, Tokens, Vectors

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


@dataclass(frozen=True)
class Extent:
    """Which state a collection is in: how many items it holds, its last row, and its generation."""

    items: int
    row: int
    generation: int


@runtime_checkable
class Searcher(Protocol):
    """What rules about hits need of a collection: searches that decide nothing, and what their scores depend on."""

    @property
    def scale(self) -> str:
        """The scale of the scores."""

    @property
    def fields(self) -> Mapping[str, type]:
        """Declared fields of the items and their types."""

    @property
    def extent(self) -> Extent:
        """The state it is in now."""

    def search(self, queries: "Sequence[str] | Vectors", k: int, *, where: str | None = None) -> "Hits":
        """The k best items of each query, undecided."""

    def encode(self, texts: Sequence[str], *, progress: bool = False) -> "Vectors":
        """(n, d) vectors of n texts as queries."""

    def binds(self, candidates: str, where: str | None) -> dict[str, str]:
        """What the scores of a search depend on, in words that are compared."""

    def get(self, ids: Sequence[str]) -> list["Item | None"]:
        """The items under these ids, in order, `None` where there is none."""

    def kept_and_new(self, row: int) -> tuple[int, int]:
        """How many items there are up to that row, and how many after it."""

    def best_since(self, row: int, Q: "Vectors") -> "PerItem":
        """(n,) the best score of each query among the items after that row, -inf where there are none."""


@runtime_checkable
class Stage(Protocol):
    """Middleware around a search: rewrite the query, over-fetch, search several times, fuse, rerank, filter.

    Optional `fit(collection)`, which may read `collection.vectors()`; stale once the collection's generation moves.
    """

    def __call__(self, query: "Query", search: Search) -> "Hits":
        """Answer `query`, usually by calling `search` with a changed one."""
