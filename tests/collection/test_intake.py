import json

import pytest

from assembly.toys import toy_space
from cosimo import Collection
from cosimo.collection import collection as module
from cosimo.collection.intake import BATCH, CHARACTERS, batches
from cosimo.errors import DataError
from cosimo.files.records import Records, read_records
from cosimo.types import Item

FIELDS = {"year": int, "open": bool, "price": float}


@pytest.fixture
def collection(tmp_path):
    with Collection.create(tmp_path / "c.cosimo", toy_space(), fields=FIELDS) as made:
        yield made


@pytest.mark.parametrize("separator", [",", "\t"])
def test_texts_of_csv_become_what_the_field_declares(collection, tmp_path, separator):
    path = tmp_path / ("p.csv" if separator == "," else "p.tsv")
    rows = (("id", "text", "year", "open", "price"), ("a", "rice", "1999", "yes", "-2.5"), ("b", "tap", "", "", ""))
    path.write_text("".join(f"{separator.join(row)}\n" for row in rows))
    collection.add(path, id="id")
    assert [item.payload["year"] for item in collection.scan()] == [1999, None]
    assert [hit.id for hit in collection.search("rice", where="year < 2000 and open == true and price < 0")[0]] == ["a"]


@pytest.mark.parametrize("value", ["1999", "", True, 1999.0, [1999]], ids=repr)
def test_json_of_another_type_is_refused_by_line_before_anything_is_written(collection, tmp_path, value):
    path = tmp_path / "p.jsonl"
    good = [{"id": str(i), "text": "rice", "year": i} for i in range(BATCH + 1)]
    path.write_text("".join(json.dumps(record) + "\n" for record in [*good, {"id": "x", "text": "x", "year": value}]))
    with pytest.raises(DataError, match=rf"'year' \(p.jsonl, line {BATCH + 2}\) wants int, got"):
        collection.add(path, id="id")
    assert len(collection) == 0


def test_whole_numbers_fit_fields_of_numbers(collection):
    collection.add([{"text": "rice", "price": 3, "year": None}])
    assert len(collection.search("rice", where="price == 3")[0]) == 1


def test_export_writes_the_id_that_finds_the_item(collection, tmp_path):
    """Without id= items are numbered, and a column `id` of their own is not their id."""
    collection.add([{"id": "mine", "text": "rice"}])
    for name in ("out.jsonl", "out.csv"):
        assert collection.export(tmp_path / name) == 1
        (record,) = (record.values for record in read_records(tmp_path / name))
        assert list(record) == ["id", "text"]
        assert collection.get([record["id"]])[0].text == "rice"


def test_export_goes_through_one_state_as_often_as_a_format_needs(collection, monkeypatch):
    collection.add([{"id": name, "text": "rice"} for name in "ab"], id="id")
    seen = []

    def write(records, target):
        assert isinstance(records, Records), "no iterator, which would be gathered in memory"
        seen.append([record.values["id"] for record in records])
        with Collection.open(collection.path, space=toy_space()) as other:
            other.add([{"id": f"new{len(seen)}", "text": "tap"}], id="id")
        seen.append([record.values["id"] for record in records])
        return 2

    monkeypatch.setattr(module, "write_records", write)
    collection.export("out.csv")
    assert seen == [["a", "b"], ["a", "b"]]
    assert len(collection) == 3


def test_batches_end_by_number_or_by_length():
    short = [Item(-1, str(i), "x") for i in range(BATCH + 5)]
    assert [len(batch) for batch in batches(short)] == [BATCH, 5]
    long = [Item(-1, str(i), "x" * (CHARACTERS // 2)) for i in range(5)] + [Item(-1, "none", None)]
    assert [len(batch) for batch in batches(long)] == [2, 2, 2]
    assert list(batches([])) == []
