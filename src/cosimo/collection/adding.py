"""Items into the store, one transaction a batch, and a report of what became of them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from cosimo._progress import bar
from cosimo.collection.intake import Encoding, Given, Intake, batches
from cosimo.contracts import AddOutcome
from cosimo.encode import tally
from cosimo.errors import CosimoError, DataError
from cosimo.files.records import Records
from cosimo.search import SqliteStore
from cosimo.search.view import VectorView
from cosimo.types import Item

OnConflict = Literal["error", "replace", "skip"]


@dataclass(frozen=True)
class AddReport:
    """What `Collection.add` did: items added, replaced and skipped, texts cut or empty, seconds taken."""

    added: int
    replaced: int
    skipped: int
    truncated: int
    empty: int
    seconds: float


def add_records(
    view: VectorView,
    records: Records,
    intake: Intake,
    source: Callable[..., Encoding | Given],
    *,
    on_conflict: OnConflict,
    progress: bool,
) -> AddReport:
    """Look through the records, where that can be done twice, and store them.

    source
        Gives what makes the vectors when told their number `n`, None where that is not known.
    """
    started = time.perf_counter()
    numbered = intake.id is None
    refuse = partial(refuse_taken, view.store) if not numbered and on_conflict == "error" else None
    n = intake.check(records, refuse=refuse, progress=progress) if records.again else None
    vectors = source(n=n)
    made = (intake.item(record, number, records) for number, record in enumerate(records))
    with tally() as cut, bar(progress, n or records.total, "adding") as advance:
        counts = store_items(view, made, vectors, on_conflict=on_conflict, numbered=numbered, advance=advance)
    vectors.finish()
    return AddReport(**counts, truncated=cut.cut, seconds=time.perf_counter() - started)


def store_items(
    view: VectorView,
    items: Iterable[Item],
    source: Encoding | Given,
    *,
    on_conflict: OnConflict,
    numbered: bool,
    advance: Callable[[int], None],
) -> dict[str, int]:
    """How many items were added, replaced and skipped, and how many have an empty text.

    view
        Names the store, and the kind of vectors.
    source
        Makes the vectors.
    numbered
        Whether the ids are only numbers of ours: then no item replaces another, whoever writes at the same time.
    """
    counts = Counter(added=0, replaced=0, skipped=0, empty=0)
    with _telling_what_stays(counts):
        for batch in batches(items):
            tokens, spans = source.parts(batch)
            add = partial(
                view.store.add, vectors={view.kind: tokens}, spans={} if spans is None else {view.kind: spans}
            )
            outcome = _numbered(view.store, batch, add) if numbered else add(batch, on_conflict=on_conflict)
            counts.update(added=outcome.added, replaced=outcome.replaced, skipped=outcome.skipped)
            counts.update(empty=sum(item.text == "" for item in batch))
            advance(len(batch))
    return counts


def refuse_taken(store: SqliteStore, ids: Sequence[str]) -> None:
    """Raise when some of the ids are in the collection, before anything was written."""
    taken = [item.id for item in store.get(ids) if item is not None]
    if taken:
        shown = ", ".join(map(repr, taken[:3])) + (", ..." if len(taken) > 3 else "")
        raise DataError(
            f"ids are already in the collection: {shown}; nothing was written. Make them unique, or say "
            'on_conflict="replace" to keep the newest or "skip" to keep the oldest'
        )


def _numbered(store: SqliteStore, batch: Sequence[Item], add: Callable[[list[Item]], AddOutcome]) -> AddOutcome:
    """Add items under the next numbers that nobody uses, looking again when another writer took them meanwhile."""
    first = store.last_row() + 1
    while True:
        names = [str(first + i) for i in range(len(batch))]
        if not any(store.get(names)):
            try:
                named = [replace(item, id=name) for item, name in zip(batch, names, strict=True)]
                return add(named)
            except DataError:
                if not any(store.get(names)):
                    raise
        first = max(first + len(batch), store.last_row() + 1)


@contextmanager
def _telling_what_stays(counts: Mapping[str, int]) -> Iterator[None]:
    """Add to an error what was committed before it came."""
    try:
        yield
    except BaseException as error:
        done = counts["added"] + counts["replaced"] + counts["skipped"]
        if not done:
            raise
        stays = f"the {done:,} items before stay in the collection"
        if isinstance(error, CosimoError):
            raise type(error)(f"{error} ({stays})") from error
        error.add_note(stays)
        raise
