"""Columns of a task's file as lists of equal length, refused by file and line where something is missing."""

import json
import math
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from cosimo.errors import DataError
from cosimo.files.records import Record, Records, read_records

Where = Mapping[str, Any]
"""Column -> the value, or the list of values, that its rows must have, compared as texts."""


def read_columns(
    source: Any, columns: Mapping[str, str], *, numbers: Collection[str] = (), where: Where | None = None
) -> dict[str, list[Any]]:
    """The columns of a file, a table or a list of records, by the names they go under in the task.

    columns
        Name -> column.
    numbers
        Names whose values must be numbers; all others are texts (other values are written as JSON does).
    where
        Only rows that have these values.

    Raises
    ------
    DataError
        By file and line: a column that is not there, an empty value, a value that is no finite number, no row left.

    >>> rows = [{"left": "a", "y": "1"}, {"left": "b", "y": "-2"}, {"left": "c", "y": 3}]
    >>> read_columns(rows, {"a": "left", "score": "y"}, numbers=["score"], where={"left": ["a", "b"]})
    {'a': ['a', 'b'], 'score': [1.0, -2.0]}
    """
    records = read_records(source)
    found: dict[str, list[Any]] = {name: [] for name in columns}
    for record in records:
        if not _passes(record, where or {}, records):
            continue
        for name, column in columns.items():
            value = _value(record, column, records)
            found[name].append(_number(value, record, column, records) if name in numbers else _text(value))
    if not any(found.values()):
        chosen = f" with {', '.join(f'{c} = {v}' for c, v in where.items())}" if where else ""
        raise DataError(f"{records.name} has no rows{chosen}; a task wants at least one")
    return found


def column_names(source: Any) -> list[str]:
    """The columns of the first record.

    >>> column_names([{"left": "a", "y": -1}])
    ['left', 'y']
    """
    return [column for record in islice(read_records(source), 1) for column in record.values]


def values_of(source: Any, column: str) -> list[str]:
    """The different values of a column, as texts, in the order they come."""
    records = read_records(source)
    return list(dict.fromkeys(_text(_value(record, column, records)) for record in records))


def _passes(record: Record, where: Where, records: Records) -> bool:
    return all(
        _text(_value(record, column, records)) in map(_text, wanted if isinstance(wanted, list) else [wanted])
        for column, wanted in where.items()
    )


def _value(record: Record, column: str, records: Records) -> Any:
    where = f"{records.name}, line {record.line}"
    if column not in record.values:
        names = ", ".join(map(repr, record.values))
        raise DataError(f"{where}: there is no column {column!r}; the columns are {names}")
    value = record.values[column]
    if value is None:
        raise DataError(f"{where}: column {column!r} is empty; fill it in, or leave the row out")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: Any, record: Record, column: str, records: Records) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"{records.name}, line {record.line}: column {column!r} is {str(value)[:40]!r}, wanted a finite number"
        )
    return number
