"""Records: rows of named values from a file, a table, standard input or memory, each knowing the line it came from.

Reading streams: one record, or one block of a table, is in memory at a time (a `.json` file is the exception: it is
one value and is read whole). What cannot be read is refused in one sentence with file name and line.
"""

import datetime
import decimal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosimo.errors import DataError
from cosimo.files import readers as _readers
from cosimo.files import writers as _writers

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "txt",
    ".parquet": "parquet",
}
"""The format each file extension stands for."""


@dataclass(frozen=True)
class Record:
    """One row: the line of its file it starts on (its position, in memory), and its values by column."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)


class Records:
    """A source of records: iterate over it.

    name
        What messages call it, such as the file's name.
    rows
        Called at the start of each pass.
    total
        How many records there are, where that is known without reading them.
    again
        Whether it can be gone through more than once; standard input and iterators cannot.
    textual
        Whether all values are texts, whatever they stand for, as in CSV.

    >>> [record.values for record in Records("two", lambda: iter([Record(1, {"x": -1}), Record(2, {"x": 2})]))]
    [{'x': -1}, {'x': 2}]
    """

    def __init__(
        self,
        name: str,
        rows: Callable[[], Iterator[Record]],
        *,
        total: int | None = None,
        again: bool = True,
        textual: bool = False,
    ) -> None:
        self.name = name
        self.total = total
        self.again = again
        self.textual = textual
        self._rows = rows
        self._started = False

    def __iter__(self) -> Iterator[Record]:
        if self._started and not self.again:
            raise DataError(f"{self.name} can be read only once; write it to a file, or gather it in a list first")
        self._started = True
        return self._rows()


def read_records(source: Any, *, format: str | None = None) -> Records:
    """Records of a path, of `-` (standard input), of a DataFrame, of an Arrow table, or of an iterable.

    source
        A file with one of the known extensions; dicts or texts (a text becomes `{"text": ...}`). In CSV and TSV all
        values are texts; NaN, None and NaT elsewhere mean that a value is missing.
    format
        `csv`, `tsv`, `jsonl`, `json`, `txt` or `parquet`; by extension when None, and for standard input by the first
        character: `jsonl` after `{`, else `txt`.

    Raises
    ------
    DataError
        The source is of no known kind; while iterating: by file and line, what is wrong with it.
    MissingExtra
        Parquet without pyarrow.

    >>> [record.values for record in read_records([{"id": 1, "x": -0.5}, "a text"])]
    [{'id': 1, 'x': -0.5}, {'text': 'a text'}]
    """
    if isinstance(source, Records):
        return source
    if isinstance(source, (str, Path)):
        return _standard_input(format) if str(source) == "-" else _file(Path(source), format)
    if hasattr(source, "to_batches") and hasattr(source, "schema"):
        return Records("the table", lambda: _from_arrow(source), total=source.num_rows)
    if hasattr(source, "itertuples") and hasattr(source, "iloc"):
        return Records("the table", lambda: _from_pandas(source), total=len(source))
    if isinstance(source, (Mapping, bytes)) or not isinstance(source, Iterable):
        kind = type(source).__name__
        raise DataError(f"records come from a path, a list of dicts or texts, or a table; got {kind}")
    total = len(source) if isinstance(source, Sized) else None
    return Records("items", lambda: _from_memory(source), total=total, again=not isinstance(source, Iterator))


def write_records(
    records: "Records | Iterable[Mapping[str, Any]]", target: str | Path, *, format: str | None = None
) -> int:
    """Write records to a file, whole or not at all, or to standard output (`-`); how many there were.

    records
        All formats but JSONL need every column's name before the first row, so records are gone through twice; an
        iterator is gathered in memory for that.
    target
        Lists and dicts become JSON text in CSV and TSV cells, None an empty one; a cell that begins with `=`, `+`,
        `-` or `@` is data and stays as it is.
    format
        `csv`, `tsv`, `jsonl` or `parquet`; by extension when None, `jsonl` on standard output.

    Raises
    ------
    DataError
        No known format.
    """
    name = "jsonl" if str(target) == "-" and format is None else _format(Path(target), format)
    if name not in _writers.WRITERS:
        raise DataError(f'cannot write {name!r} ("{target}"); wanted {", ".join(_writers.WRITERS)}')
    if name != "jsonl" and isinstance(records, Iterator):
        records = list(records)
    counted = _Counted(records)
    _writers.write(counted, None if str(target) == "-" else Path(target), name)
    return counted.n


def convert(value: str, kind: type, what: str = "value") -> int | float | bool | str | None:
    """The text `value` as `kind` (int, float, bool or str); an empty text means that the value is missing.

    what
        How the message calls it, such as `field year (papers.csv, line 7)`.

    Raises
    ------
    DataError
        The text is no such thing.

    >>> convert("-2020", int), convert("2.5", float), convert("yes", bool), convert("", int)
    (-2020, 2.5, True, None)
    """
    text = value.strip()
    if kind is str:
        return value
    if not text:
        return None
    try:
        if kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if kind is int and -(2**63) <= int(text) < 2**63:
            return int(text)
        if kind is float and abs(float(text)) < float("inf"):
            return float(text)
    except (KeyError, ValueError):
        pass
    raise DataError(f"{what} wants {kind.__name__}, got {value[:40]!r}")


def query_text(record: Record, columns: Sequence[str], name: str) -> str:
    """The text of a query, from the first of these columns that is there.

    Raises
    ------
    DataError
        None of them is there, or it holds no text.
    """
    where = f"{name}, line {record.line}"
    column = next((column for column in columns if column in record.values), None)
    if column is None:
        names = ", ".join(map(repr, record.values))
        raise DataError(
            f"{where}: a query needs a column {', '.join(columns[:-1])} or {columns[-1]}; the columns are {names}"
        )
    text = record.values[column]
    if not isinstance(text, str):
        raise DataError(f"{where}: column {column!r} is {type(text).__name__}, wanted a text")
    return text


class _Counted:
    """Values of records, counted anew in each pass."""

    def __init__(self, records: "Iterable[Record | Mapping[str, Any]]") -> None:
        self.records = records
        self.n = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        self.n = 0
        for record in self.records:
            self.n += 1
            yield record.values if isinstance(record, Record) else record


def _format(path: Path, format: str | None) -> str:
    name = format or FORMATS.get(path.suffix.lower())
    known = sorted(set(FORMATS.values()))
    if name is None:
        raise DataError(f'"{path}" has no known extension ({", ".join(FORMATS)}); rename it or name its format')
    if name not in known:
        raise DataError(f"there is no format {name!r}; wanted one of {', '.join(known)}")
    return name


def _file(path: Path, format: str | None) -> Records:
    if not path.exists():
        raise DataError(f'there is no file "{path}"; to give texts instead of a path, put them in a list')
    if path.is_dir():
        raise DataError(f'"{path}" is a directory, wanted a file of records')
    read = _readers.READERS[_format(path, format)]

    def rows() -> Iterator[Record]:
        with path.open("rb") as file:
            yield from _some(path.name, read(file, path.name))

    total = _readers.parquet_rows(path) if read is _readers.parquet else None
    return Records(path.name, rows, total=total, again=path.is_file(), textual=read in _readers.TEXTUAL)


def _standard_input(format: str | None) -> Records:
    read = _readers.READERS[_format(Path("-"), format)] if format else _readers.sniffed
    textual = read in _readers.TEXTUAL
    return Records("stdin", lambda: _some("stdin", read(sys.stdin.buffer, "stdin")), again=False, textual=textual)


def _some(name: str, rows: _readers.Rows) -> Iterator[Record]:
    empty = True
    for line, values in rows:
        empty = False
        yield Record(line, _named(values, line, name))
    if empty:
        raise DataError(f"{name} is empty: it holds no records")


def _from_memory(items: Iterable[Any]) -> Iterator[Record]:
    for line, item in enumerate(items):
        yield item if isinstance(item, Record) else Record(line, _named(item, line, "items"))


def _from_arrow(table: Any) -> Iterator[Record]:
    _readers.distinct(table.schema.names, "the table")
    rows = (row for batch in table.to_batches(max_chunksize=_readers.BLOCK) for row in batch.to_pylist())
    return (Record(line, _named(row, line, "the table")) for line, row in enumerate(rows))


def _from_pandas(frame: Any) -> Iterator[Record]:
    names = _readers.distinct([str(column) for column in frame.columns], "the table")
    for start in range(0, len(frame), _readers.BLOCK):
        block = frame.iloc[start : start + _readers.BLOCK].astype(object)
        rows = block.where(block.notna(), None).itertuples(index=False, name=None)
        for line, row in enumerate(rows, start):
            yield Record(line, _named(dict(zip(names, row, strict=True)), line, "the table"))


def _named(item: Any, line: int, name: str) -> dict[str, Any]:
    if isinstance(item, str):
        return {"text": item}
    if not isinstance(item, Mapping):
        raise DataError(f"{name}: record {line} is {type(item).__name__}, wanted a dict of named values or a text")
    return {
        str(key): value if type(value) in (str, int) else _plain(value, f"{name}: record {line}, column {key!r}")
        for key, value in item.items()
    }


def _plain(value: Any, what: str) -> Any:
    """A value JSON can hold: dates as ISO text, numbers of other libraries as Python's, NaN as None."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (float, decimal.Decimal)):
        return _number(float(value), what)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, what) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, what) for inner in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), what)
    raise DataError(f"{what} is {type(value).__name__}, which cannot be stored; turn it into a text or a number")


def _number(value: float, what: str) -> float | None:
    if abs(value) == float("inf"):
        raise DataError(f"{what} is {value}, which no JSON can hold; leave it out or use a finite number")
    return None if value != value else value
