"""Collection: a durable, searchable set of items in one space.

A directory: `items.db` holds items, vectors, texts, rules and passport and is the truth; `space/` says how to find
encoder and refiner; everything else is a cache that may be deleted.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from cosimo.collection.adding import AddReport, OnConflict, add_records
from cosimo.collection.answering import Answering, query_of
from cosimo.collection.intake import Intake, columns, records_of, source_of
from cosimo.collection.undecided import Undecided
from cosimo.compare import resolve
from cosimo.contracts import Stage
from cosimo.encode import Chunking
from cosimo.errors import DataError, StoreError
from cosimo.files.atomic import appearing
from cosimo.files.records import Records, read_records, write_records
from cosimo.passport import Passport
from cosimo.rules.rulebook import Rulebook, RuleOrName
from cosimo.search import ReciprocalRankFusion, SqliteStore
from cosimo.search.caches.index_cache import Approximate
from cosimo.search.indexing import IndexReport, build_index, index_state
from cosimo.search.stores.mounts import warn_of_network
from cosimo.search.view import VectorView
from cosimo.space import Space
from cosimo.types import Hits, Item, Rows, Vectors

if TYPE_CHECKING:  # and imported by the methods: a search without rules needs none of it
    from cosimo.guarantee import State
    from cosimo.rules.ledger import Purpose
    from cosimo.rules.rule import Rule
    from cosimo.rules.sampling import Design
    from cosimo.rules.sheet import LabelSheet


class Collection:
    """Items with their vectors, texts and fields on disk, searched by meaning, by words, or both.

    Use `create` and `open`. Threads may share a collection and search and change it at the same time; an iterator
    belongs to the thread that made it. A search sees one state, the last that was committed, and what is committed
    survives a crash.

    Processes on one machine open the same collection each for itself; writers take turns and wait 30 seconds at most.
    After a fork the child may go on with what it inherited, except an iterator of the parent's.
    """

    def __init__(self, path: Path, store: SqliteStore, space: Space | None) -> None:
        self.path = path
        self._store = store
        self._space = space
        self._changed = False

    @classmethod
    def create(
        cls, path: str | Path, space: Space, *, fields: Mapping[str, type] | None = None, chunk: str | None = None
    ) -> "Collection":
        """A new, empty collection in the directory `path`.

        fields
            Payload columns to filter by, with their types: `int`, `float`, `str` or `bool`.
        chunk
            Tokens a passage and tokens of overlap, such as `200/40`: splits texts into passages with a vector each. All
            items of a collection are split alike, and found by their best passage.

        Raises
        ------
        DataError
            Something is at `path` already, or passages would be longer than the space reads.
        """
        if (folder := Path(path)).exists():
            raise DataError(f"{folder} exists already; open it with Collection.open, or choose another path")
        passport = space.passport.to_json()
        chunking = None if chunk is None else str(Chunking.fitting(chunk, space.encoder))
        settings = {"similarity": space.similarity_function.scale, "chunk": chunking}
        with appearing(folder) as fresh:
            space.save(fresh / "space")
            SqliteStore.create(fresh / "items.db", fields=fields, passport=passport, settings=settings).close()
        warn_of_network(folder)
        return cls(folder, SqliteStore.open(folder / "items.db"), space)

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
        warn_of_network(folder)
        store = SqliteStore.open(folder / "items.db", readonly=mode == "r")
        try:
            if space is not None:
                Passport.from_json(store.passport).require(space.passport, f"the collection {folder}")
        except BaseException:
            store.close()
            raise
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
    def chunk(self) -> Chunking | None:
        """How texts are split into passages, None where they are not."""
        return Chunking.parse(self._store.settings["chunk"]) if self._store.settings.get("chunk") else None

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

        Items are committed in batches; an error in the midst says how many stay.

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
        intake = Intake(columns(text), id, self.fields, self._store.last_row() + 1)
        source = partial(source_of, self.space, vectors, self.chunk)
        self._changed = True
        return add_records(self._view, read_records(items), intake, source, on_conflict=on_conflict, progress=progress)

    def delete(self, ids: Sequence[str] | None = None, *, where: str | None = None) -> int:
        """Forget items by id or by filter; the number that was there. Their rows are never used again."""
        self._changed = True
        return self._store.delete(ids, where=where)

    def compact(self) -> int:
        """Drop the bytes of deleted and replaced items; how many there were. The file keeps its size for reuse.

        No search needs it: what is deleted is not found, and caches leave it out by themselves.
        """
        self._changed = True
        return self._store.compact()

    def check(self) -> None:
        """Read everything once and compare it with its checksums; `StoreError` where it is not what was written."""
        self._store.check()

    def get(self, ids: Sequence[str]) -> list[Item | None]:
        """The items under these ids, in order; None where there is none."""
        return self._store.get(ids)

    def scan(self, *, where: str | None = None) -> Iterator[Item]:
        """All items that pass the filter, in the order they came."""
        return self._store.scan(where=where)

    def vectors(self) -> Iterator[tuple[Rows, Vectors]]:
        """Blocks of live rows (b,) and their vectors (b, d), in row order; a row comes once a passage."""
        return self._store.vectors(self._view.kind, live=True)

    def export(self, target: str | Path, *, where: str | None = None) -> int:
        """Write `id` (always the item's own) and payload of each item to a file as in `add`; how many there were."""
        with self._store.snapshot():  # some formats go through the items twice
            return write_records(Records(str(self.path), partial(records_of, self._store, where)), target)

    def search(
        self,
        queries: Any,
        k: int = 10,
        *,
        where: str | None = None,
        hybrid: bool = False,
        stages: Sequence[Stage] = (),
        min_score: float | None = None,
        decider: RuleOrName = "auto",
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
        decider
            The rule that judges the hits, or its name (see `calibrate`): `auto` takes those of the usual names, with a
            warning where they do not fit this search; None leaves the hits as they are.

        Raises
        ------
        DataError
            k below 1, no rule of that name, or queries that cannot be encoded.
        Refused
            A rule asked for by name says nothing about this search.
        FilterError
            A filter that does not parse, or does not fit the declared fields.
        """
        query = query_of(queries, k, where, min_score, dim=self.passport.dim)
        chain = (*stages, ReciprocalRankFusion()) if hybrid else tuple(stages)
        hits = Answering(self._view, self._encode_queries, dim=self.passport.dim).through(chain, query)
        return self._rulebook.judged(hits, query, decider, plain=not chain)

    def sample_for_labels(
        self,
        queries: Any,
        n: int = 300,
        *,
        k: int = 10,
        where: str | None = None,
        same: str | None = None,
        design: "Design" = "random",
        seed: int = 0,
        progress: bool = False,
    ) -> "LabelSheet":
        """Hits worth labelling, drawn so that a guarantee can be made from the labels.

        queries
            A random sample of what users ask: a path, a list of texts, or a table with a column query, text or
            question. Repeated ones count once.
        n
            About as many labels: one hit of each query as long as there are enough queries.
        k, where
            The search that is to be decided about; the guarantee will hold for it and for no other.
        same
            A declared field, and a column of the queries, whose equal values mark a match; it fills in the labels.
        design
            `random`, or `strata`: as many labels at high scores as at low ones, with weights to make up for it.
        """
        from cosimo.rules.of_hits import Drawing

        return self._rulebook.sample(queries, Drawing(n, k, where, design, seed), same=same, progress=progress)

    def calibrate(
        self,
        labels: Any,
        *,
        precision: float | None = None,
        recall: float | None = None,
        false_accept: float | None = None,
        confidence: float = 0.95,
        name: str | None = None,
        k: int = 10,
        guard: bool = False,
    ) -> "Rule":
        """A rule for the hits of a search, with its guarantee; it is kept with the collection.

        Every new attempt, refused or not, is counted in the ledger, and each has less of the allowed
        failure probability to spend than the one before.

        labels
            A labelled sheet, or `Labels` that say how pairs were drawn: queries, ids of items, and 1 or 0.
        precision, recall
            Least share of matches among accepted hits, and of accepted hits among matches; one of them, or both.
        false_accept
            Instead: largest share of the queries without any match that are told they have one. The labels are then
            about queries alone: 0 for each that has no match here, 1 for each that has.
        name
            Under which the rule is kept: by default `search`, and `match` for `false_accept`.
        k
            Hits a query; a sheet knows it by itself.
        guard
            Whether a hit that says the opposite of its query is asked about, whatever its score.

        Raises
        ------
        NotEnoughLabels
            The labels cannot carry the promise; the message says what could.
        Refused
            Nobody said how the labels were drawn, or they were used before to choose something.
        """
        from cosimo.rules.promise import Promise

        promise = Promise(precision, recall, false_accept, confidence)
        return self._rulebook.calibrate(labels, promise, name=name, k=k, guard=guard)

    def rules(self) -> "dict[str, Rule]":
        """The rules that are kept, by name, in the state they are in today."""
        return self._rulebook.rules()

    def mark_rule(self, name: str, state: "State") -> None:
        """Note that a rule's guarantee holds no longer, which a monitor or an audit says: searches then go unjudged.

        state
            `moved` (`ScoreMonitor`, `VectorMonitor`), `broken` (`Audit`), or `valid` again.
        """
        self._rulebook.mark(name, state)

    def forget_rule(self, name: str) -> bool:
        """Drop a rule; whether there was one. The ledger keeps that it was made."""
        return self._rulebook.forget(name)

    def note_labels(self, labels: Any, purpose: "Purpose") -> None:
        """Note that labels were used to train, tune or evaluate something: they will not certify it.

        labels
            As in `calibrate`.
        """
        self._rulebook.note(labels, purpose)

    def index(self, kind: str | Approximate | None = "ivf", *, queries: Any = None) -> IndexReport | None:
        """Build an approximate index, which searches use from now on; None takes it away, and search is exact again.

        kind
            `ivf` is built in seconds, `hnsw` takes minutes and searches faster; or an empty index of your own settings.
        queries
            Texts or vectors to measure its recall with, besides stored vectors.
        """
        if queries is not None:
            asked = query_of(queries, 1, None, None, dim=self.passport.dim)
            queries = self._encode_queries(asked.items or ()) if asked.X is None else asked.X
        return build_index(self._view, kind, queries)

    def info(self) -> dict[str, Any]:
        """What the collection is: facts in plain values by name, in an order to be read in."""
        return {
            "path": str(self.path),
            "items": len(self),
            "generation": self.generation,
            "space": self.passport.name,
            "dim": self.passport.dim,
            "similarity": self._view.similarity.scale,
            "fields": {name: kind.__name__ for name, kind in self.fields.items()},
            "chunk": None if self.chunk is None else str(self.chunk),
            "index": index_state(self._view),
            "rules": {name: rule.guarantee.state for name, rule in self.rules().items()},
            "passport": self.passport.digest,
        }

    def close(self) -> None:
        """Bring the caches up to date after changes, and let go of the files."""
        try:
            if self._changed:
                self._changed = False
                self._view.refresh()
        finally:
            self._store.close()

    def __enter__(self) -> "Collection":
        return self

    def __exit__(self, error: object, *more: object) -> None:
        self._changed = self._changed and error is None  # whoever opens it next makes the caches
        self.close()

    def __repr__(self) -> str:
        return f"Collection({str(self.path)!r}, items={len(self)}, space={self.passport.name!r})"

    def _encode_queries(self, items: Sequence[Any], progress: bool = False) -> Vectors:
        return self.space.encode(items, role="query", progress=progress)

    @cached_property
    def _rulebook(self) -> Rulebook:
        undecided = partial(self.search, decider=None)
        return Rulebook(Undecided(self._view, self.passport, undecided, self._encode_queries), self._store.shelf)

    @cached_property
    def _view(self) -> VectorView:
        kind = "whole" if self.chunk is None else "chunk"
        return VectorView(self._store, self.path, resolve(self._store.settings["similarity"]), kind=kind)
