"""What can be examined, brought to one form: vectors in blocks, and what is known of the items behind them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo._random import generator
from cosimo.collection.collection import Collection
from cosimo.compare import Cosine, resolve
from cosimo.contracts import Encoder, Similarity
from cosimo.encode import tally
from cosimo.encode.items import check_texts
from cosimo.errors import CosimoError, DataError, PassportMismatch, ShapeError
from cosimo.measure.probes.of_items import reader_of
from cosimo.space import Space, with_cache
from cosimo.types import Item, Rows, Vectors

Blocks = Callable[[], Iterator[Vectors]]
LookUp = Callable[[Rows], tuple[list[str], list[str] | None]]
"""Ids and texts of the vectors at these places of the stream; None where there are no texts."""


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """Who is examined.

    name
        What people call it.
    blocks
        Begins the stream of its vectors.
    look_up
        Ids and texts behind places of that stream, once it has gone by.
    texts
        Begins the stream of all texts, None where there are none.
    similarity
        What vectors are compared with; `assumed` where nobody said so.
    space
        What encodes, None where nothing here can.
    stored
        Whether the vectors come from somewhere else than `space` just now.
    parts
        Whether a vector is that of a part of an item.
    remarks
        What the reader should know of all this.
    mismatch
        Why the encoder found is not the one that made the vectors, empty where it is.
    """

    name: str
    blocks: Blocks
    look_up: LookUp
    similarity: Similarity
    texts: Callable[[], Iterator[str]] | None = None
    space: Space | None = None
    stored: bool = True
    parts: bool = False
    assumed: bool = False
    passport: str = ""
    remarks: tuple[str, ...] = field(default=(), repr=False)
    mismatch: str = ""


def subject_of(target: Any, items: Sequence[str] | None, *, size: int, seed: int) -> Subject:
    """The target as a subject.

    size
        Items that are encoded at most, where nothing is stored; drawn at random.

    Raises
    ------
    DataError, ShapeError
        A target of no known kind, an empty one, or items that do not belong to it.
    """
    if isinstance(target, Collection):
        if items is not None:
            raise DataError("a collection has its own items; leave `items` out, or examine its space with them")
        return _of_collection(target)
    if isinstance(target, Space | Encoder):
        return _of_space(target if isinstance(target, Space) else Space(target), items, size=size, seed=seed)
    if isinstance(target, str | bytes) or not isinstance(target, np.ndarray | Sequence):
        raise DataError(
            f"expected a Collection, a Space with items, or an array of vectors, got {type(target).__name__}"
        )
    return _of_array(target, items)


def _of_array(target: Any, items: Sequence[str] | None) -> Subject:
    try:
        array = np.asarray(target)
    except ValueError as error:  # rows of different lengths
        raise ShapeError("vectors must have shape (n, d), all rows of one length") from error
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"expected an array of vectors, got {array.dtype} values; to examine texts, give a space: examine(space, "
            "items=texts)"
        )
    X = as_vectors(array, name="vectors")
    if not X.size:
        raise DataError(f"there is no vector to examine, got an array of shape {X.shape}")
    texts = None if items is None else check_texts(items)
    if texts is not None and len(texts) != len(X):
        raise ShapeError(f"expected one text per vector, got {len(texts)} texts for {len(X)} vectors")
    note = "Vectors alone were given: cosine was assumed, and checks that need an encoder were skipped."
    return Subject(
        name=f"{len(X):,} vectors",
        blocks=lambda: iter([X]),
        look_up=_listed(texts),
        similarity=Cosine(),
        texts=None if texts is None else lambda: iter(texts),
        assumed=True,
        remarks=(note,),
    )


def _of_space(space: Space, items: Sequence[str] | None, *, size: int, seed: int) -> Subject:
    if items is None:
        raise DataError("a space has no items of its own; give some: examine(space, items=texts)")
    _require_vectors(space.similarity_function)
    if not _encodes(space):
        raise DataError(f'"{space.passport.name}" has no encoder here: its items are vectors; examine these instead')
    texts = check_texts(items)
    if not texts:
        raise DataError("items is empty; give texts such as the space is used for")
    places = np.arange(len(texts))
    if len(texts) > size:
        places = np.sort(generator(seed).permutation(len(texts))[:size])
    ready = with_cache(space)
    drawn = [texts[i] for i in places]

    def blocks() -> Iterator[Vectors]:
        with tally():
            yield ready.encode(drawn, role="document")

    def look_up(rows: Rows) -> tuple[list[str], list[str] | None]:
        return [str(places[row] + 1) for row in rows], [drawn[row] for row in rows]

    few = f"{len(drawn):,} of {len(texts):,} items were drawn at random and encoded."
    return Subject(
        name=space.passport.name,
        blocks=blocks,
        look_up=look_up,
        similarity=space.similarity_function,
        texts=lambda: iter(texts),
        space=ready,
        stored=False,
        passport=space.passport.digest,
        remarks=(few,) if len(drawn) < len(texts) else (),
    )


def _of_collection(collection: Collection) -> Subject:
    if not len(collection):
        raise DataError(f"{collection.path} is empty: there is nothing to examine; add items first")
    space, mismatch, remarks = _space_of(collection)
    seen: list[Rows] = []

    def blocks() -> Iterator[Vectors]:
        seen.clear()
        for rows, X in collection.vectors():
            seen.append(rows)
            yield X

    def look_up(places: Rows) -> tuple[list[str], list[str] | None]:
        return _items_at(collection, space, np.concatenate(seen), places)

    chunk = collection.chunk
    if chunk is not None:
        remarks += (f"Items are split into passages of {chunk} tokens; a vector is that of a passage.",)
    return Subject(
        name=collection.path.name,
        blocks=blocks,
        look_up=look_up,
        similarity=resolve(str(collection.passport.facts.get("similarity", "cosine"))),
        texts=lambda: (item.text or "" for item in collection.scan()),
        space=space,
        parts=chunk is not None,
        passport=collection.passport.digest,
        remarks=remarks,
        mismatch=mismatch,
    )


def _space_of(collection: Collection) -> tuple[Space | None, str, tuple[str, ...]]:
    """The space that made the vectors, if it can encode here; why it is another, and what to tell."""
    try:
        space = collection.space
    except PassportMismatch as error:
        return None, str(error), ()
    except CosimoError as error:
        return None, "", (f"Its encoder is not here ({error}), so checks that need an encoder were skipped.",)
    if not _encodes(space):
        return None, "", ("Its vectors were made elsewhere, so checks that need an encoder were skipped.",)
    return with_cache(space), "", ()


def _items_at(
    collection: Collection, space: Space | None, rows: Rows, places: Rows
) -> tuple[list[str], list[str] | None]:
    """Ids and texts of the items, or of their passages, whose vectors were at `places`."""
    wanted = rows[places]
    parts = places - np.searchsorted(rows, wanted)
    names = set(wanted.tolist())
    items = {item.row: item for item in collection.scan() if item.row in names}
    ids = [items[row].id if row in items else "" for row in wanted.tolist()]
    texts = [
        _passage(collection, space, items.get(row), part)
        for row, part in zip(wanted.tolist(), parts.tolist(), strict=True)
    ]
    return ids, None if any(text is None for text in texts) else [text or "" for text in texts]


def _passage(collection: Collection, space: Space | None, item: Item | None, part: int) -> str | None:
    text = None if item is None else item.text
    if text is None or collection.chunk is None:
        return text
    if space is None:
        return None
    spans = collection.chunk.spans(text, reader_of(space))
    return text[slice(*spans[part])] if part < len(spans) else None


def _listed(texts: list[str] | None) -> LookUp:
    def look_up(rows: Rows) -> tuple[list[str], list[str] | None]:
        return [str(row + 1) for row in rows], None if texts is None else [texts[row] for row in rows]

    return look_up


def _require_vectors(similarity: Similarity) -> None:
    if similarity.tags.takes != "vectors":
        raise DataError(
            f'"{similarity.scale}" compares {similarity.tags.takes}; only spaces of vectors can be examined'
        )


def _encodes(space: Space) -> bool:
    return space.encoder.passport.kind != "precomputed"
