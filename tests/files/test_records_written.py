"""Records written: what comes back, what the file holds, and what a failure leaves behind."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosimo.errors import DataError
from cosimo.files.records import Record, Records, read_records, write_records

ROWS = [
    {"id": "a", "text": "naïve 東京 🦊", "year": "2020"},
    {"id": "b", "text": 'two\nlines, a comma and a "quote"', "year": ""},
    {"id": "c", "text": "שלום עולם\r", "year": "-3"},
]
TYPED = [
    {"id": 1, "x": -0.5, "tags": ["p", "q"], "ok": True},
    {"id": 2, "x": None, "tags": [], "ok": False, "late": "z"},
]


def save(tmp_path: Path, name: str, data: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def values(source: object, **options: str) -> list[dict[str, object]]:
    return [record.values for record in read_records(source, **options)]


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.ndjson", "rows.parquet"])
def test_what_is_written_is_read_back(tmp_path, name):
    path = tmp_path / name
    assert write_records(ROWS, path) == 3
    assert values(path) == ROWS
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_typed_values_come_back_with_their_types(tmp_path, name):
    write_records(TYPED, tmp_path / name)
    back = values(tmp_path / name)
    assert [{k: v for k, v in row.items() if v is not None} for row in back] == [
        {k: v for k, v in row.items() if v is not None} for row in TYPED
    ]


def test_csv_cells(tmp_path):
    write_records([*TYPED, {"id": "=1+1", "x": "-2"}], tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["id", "x", "tags", "ok", "late"],
            ["1", "-0.5", '["p", "q"]', "true", ""],
            ["2", "", "[]", "false", "z"],
            ["=1+1", "-2", "", "", ""],
        ]


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_any_text_survives_csv(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("any") / "cells.csv"
    rows = [{"id": "x", "cell": cell} for cell in cells]
    write_records(rows, path)
    assert values(path) == rows


def test_csv_agrees_with_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    write_records(ROWS, tmp_path / "t.csv")
    assert (
        pandas.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False, lineterminator="\n").to_dict("records")
        == ROWS
    )


def test_parquet_unites_the_types_of_all_blocks(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("cosimo.files.writers.BLOCK", 1)
    write_records([{"x": None}, {"x": 1}, {"x": -1.5, "y": "late"}], tmp_path / "t.parquet")
    assert values(tmp_path / "t.parquet") == [{"x": None, "y": None}, {"x": 1.0, "y": None}, {"x": -1.5, "y": "late"}]
    with pytest.raises(DataError, match="several kinds"):
        write_records([{"x": 1}, {"x": "one"}], tmp_path / "t.parquet")
    assert len(values(tmp_path / "t.parquet")) == 3


def test_writing_to_standard_output(capfdbinary):
    assert write_records(ROWS[:1], "-") == 1
    assert json.loads(capfdbinary.readouterr().out) == ROWS[0]
    write_records(ROWS[:1], "-", format="csv")
    assert capfdbinary.readouterr().out == "id,text,year\na,naïve 東京 🦊,2020\n".encode()
    with pytest.raises(DataError, match="standard output"):
        write_records(ROWS, "-", format="parquet")


def test_iterators_can_be_written_in_every_format(tmp_path):
    for name in ("t.csv", "t.jsonl", "t.parquet"):
        assert write_records(iter(ROWS), tmp_path / name) == 3
        assert values(tmp_path / name) == ROWS


def test_writing_nothing(tmp_path):
    assert write_records([], tmp_path / "t.jsonl") == 0
    assert (tmp_path / "t.jsonl").read_bytes() == b""
    assert write_records([], tmp_path / "t.parquet") == 0


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = save(tmp_path, "t.jsonl", "old")

    def half():
        yield {"id": 1}
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        write_records(Records("half", lambda: (Record(0, v) for v in half())), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["t.jsonl"]


def test_writing_through_a_link_keeps_the_link(tmp_path):
    path = save(tmp_path, "real.jsonl", "old")
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    write_records([{"id": 1}], link)
    assert link.is_symlink()
    assert values(path) == [{"id": 1}]


def test_devices_are_written_to_and_stay():
    write_records([{"id": 1}], "/dev/null", format="jsonl")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["t.txt", "t.json"])
def test_formats_that_are_only_read(tmp_path, name):
    with pytest.raises(DataError, match="cannot write"):
        write_records(ROWS, tmp_path / name)
    assert not list(tmp_path.iterdir())
