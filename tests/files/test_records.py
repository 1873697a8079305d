"""Records read: every format, every kind of source, and every way a file can be broken, by line."""

import datetime
import io
import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.files.records import convert, read_records, write_records


def save(tmp_path: Path, name: str, data: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def values(source: object, **options: str) -> list[dict[str, object]]:
    return [record.values for record in read_records(source, **options)]


def refused(source: object, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        list(read_records(source, **options))
    return str(caught.value)


@pytest.fixture
def stdin(monkeypatch):
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_lines_are_those_the_record_starts_on(tmp_path):
    path = save(tmp_path, "t.csv", 'id,text\n\na,"one\ntwo"\nb,x\n')
    assert [(r.line, r.values["id"]) for r in read_records(path)] == [(3, "a"), (5, "b")]
    path = save(tmp_path, "t.txt", "first\n\n  \nsecond")
    assert [(r.line, r.values) for r in read_records(path)] == [(1, {"text": "first"}), (4, {"text": "second"})]


def test_byte_order_mark_and_windows_lines(tmp_path):
    assert values(save(tmp_path, "t.csv", "\ufeffid,text\r\na,x\r\n")) == [{"id": "a", "text": "x"}]
    assert values(save(tmp_path, "t.jsonl", '\ufeff{"id": 1}\r\n')) == [{"id": 1}]
    assert values(save(tmp_path, "t.json", '\ufeff[{"id": 1}]')) == [{"id": 1}]
    assert values(save(tmp_path, "t.txt", "\ufeffx\r\n")) == [{"text": "x"}]


def test_json_list(tmp_path):
    path = save(tmp_path, "t.json", json.dumps([{"id": 1, "n": {"m": [1, 2]}}, "a text"], indent=2))
    assert values(path) == [{"id": 1, "n": {"m": [1, 2]}}, {"text": "a text"}]


def test_ten_megabytes_in_one_cell(tmp_path):
    text = "word " * 2_000_000
    for name in ("t.csv", "t.jsonl"):
        write_records([{"id": "long", "text": text}], tmp_path / name)
        assert values(tmp_path / name) == [{"id": "long", "text": text}]


def test_only_the_records_looked_at_are_read(tmp_path):
    path = save(tmp_path, "t.jsonl", '{"id": 1}\n{"id": 2}\nbroken')
    iterator = iter(read_records(path))
    assert [next(iterator).values["id"], next(iterator).values["id"]] == [1, 2]
    with pytest.raises(DataError, match=r"t\.jsonl, line 3"):
        next(iterator)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", "", "t.csv is empty"),
        ("t.csv", "id,text\n", "t.csv is empty"),
        ("t.txt", "\n \n", "t.txt is empty"),
        ("t.json", "", "t.json is empty"),
        ("t.json", "[]", "t.json is empty"),
        ("t.csv", "id,text,id\n1,2,3\n", "t.csv has two columns named 'id'"),
        ("t.csv", "id,text\n1,2\n1\n", "t.csv, line 3 has 1 columns, wanted 2"),
        ("t.csv", "id,text\n1,2\n1,2,3\n", "t.csv, line 3 has 3 columns, wanted 2"),
        ("t.csv", 'id,text\n1,2\n3,"never closed\n4,5\n', "t.csv, line 3 is broken"),
        ("t.csv", 'id,text\n1,"a"b\n', "t.csv, line 2 is broken"),
        ("t.csv", "id,text\r1,2\r", "t.csv, line 1 is broken"),
        ("t.csv", b"id,text\n1,caf\xe9\n", "t.csv, line 2: byte 13 of the file (0xe9) is not UTF-8"),
        ("t.csv", "id,text\n1,2\n".encode("utf-16"), "t.csv, line 1: byte 0 of the file (0xff) is not UTF-8"),
        ("t.txt", b"fine\n\xc3\x28", "t.txt, line 2: byte 5"),
        ("t.jsonl", '{"id": 1}\n{"id": \n', "t.jsonl, line 2 is broken JSON"),
        ("t.jsonl", '{"id": 1}\n[1]\n', "t.jsonl, line 2 is a JSON list, wanted an object"),
        ("t.jsonl", "null\n", "t.jsonl, line 1 is a JSON null"),
        ("t.jsonl", "3\n", "t.jsonl, line 1 is a JSON number"),
        ("t.jsonl", '{"x": -Infinity}\n', "-Infinity is no number"),
        ("t.jsonl", '{"x": 1e999}\n', "is inf"),
        ("t.jsonl", '{"x": "\\ud83d"}\n', "t.jsonl, line 1 has half of a"),
        ("t.jsonl", "[" * 100_000, "t.jsonl, line 1"),
        ("t.json", '{"id": 1}', "one JSON object, wanted a list"),
        ("t.json", '{"id": 1}\n{"id": 2}', "use .jsonl"),
        ("t.json", '[{"id": 1},\n 7]', "record 2 is int"),
        ("t.parquet", "PAR1 no parquet PAR1", "t.parquet is no Parquet file"),
        ("t.parquet", "", "t.parquet is no Parquet file"),
        ("t.docx", "x", "no known extension"),
    ],
)
def test_broken_files_are_named_by_line(tmp_path, name, data, message):
    assert message in refused(save(tmp_path, name, data))


