"""build, add, delete, get, export: items in and out, and what is refused without loss."""

import csv
import json
from pathlib import Path

import pytest

from cosimo.files.records import read_records, write_records
from serve.scene import PAPERS, one_sentence


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ids(cosimo, collection) -> list[str]:
    return [item["id"] for item in cosimo("export", collection).objects]


def test_build_keeps_all_columns(cosimo, collection):
    assert cosimo("export", collection).objects == PAPERS


def test_build_reports(cosimo, papers, space, tmp_path):
    built = cosimo("build", papers, "--text", "title", "--space", space, "--into", tmp_path / "x.cosimo")
    assert built.code == 0
    assert built.out == ""
    assert built.err.startswith(f"{tmp_path / 'x.cosimo'}: 4 added, in ")


@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.parquet", "p.json"])
def test_build_from_every_format(cosimo, space, tmp_path, name):
    path = tmp_path / name
    if name == "p.json":
        path.write_text(json.dumps(PAPERS))
    else:
        write_records(PAPERS, path)
    target = tmp_path / "p.cosimo"
    words = ("--text", "title,abstract", "--id", "id", "--field", "year:int", "--space", space, "--into", target)
    assert cosimo("build", path, *words).code == 0
    found = cosimo("search", target, "rice", "--where", "year >= 2021", "--json").objects[0]["hits"]
    assert sorted(hit["id"] for hit in found) == ["p2", "p4"]
    assert all(type(hit["payload"]["year"]) is int for hit in found)


def test_build_from_standard_input(cosimo, space, tmp_path):
    target = tmp_path / "x.cosimo"
    assert cosimo("build", "-", "--space", space, "--into", target, stdin="rice\nשלום\n".encode()).code == 0
    assert [item["text"] for item in cosimo("export", target).objects] == ["rice", "שלום"]
    assert ids(cosimo, target) == ["1", "2"]


def test_build_from_standard_input_with_a_format(cosimo, space, tmp_path):
    target = tmp_path / "x.cosimo"
    words = ("--format", "csv", "--id", "n", "--space", space, "--into", target)
    assert cosimo("build", "-", *words, stdin=b"n,text\na,rice\nb,water\n").code == 0
    assert ids(cosimo, target) == ["a", "b"]


def test_build_into_what_is_there(cosimo, collection, papers):
    words = ("build", papers, "--text", "title", "--id", "id", "--into", collection)
    one_sentence(cosimo(*words), "exists already", "--update", "cosimo add")
    assert len(ids(cosimo, collection)) == 4


def test_build_into_a_file_that_is_there(cosimo, papers, space, tmp_path):
    target = tmp_path / "notes"
    target.write_text("precious")
    for update in ((), ("--update",)):
        words = ("build", papers, "--text", "title", "--space", space, "--into", target)
        assert cosimo(*words, *update).code == 1
    assert target.read_text() == "precious"


def test_update_replaces_and_adds(cosimo, collection, tmp_path):
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": "p1", "title": "rice", "abstract": ""}\n{"id": "p5", "title": "heat", "abstract": ""}\n')
    words = ("build", more, "--text", "title,abstract", "--id", "id", "--into", collection, "--update")
    updated = cosimo(*words)
    assert updated.code == 0
    assert "1 added, 1 replaced" in updated.err
    assert sorted(ids(cosimo, collection)) == ["p1", "p2", "p3", "p4", "p5"]
    one_sentence(cosimo(*words, "--field", "year:int"), "leave out --field")


def test_update_builds_what_is_not_there(cosimo, papers, space, tmp_path):
    target = tmp_path / "x.cosimo"
    words = ("build", papers, "--text", "title", "--space", space, "--into", target, "--update")
    assert cosimo(*words).code == 0
    assert len(ids(cosimo, target)) == 4


def test_update_in_another_space_is_refused(cosimo, collection, papers, other_space):
    words = ("build", papers, "--text", "title", "--id", "id", "--into", collection, "--update")
    refused = cosimo(*words, "--space", other_space)
    assert refused.code == 3
    assert refused.err.startswith("error: ")
    assert cosimo("export", collection).objects == PAPERS


