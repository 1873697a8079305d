"""One reader a file format: from an open binary file to (line, values), streaming."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from cosimo._extras import need
from cosimo.errors import DataError

Rows: TypeAlias = Iterator[tuple[int, Any]]
Lines: TypeAlias = Iterator[tuple[int, str]]
BLOCK = 4096
"""Rows of a table in memory at a time."""
LONGEST = 1 << 27
"""Bytes a line may have; more is a file of another kind, not a text."""


def lines(raw: Iterable[bytes], name: str) -> Lines:
    """(line number, text with its line end), decoded; a byte order mark at the start is dropped."""
    start = 0
    for number, line in enumerate(raw, 1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}, line {number}: byte {start + error.start} of the file (0x{line[error.start]:02x}) is not "
                "UTF-8; save the file as UTF-8"
            ) from None
        yield number, text.removeprefix("\ufeff") if number == 1 else text
        start += len(line)


def sniffed(file: BinaryIO, name: str) -> Rows:
    """JSON lines when the first character that is no space is a brace, else one text a line."""
    raw = _raw(file, name)
    head: list[bytes] = []
    for line in raw:
        head.append(line)
        if line.strip():
            break
    first = head[-1].removeprefix(b"\xef\xbb\xbf").lstrip() if head else b""
    read = _jsonl if first.startswith(b"{") else _txt
    return read(lines(chain(head, raw), name), name)


def txt(file: BinaryIO, name: str) -> Rows:
    """One text a line; blank lines are passed over."""
    return _txt(lines(_raw(file, name), name), name)


def jsonl(file: BinaryIO, name: str) -> Rows:
    """One JSON object a line; blank lines are passed over."""
    return _jsonl(lines(_raw(file, name), name), name)


def json_list(file: BinaryIO, name: str) -> Rows:
    """A JSON list of objects or texts, read whole."""
    text = "".join(text for _, text in lines(_raw(file, name), name))
    if not text.strip():
        return
    value = _parse(text, name, 0)
    if not isinstance(value, list):
        raise DataError(
            f"{name} holds one JSON {_kind(value)}, wanted a list of objects; for one object a line use .jsonl"
        )
    yield from enumerate(value, 1)


def csv_rows(file: BinaryIO, name: str) -> Rows:
    """Comma-separated values under a header."""
    return _separated(file, name, ",")


def tsv_rows(file: BinaryIO, name: str) -> Rows:
    """Tab-separated values under a header."""
    return _separated(file, name, "\t")


def parquet(file: BinaryIO, name: str) -> Rows:
    """The rows of a Parquet file, block by block."""
    arrow, tables = need("pyarrow", extra="tables"), need("pyarrow.parquet", extra="tables")
    try:
        table = tables.ParquetFile(file)
        distinct(table.schema_arrow.names, name)
        rows = (row for batch in table.iter_batches(batch_size=BLOCK) for row in batch.to_pylist())
        yield from enumerate(rows, 1)
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{name} is no Parquet file that can be read: {error}") from error


def parquet_rows(path: Path) -> int | None:
    """How many rows a Parquet file says it has, None when it cannot say."""
    arrow, tables = need("pyarrow", extra="tables"), need("pyarrow.parquet", extra="tables")
    try:
        return int(tables.read_metadata(path).num_rows)
    except (arrow.ArrowException, OSError):
        return None


def distinct(names: list[str], name: str) -> list[str]:
    """The column names, refused when one comes twice."""
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise DataError(f"{name} has two columns named {', '.join(map(repr, twice))}; columns need distinct names")
    return names


READERS: dict[str, Callable[[BinaryIO, str], Rows]] = {
    "csv": csv_rows,
    "tsv": tsv_rows,
    "jsonl": jsonl,
    "json": json_list,
    "txt": txt,
    "parquet": parquet,
}


TEXTUAL = (csv_rows, tsv_rows)
"""Readers for which every value is a text."""


def _raw(file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        if len(line) == LONGEST:
            raise DataError(f"{name}, line {number} is longer than {LONGEST >> 20} MiB; is it another kind of file?")
        yield line


def _txt(numbered: Lines, name: str) -> Rows:
    return ((number, line.rstrip("\r\n")) for number, line in numbered if line.strip())


def _jsonl(numbered: Lines, name: str) -> Rows:
    for number, line in numbered:
        if line.strip():
            value = _parse(line, name, number)
            if not isinstance(value, dict):
                raise DataError(f"{name}, line {number} is a JSON {_kind(value)}, wanted an object {{...}}")
            yield number, value


def _parse(text: str, name: str, line: int) -> Any:
    """JSON as the standard has it, but for NaN, which means missing; `line` 0 stands for a file of many lines."""
    try:
        value = json.loads(text, parse_constant=_constant)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        hint = "; for one object a line use .jsonl" if not line and error.msg == "Extra data" else ""
        where = f"{name}, line {line or error.lineno}"
        raise DataError(f"{where} is broken JSON: {error.msg} at column {error.colno}{hint}") from None
    except UnicodeEncodeError:
        raise DataError(f"{name}, line {line or 1} has half of a \\u surrogate pair, which is no character") from None
    except (RecursionError, ValueError) as error:
        raise DataError(f"{name}, line {line or 1} is JSON that cannot be read: {error}") from None
    return value


def _constant(text: str) -> None:
    if text != "NaN":
        raise ValueError(f"{text} is no number a record can hold")


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")


def _separated(file: BinaryIO, name: str, separator: str) -> Rows:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))  # the default refuses texts above 128 KiB
    texts = (text for _, text in lines(_raw(file, name), name))
    reader = csv.reader(texts, delimiter=separator, strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for row in reader:
            if row and header is None:
                header = distinct(row, name)
            elif row and header is not None:
                if len(row) != len(header):
                    wanted = f"{len(header)} as in the header"
                    raise DataError(f"{name}, line {start} has {len(row)} columns, wanted {wanted}")
                yield start, dict(zip(header, row, strict=True))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name}, line {start} is broken ({error}); a text with a line break or a leading quotation mark must "
            'stand in quotation marks, those within it doubled: "like ""this"""'
        ) from None
