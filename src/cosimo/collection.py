"""Collection: a durable, searchable set of items in one space.

A collection is a directory: `items.db` holds items, vectors, texts and the passport and is the truth; `space/` holds
the refiner and how to find the encoder; everything else is a cache that may be deleted.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo._progress import bar
from cosimo.compare import resolve
from cosimo.contracts import Similarity, Stage
from cosimo.encode import check_texts, tally
from cosimo.errors import DataError, StoreError
from cosimo.intake import Encoding, Given, Intake, columns
from cosimo.passport import Passport
from cosimo.records import Records, read_records, write_records
from cosimo.search import ReciprocalRankFusion, SqliteStore
from cosimo.search.view import VectorView
from cosimo.space import Space
from cosimo.types import Hits, Item, Query, Rows, Vectors

OnConflict = Literal["error", "replace", "skip"]
KIND = "whole"
BATCH = 2048


@dataclass(frozen=True)
class AddReport:
    """What `Collection.add` did: items added, replaced and skipped, texts cut or empty, seconds taken."""

    added: int
    replaced: int
    skipped: int
    truncated: int
    empty: int
    seconds: float


class Collection:
    """Items with their vectors, texts and fields on disk, searched by meaning, by words, or both.

    Use `create` and `open`. Several processes may read while one writes; readers see every commit.
    """

    def __init__(self, path: Path, store: SqliteStore, space: Space | None) -> None:
        self.path = path
        self._store = store
        self._space = space
        self._changed = False

    @classmethod
    def create(cls, path: str | Path, space: Space, *, fields: Mapping[str, type] | None = None) -> "Collection":
        """A new, empty collection in the directory `path`.

        fields
            Payload columns to filter by, with their types: `int`, `float`, `str` or `bool`.

        Raises
        ------
        DataError
            Something is at `path` already.
        """
        folder = Path(path)
        if folder.exists():
            raise DataError(f"{folder} exists already; open it with Collection.open, or choose another path")
        passport = space.passport.to_json()
        space.save(folder / "space")
        settings = {"similarity": space.similarity_function.scale}
        store = SqliteStore.create(folder / "items.db", fields=fields, passport=passport, settings=settings)
        return cls(folder, store, space)

    @classmethod
    def open(cls, path: str | Path, *, space: Space | None = None, mode: Literal["r", "r+"] = "r+") -> "Collection":
        """The collection in the directory `path`.

        space
            The space to use; found through the collection itself when None. Checked against the stored passport.
        mode
            `r` never writes, not even caches.

        Raises
        ------
        StoreError
            There is no readable collection.
        PassportMismatch
            `space` is not the one that made the vectors.
        """
        folder = Path(path)
        if not (folder / "items.db").is_file():
            raise StoreError(f"{folder} is not a collection: it has no items.db; make one with `cosimo build`")
        store = SqliteStore.open(folder / "items.db", readonly=mode == "r")
        if space is not None:
            Passport.from_json(store.passport).require(space.passport, f"the collection {folder}")
        return cls(folder, store, space)

    @property
    def space(self) -> Space:
        """The space that made the vectors, loaded when first needed and checked against the stored passport."""
        if self._space is None:
            space = Space.load(self.path / "space")
            self.passport.require(space.passport, f"the collection {self.path}")
            self._space = space
        return self._space

    @cached_property
    def passport(self) -> Passport:
        """What the stored vectors depend on."""
        return Passport.from_json(self._store.passport)

    @property
    def fields(self) -> Mapping[str, type]:
        """Declared fields and their types."""
        return self._store.fields

    @property
    def generation(self) -> int:
        """Rises with every committed change."""
        return self._store.generation

    def __len__(self) -> int:
        return self._store.count()

    def add(
        self,
        items: Any,
        *,
        text: str | Sequence[str] | None = "text",
        id: str | None = None,
        vectors: ArrayLike | None = None,
        on_conflict: OnConflict = "error",
        progress: bool = False,
    ) -> AddReport:
        """Encode and store items; what can be read twice is checked as a whole before anything is written.

        items
            A path (CSV, TSV, JSONL, JSON, TXT, Parquet), a list of records or texts, a DataFrame or Arrow table.
        text
            Column to encode, or several, joined by newlines; None when there are only vectors.
        id
            Column of the user's id; items are numbered when None.
        vectors
            (n, d) made in this very space; then nothing is encoded, and a sample is compared where texts are given.
        on_conflict
            An id that is there already is an `error`, or the new item is to `replace` the old, or to be a `skip`.

        Raises
        ------
        DataError
            A record that cannot be used, by file and line.
        PassportMismatch
            Given vectors that this space does not make of the texts.
        """
        started = time.perf_counter()
        records = items if isinstance(items, Records) else read_records(items)
        intake = Intake(columns(text), id, self.fields, self._store.last_row() + 1)
        if records.again:
            intake.check(records)
        source = Encoding(self.space) if vectors is None else Given(self.space, vectors)
        made = (intake.item(record, number, records.name) for number, record in enumerate(records))
        counts = np.zeros(4, np.int64)
        self._changed = True
        with tally() as cut, bar(progress, records.total, "adding") as advance:
            for batch in _batches(made):
                outcome = self._store.add(batch, {KIND: source.vectors(batch)}, on_conflict=on_conflict)
                counts += outcome.added, outcome.replaced, outcome.skipped, sum(item.text == "" for item in batch)
                advance(len(batch))
        source.finish()
        added, replaced, skipped, empty = counts.tolist()
        return AddReport(added, replaced, skipped, cut.cut, empty, time.perf_counter() - started)

    def delete(self, ids: Sequence[str] | None = None, *, where: str | None = None) -> int:
        """Forget items by id or by filter; the number that was there. Their rows are never used again."""
        if (ids is None) == (where is None):
            raise DataError("delete wants either ids or a `where` filter, not both and not neither")
        self._changed = True
        return self._store.delete(ids, where=where)

    def get(self, ids: Sequence[str]) -> list[Item | None]:
        """The items under these ids, in order; None where there is none."""
        return self._store.get(_listed(ids, "ids"))

    def scan(self, *, where: str | None = None) -> Iterator[Item]:
        """All items that pass the filter, in the order they came."""
        return self._store.scan(where=where)

    def vectors(self) -> Iterator[tuple[Rows, Vectors]]:
        """Blocks of live rows (b,) and their vectors (b, d), in row order."""
        dead = self._store.dead()
        for rows, X in self._store.vectors(KIND):
            live = ~np.isin(rows, dead)
            yield rows[live], X[live]

    def export(self, target: str | Path, *, where: str | None = None) -> int:
        """Write id and payload of each item to a CSV, TSV, JSONL or Parquet file; how many there were."""
        return write_records(({"id": item.id, **item.payload} for item in self.scan(where=where)), target)

    def search(
        self,
        queries: Any,
        k: int = 10,
        *,
        where: str | None = None,
        hybrid: bool = False,
        stages: Sequence[Stage] = (),
        min_score: float | None = None,
    ) -> Hits:
        """The k best items for each query, best first.

        queries
            One text, a list of items the space can encode, or vectors (n, d) of this space.
        where
            A filter over declared fields, such as `year >= 2020 and venue in ("ACL", "EMNLP")`.
        hybrid
            Fuse the answers by meaning and by words (reciprocal rank fusion).
        stages
            Middleware, outermost first.
        min_score
            Lowest score worth returning, on the scale of the answer.

        Raises
        ------
        DataError
            k below 1, or queries that cannot be encoded.
        FilterError
            A filter that does not parse, or does not fit the declared fields.
        """
        if k < 1:
            raise DataError(f"k must be at least 1, got {k}")
        query = self._query(queries, k, where, min_score)
        answer: Callable[[Query], Hits] = self._answer
        for stage in reversed((*stages, ReciprocalRankFusion()) if hybrid else tuple(stages)):
            answer = partial(stage, search=answer)
        with self._store.snapshot():  # one state throughout, whatever others commit meanwhile
            hits = answer(query)
            return hits.with_items(self._store.items(np.unique(hits.rows[hits.rows >= 0]).tolist()))

    def info(self) -> dict[str, Any]:
        """What the collection is, in plain values."""
        return {
            "path": str(self.path),
            "items": len(self),
            "generation": self.generation,
            "space": self.passport.name,
            "dim": self.passport.dim,
            "similarity": self._similarity.scale,
            "fields": {name: kind.__name__ for name, kind in self.fields.items()},
            "passport": self.passport.digest,
        }

    def close(self) -> None:
        """Bring the caches up to date after changes, and let go of the files."""
        if self._changed:
            self._view.refresh()
        self._store.close()

    def __enter__(self) -> "Collection":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Collection({str(self.path)!r}, items={len(self)}, space={self.passport.name!r})"

    @cached_property
    def _similarity(self) -> Similarity:
        return resolve(self._store.settings["similarity"])

    @cached_property
    def _view(self) -> VectorView:
        return VectorView(self._store, self.path, self._similarity, kind=KIND)

    def _query(self, queries: Any, k: int, where: str | None, min_score: float | None) -> Query:
        if isinstance(queries, np.ndarray):
            return Query(None, as_vectors(queries, name="queries", dim=self.passport.dim), k, where, min_score)
        items = (queries,) if isinstance(queries, str) else tuple(queries)
        return Query(items, None, k, where, min_score)

    def _answer(self, query: Query) -> Hits:
        return self._by_text(query) if query.by == "text" else self._by_vector(query)

    def _by_vector(self, query: Query) -> Hits:
        X: Any = query.X if query.X is not None else self.space.encode(query.items or (), role="query")
        Q = as_vectors(X, name="queries", dim=self.passport.dim)
        allowed = None if query.where is None else self._store.rows(query.where)
        return self._view.search(Q, query.k, min_score=query.min_score, allowed=allowed)

    def _by_text(self, query: Query) -> Hits:
        if query.items is None:
            raise DataError("searching by words needs the queries' texts, got only vectors")
        rows = np.full((len(query), query.k), -1, np.int64)
        scores = np.full((len(query), query.k), -np.inf, np.float32)
        for i, text in enumerate(check_texts(query.items)):
            found, bm25 = self._store.search(text, query.k, where=query.where)
            if query.min_score is not None:
                found, bm25 = found[bm25 >= query.min_score], bm25[bm25 >= query.min_score]
            rows[i, : len(found)], scores[i, : len(found)] = found, bm25
        return Hits(rows, scores, "bm25")


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := [*islice(iterator, BATCH)]:
        yield batch


def _listed(values: Sequence[str], name: str) -> list[str]:
    if isinstance(values, str):
        raise DataError(f"{name} must be a list of texts; wrap one as [{values!r}]")
    return list(values)