def test_nan_means_missing(tmp_path):
    assert values(save(tmp_path, "t.jsonl", '{"x": NaN, "y": [NaN, 1]}')) == [{"x": None, "y": [None, 1]}]
    assert values([{"x": float("nan")}]) == [{"x": None}]


def test_paths_that_are_no_files(tmp_path):
    assert "there is no file" in refused(tmp_path / "none.csv")
    assert "put them in a list" in refused("some text that is no path")
    assert "is a directory" in refused(tmp_path)
    assert "no format 'xml'" in refused(save(tmp_path, "t.csv", "a\n1"), format="xml")


def test_format_overrides_the_extension(tmp_path):
    assert values(save(tmp_path, "t.dat", "id\n1\n"), format="csv") == [{"id": "1"}]


@pytest.mark.parametrize("source", [{"id": 1}, b"bytes", 3, None])
def test_sources_that_are_none(source):
    assert "records come from" in refused(source)


def test_records_in_memory():
    assert [(r.line, r.values) for r in read_records([{"id": 1}, "x"])] == [(0, {"id": 1}), (1, {"text": "x"})]
    assert "record 1 is int" in refused([{"id": 1}, 3])
    assert list(read_records([])) == []
    assert read_records([{}, {}]).total == 2


def test_foreign_values_become_plain():
    row = {
        "i": np.int64(3),
        "f": np.float32(-0.5),
        "b": np.bool_(True),
        "a": np.array([1, 2]),
        "d": datetime.date(2020, 1, 2),
        "t": datetime.datetime(2020, 1, 2, 3, 4),
        "c": Decimal("1.5"),
        5: (1, {"k": np.int8(2)}),
    }
    (plain,) = values([row])
    assert plain == {
        "i": 3, "f": -0.5, "b": True, "a": [1, 2], "d": "2020-01-02", "t": "2020-01-02T03:04:00", "c": 1.5,
        "5": [1, {"k": 2}],
    }  # fmt: skip
    json.dumps(plain)
    assert "column 'x' is bytes" in refused([{"x": b"raw"}])
    assert "column 'x' is inf" in refused([{"x": float("inf")}])


def test_pandas(monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"id": [1, 2], "text": ["a", None], "x": [-1.5, float("nan")], "n": pandas.array([7, None], dtype="Int64"),
         "t": pandas.to_datetime(["2020-01-02", None])}
    )  # fmt: skip
    monkeypatch.setattr("cosimo.files.readers.BLOCK", 1)
    assert values(frame) == [
        {"id": 1, "text": "a", "x": -1.5, "n": 7, "t": "2020-01-02T00:00:00"},
        {"id": 2, "text": None, "x": None, "n": None, "t": None},
    ]
    assert type(values(frame)[0]["id"]) is int
    assert read_records(frame).total == 2
    frame.columns = ["id", "id", "x", "n", "t"]
    assert "two columns named 'id'" in refused(frame)


def test_arrow(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"id": [1, 2], "x": [-0.5, None], "tags": [["a"], []]})
    assert values(table) == [{"id": 1, "x": -0.5, "tags": ["a"]}, {"id": 2, "x": None, "tags": []}]
    assert read_records(table).total == 2
    write_records(read_records(table), tmp_path / "t.parquet")
    assert read_records(tmp_path / "t.parquet").total == 2
    assert values(tmp_path / "t.parquet") == values(table)


def test_standard_input(stdin):
    stdin(b'\n  {"id": 1}\n{"id": 2}\n')
    assert values("-") == [{"id": 1}, {"id": 2}]
    stdin(b"\xef\xbb\xbf" + '{"id": "é"}\n'.encode())
    assert values("-") == [{"id": "é"}]
    stdin("ein Text\nשורה\n".encode())
    assert values("-") == [{"text": "ein Text"}, {"text": "שורה"}]
    stdin(b"id,text\na,x\n")
    assert values("-", format="csv") == [{"id": "a", "text": "x"}]
    stdin(b"")
    assert refused("-") == "stdin is empty: it holds no records"


def test_what_can_be_read_once_says_so(stdin):
    stdin(b"x\n")
    for records in (read_records("-"), read_records(iter([{"id": 1}]))):
        assert not records.again
        assert len(list(records)) == 1
        with pytest.raises(DataError, match="only once"):
            list(records)


def test_what_can_be_read_again_is(tmp_path):
    for source in (save(tmp_path, "t.csv", "id\n1\n"), [{"id": "1"}], read_records([{"id": "1"}])):
        records = read_records(source)
        assert records.again
        assert list(records) == list(records) != []


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("2020", int, 2020),
        (" -7 ", int, -7),
        ("", int, None),
        ("  ", float, None),
        ("-0.5", float, -0.5),
        ("1e3", float, 1000.0),
        ("True", bool, True),
        ("no", bool, False),
        ("0", bool, False),
        (" kept ", str, " kept "),
        ("", str, ""),
    ],
)
def test_convert(text, kind, wanted):
    got = convert(text, kind)
    assert got == wanted
    assert type(got) is type(wanted)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("abc", int), ("2020.5", int), ("9223372036854775808", int)),
        *(("1,5", float), ("nan", float), ("inf", float)),
        *(("maybe", bool), ("2", bool)),
    ],
)
def test_convert_refuses(text, kind):
    with pytest.raises(DataError, match=f"field year \\(line 7\\) wants {kind.__name__}, got '{text}'"):
        convert(text, kind, "field year (line 7)")
