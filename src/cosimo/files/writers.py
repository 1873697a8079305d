"""One writer a file format; a file appears whole or not at all."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from cosimo._extras import need
from cosimo.errors import DataError
from cosimo.files.atomic import replacing
from cosimo.files.readers import BLOCK

Values: TypeAlias = Iterable[Mapping[str, Any]]


def write(values: Values, path: Path | None, format: str) -> None:
    """Write `values` to `path`, or to standard output when None."""
    if path is not None:
        with replacing(path) as file:
            WRITERS[format](values, file)
    elif format == "parquet":
        raise DataError("a Parquet file cannot go to standard output; name a file")
    else:
        WRITERS[format](values, sys.stdout.buffer)
        sys.stdout.flush()


def jsonl(values: Values, file: BinaryIO) -> None:
    """One JSON object a line."""
    for record in values:
        file.write(json.dumps(dict(record), ensure_ascii=False).encode() + b"\n")


def csv_rows(values: Values, file: BinaryIO) -> None:
    """Comma-separated values under a header."""
    _separated(values, file, ",")


def tsv_rows(values: Values, file: BinaryIO) -> None:
    """Tab-separated values under a header."""
    _separated(values, file, "\t")


def parquet(values: Values, file: BinaryIO) -> None:
    """A Parquet file; a column's type holds all its values."""
    arrow, tables = need("pyarrow", extra="tables"), need("pyarrow.parquet", extra="tables")
    names = _columns(values)
    try:
        blocks = (arrow.Table.from_pylist(block).schema for block in _blocks(values, names))
        schema = arrow.unify_schemas([arrow.schema([]), *blocks], promote_options="permissive")
        with tables.ParquetWriter(file, schema) as writer:
            for block in _blocks(values, names):
                writer.write_table(arrow.Table.from_pylist(block, schema=schema))
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise DataError(f"a column holds values of several kinds, which Parquet cannot: {error}; use JSONL") from error


WRITERS: dict[str, Callable[[Values, BinaryIO], None]] = {
    "csv": csv_rows,
    "tsv": tsv_rows,
    "jsonl": jsonl,
    "parquet": parquet,
}


def _separated(values: Values, file: BinaryIO, separator: str) -> None:
    names = _columns(values)
    rows = csv.writer(_Encoded(file), delimiter=separator)
    rows.writerow(names)
    for record in values:
        rows.writerow([_cell(record.get(name)) for name in names])


class _Encoded:
    r"""The file as the csv module wants it: something that writes text.

    A row comes with `\r\n` behind it, so that the module quotes texts with either character, and leaves with `\n`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def write(self, text: str) -> int:
        return self.file.write(text.removesuffix("\r\n").encode() + b"\n")


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (bool, list, dict)) else value


def _columns(values: Values) -> list[str]:
    return list(dict.fromkeys(name for record in values for name in record))


def _blocks(values: Values, names: list[str]) -> Iterator[list[dict[str, Any]]]:
    rows = ({name: record.get(name) for name in names} for record in values)
    while block := list(islice(rows, BLOCK)):
        yield block
