"""What may be written: items, payloads, fields and vectors, checked before any transaction starts.

A value is refused by item and field, never converted: `"1999"` in a field of numbers would be found by no filter.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.search.filters import LARGEST, column
from cosimo.search.stores.checksums import vector_checksum
from cosimo.types import Item, Rows, Tokens

to_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, eq=False)
class Batch:
    """Items ready to be written.

    columns
        SQL names of the columns of declared fields.
    records
        Id, text, payload and the values of `columns` of each item.
    vectors, spans
        By kind: float32 vectors, and the (start, stop) of each in the item's text where known.
    """

    ids: list[str]
    columns: list[str]
    records: list[tuple[Any, ...]]
    vectors: dict[str, Tokens]
    spans: dict[str, Rows]

    def repeated(self) -> list[str]:
        """Ids that occur more than once."""
        return [name for name, times in Counter(self.ids).items() if times > 1]

    def parts(self, kind: str, positions: Sequence[int], first: int) -> Iterator[tuple[Any, ...]]:
        """Row, kind, part, start, stop, bytes and checksum of the vectors of the items at `positions`, from `first`."""
        offsets = self.vectors[kind].offsets.tolist()
        values = self.vectors[kind].values
        places = self.spans[kind].tolist() if kind in self.spans else None
        for row, position in enumerate(positions, first):
            for part, at in enumerate(range(offsets[position], offsets[position + 1])):
                start, stop = places[at] if places else (None, None)
                value = values[at].tobytes()
                yield row, kind, part, start, stop, value, vector_checksum(row, part, value)


def check_batch(
    items: Iterable[Item], vectors: Mapping[str, Tokens], spans: Mapping[str, Rows], fields: Mapping[str, type]
) -> Batch:
    """Everything about a batch that can be checked without looking at the database.

    Raises
    ------
    DataError
        Naming the first item and column that cannot be stored, and why.
    ShapeError
        When vectors or spans do not have one entry an item.
    """
    records = [_record(position, item, fields) for position, item in enumerate(items)]
    checked = {kind: _tokens(kind, tokens, len(records)) for kind, tokens in vectors.items()}
    for kind, places in spans.items():
        if kind not in checked or places.shape != (len(checked[kind].values), 2):
            wanted = f"({len(checked[kind].values)}, 2)" if kind in checked else "vectors of that kind"
            raise ShapeError(f"spans of kind {kind!r} have shape {places.shape}, wanted {wanted}")
        if places.dtype.kind != "i":
            raise DataError(f"spans of kind {kind!r} are whole numbers, got {places.dtype}")
    return Batch([record[0] for record in records], [*map(column, fields)], records, checked, dict(spans))


def _record(position: int, item: Item, fields: Mapping[str, type]) -> tuple[Any, ...]:
    name: Any = item.id
    if not isinstance(name, str) or not name or "\0" in name:
        raise DataError(f"item {position} wants an id of one character or more, without NUL, got {item.id!r}")
    if item.text is not None and not isinstance(item.text, str):
        raise DataError(f"the text of item {item.id!r} must be a string, got {type(item.text).__name__}")
    values = [
        field_value(f"field {name} of item {item.id!r}", kind, item.payload.get(name)) for name, kind in fields.items()
    ]
    record = (item.id, item.text, _payload(item), *values)
    for value in record:
        if isinstance(value, str) and not is_unicode(value):
            raise DataError(
                f"item {item.id!r} holds a lone surrogate, which is no valid Unicode; "
                'read the source with errors="replace"'
            )
    return record


def _payload(item: Item) -> str:
    payload = dict(item.payload)
    if not all(isinstance(name, str) for name in payload):
        raise DataError(f"the payload of item {item.id!r} wants names that are strings, got {list(payload)[:5]}")
    try:
        return to_json(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"the payload of item {item.id!r} cannot be stored as JSON ({error}); "
            "use text, finite numbers, true, false, None, lists and dictionaries"
        ) from error


def field_value(what: str, kind: type, value: Any) -> int | float | str | None:
    """A value as the column of a declared field keeps it.

    what
        How a message calls it.

    Raises
    ------
    DataError
        It is of another type.
    """
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not ((kind is float and whole) or (isinstance(value, kind) and (kind is not int or whole))):
        raise DataError(
            f"{what} wants {kind.__name__}, got {value!r} ({type(value).__name__}); convert the value, or leave it out"
        )
    if whole and not -LARGEST <= value < LARGEST:
        raise DataError(f"{what} does not fit in 64 bits: {value!r}")
    plain: int | float | str = (int if kind is bool else kind)(value)
    return plain


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tokens(kind: str, tokens: Tokens, n: int) -> Tokens:
    if not kind.isidentifier():
        raise DataError(f"a kind of vectors wants a name such as whole or chunk, got {kind!r}")
    if len(tokens) != n:
        raise ShapeError(
            f"{n} items came with vectors of kind {kind!r} for {len(tokens)} items; give one entry an item"
        )
    with np.errstate(over="ignore"):
        values = tokens.values.astype("<f4", copy=False)
    return Tokens(as_vectors(values, name=f"vectors of kind {kind!r}"), tokens.offsets)