BAD = {
    "missing column": ("p.csv", b"id,title\n1,rice\n", "there is no column 'abstract'"),
    "missing id": ("p.csv", b"title,abstract\nrice,heat\n", "there is no column 'id'"),
    "duplicate ids": ("p.csv", b"id,title,abstract\n1,a,b\n2,a,b\n1,c,d\n", "'id'"),
    "empty file": ("p.csv", b"", "p.csv is empty"),
    "only a header": ("p.csv", b"id,title,abstract\n", "p.csv is empty"),
    "not UTF-8": ("p.csv", b"id,title,abstract\n1,caf\xe9,b\n", "line 2: byte 23"),
    "broken JSON": ("p.jsonl", b'{"id": "1", "title": "a", "abstract": "b"}\n{"id"\n', "p.jsonl, line 2"),
    "columns too many": ("p.csv", b"id,title,abstract\n1,a,b,c\n", "line 2 has 4 columns"),
    "no text": ("p.jsonl", b'{"id": "1", "title": 3, "abstract": "b"}\n', "'title'"),
    "no such format": ("p.docx", b"x", "no known extension"),
    "bad field": ("p.csv", b"id,title,abstract,year\n1,a,b,abc\n", "wants int, got 'abc'"),
}


@pytest.mark.parametrize(("name", "data", "message"), BAD.values(), ids=BAD)
def test_bad_files_build_nothing(cosimo, space, tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    words = ("--text", "title,abstract", "--id", "id", "--field", "year:int", "--space", space)
    one_sentence(cosimo("build", path, *words, "--into", tmp_path / "x.cosimo"), message)
    assert listed(tmp_path) == [name]


@pytest.mark.parametrize(("name", "data", "message"), BAD.values(), ids=BAD)
def test_bad_files_add_nothing(cosimo, collection, tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    one_sentence(cosimo("add", collection, path, "--text", "title,abstract", "--id", "id"), message)
    assert cosimo("export", collection).objects == PAPERS


def test_a_line_broken_late_builds_nothing(cosimo, space, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"text": "rice"}\n' * 5000 + "{")
    one_sentence(cosimo("build", path, "--space", space, "--into", tmp_path / "x.cosimo"), "line 5001")
    one_sentence(
        cosimo("build", "-", "--space", space, "--into", tmp_path / "x.cosimo", stdin=path.read_bytes()), "line 5001"
    )
    assert listed(tmp_path) == ["p.jsonl"]


def test_file_that_is_not_there(cosimo, space, tmp_path):
    words = ("--space", space, "--into", tmp_path / "x.cosimo")
    one_sentence(cosimo("build", tmp_path / "none.csv", *words), "none.csv")
    one_sentence(cosimo("build", tmp_path, *words), "is a directory")


def test_unknown_model_names_the_way_out(cosimo, papers, tmp_path):
    words = ("build", papers, "--text", "title", "--into", tmp_path / "x.cosimo")
    one_sentence(cosimo(*words, "--space", "no-such-model"), "no-such-model")
    assert listed(tmp_path) == ["papers.jsonl"]


@pytest.mark.parametrize("field", ["year", "year:date", ":int"])
def test_field_of_no_type_is_wrong_usage(cosimo, papers, tmp_path, field):
    outcome = cosimo("build", papers, "--into", tmp_path / "x.cosimo", "--field", field)
    assert outcome.code == 2
    assert "NAME:TYPE" in outcome.err


def test_ten_megabytes_of_text(cosimo, space, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("id,text\nlong," + "rice water " * 950_000 + "\n")
    built = cosimo("build", path, "--id", "id", "--space", space, "--into", tmp_path / "x.cosimo")
    assert built.code == 0
    assert "1 longer than the model reads" in built.err
    assert cosimo("search", tmp_path / "x.cosimo", "rice", "--json").objects[0]["hits"][0]["id"] == "long"


def test_add_and_its_conflicts(cosimo, collection, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text("id,title,abstract\np1,rice,rice\np9,heat,heat\n")
    words = ("add", collection, more, "--text", "title,abstract", "--id", "id")
    one_sentence(cosimo(*words), "p1")
    assert len(ids(cosimo, collection)) == 4
    assert "1 added, 1 skipped" in cosimo(*words, "--on-conflict", "skip").err
    assert "0 added, 2 replaced" in cosimo(*words, "--on-conflict", "replace").err
    assert cosimo("get", collection, "p1", "--json").objects[0]["payload"]["title"] == "rice"
    assert cosimo(*words, "--on-conflict", "ignore").code == 2


def test_delete_by_id_and_by_filter(cosimo, collection):
    assert cosimo("delete", collection, "p1", "none").err.endswith(": 1 of 2 deleted\n")
    assert cosimo("delete", collection, "--where", "year >= 2022").err.endswith(": 1 deleted\n")
    assert ids(cosimo, collection) == ["p2", "p3"]
    assert [row[3] for row in cosimo("search", collection, "late interaction").rows] != []
    assert "p1" not in cosimo("search", collection, "late interaction").out


def test_delete_wants_ids_or_a_filter(cosimo, collection):
    assert cosimo("delete", collection).code == 2
    assert cosimo("delete", collection, "p1", "--where", "year > 0").code == 2
    assert len(ids(cosimo, collection)) == 4


def test_get(cosimo, collection):
    (item,) = cosimo("get", collection, "p4", "--json").objects
    assert item["id"] == "p4"
    assert item["text"] == 'שלום 🦊\nc++ or "don\'t"\n\tAND'
    assert item["payload"]["year"] == 2022
    assert ["title", "שלום 🦊"] in cosimo("get", collection, "p4").rows


def test_get_names_what_is_not_there(cosimo, collection):
    outcome = cosimo("get", collection, "p1", "none", "--json")
    assert outcome.objects[0]["id"] == "p1"
    one_sentence(outcome, "no item 'none'")


def test_arguments_that_are_not_utf8(cosimo, collection, papers, space, tmp_path):
    one_sentence(cosimo("get", collection, "caf\udce9"))
    one_sentence(cosimo("delete", collection, "caf\udce9"))
    built = cosimo("build", papers, "--text", "title", "--space", space, "--into", tmp_path / "caf\udce9")
    assert built.code == 0
    assert "caf\\udce9: 4 added" in built.err


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_export_to_a_file(cosimo, collection, tmp_path, name):
    written = cosimo("export", collection, "--to", tmp_path / name, "--where", "year >= 2020")
    assert written.code == 0
    assert written.out == ""
    assert written.err == f"{tmp_path / name}: 3 written\n"
    rows = [record.values for record in read_records(tmp_path / name)]
    assert [row["title"] for row in rows] == [PAPERS[i]["title"] for i in (0, 1, 3)]
    assert [row["id"] for row in rows] == ["p1", "p2", "p4"]


def test_export_csv_can_be_read_by_others(cosimo, collection, tmp_path):
    cosimo("export", collection, "--to", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file))[3]["abstract"] == 'c++ or "don\'t"\n\tAND'


def test_export_of_nothing(cosimo, collection):
    outcome = cosimo("export", collection, "--where", "year > 3000")
    assert (outcome.code, outcome.out) == (0, "")


def test_export_to_a_format_that_is_none(cosimo, collection, tmp_path):
    one_sentence(cosimo("export", collection, "--to", tmp_path / "out.docx"), "no known extension")


@pytest.mark.parametrize("command", ["add", "delete", "get", "export", "search"])
def test_no_collection(cosimo, tmp_path, papers, command):
    words = {"add": (papers,), "delete": ("p1",), "get": ("p1",), "export": (), "search": ("rice",)}[command]
    one_sentence(cosimo(command, tmp_path / "none.cosimo", *words), "none.cosimo")
    assert not (tmp_path / "none.cosimo").exists()
