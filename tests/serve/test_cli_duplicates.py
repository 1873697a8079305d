"""duplicates: groups, the files it writes, and what is refused before anything is written."""

import csv

import pytest

from apply.rules import saved_rule
from cosimo import Space
from cosimo.files.records import read_records
from serve.scene import one_sentence

ROWS = [
    ("a", "Cooking rice", "1"),
    ("b", "cooking  RICE", "2"),
    ("c", "cooking rice and water", "3"),
    ("d", "whitening sentence vector", "4"),
    ("e", "", "5"),
    ("f", "", "6"),
]


@pytest.fixture
def products(tmp_path):
    path = tmp_path / "products.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sku", "name", "price"), *ROWS])
    return path


def values(path):
    return [record.values for record in read_records(path)]


def run(cosimo, products, space, *words):
    return cosimo("duplicates", products, "--text", "name", "--id", "sku", "--space", space, *words)


def test_lines_in_a_pipe(cosimo, products, space):
    outcome = run(cosimo, products, space, "--min-score", 0.999)
    assert outcome.code == 0
    assert outcome.rows == [["1", "1", "a", "Cooking rice"], ["1", "0", "b", "cooking  RICE"]]
    assert "products.csv: 6 texts, 5 kept (exact copies: 1, near pairs: 0, groups: 1, the largest of 2)" in outcome.err
    assert "No promise" in outcome.err


def test_json(cosimo, products, space):
    outcome = run(cosimo, products, space, "--min-score", 0.5, "--json")
    assert outcome.objects == [{"group": 1, "kept": "c", "ids": ["a", "b", "c"]}]


def test_files(cosimo, products, space, tmp_path):
    kept, groups, pairs = tmp_path / "kept.csv", tmp_path / "groups.jsonl", tmp_path / "pairs.csv"
    outcome = run(cosimo, products, space, "--min-score", 0.5, "--keep", kept, "--groups", groups, "--to-label", pairs)
    assert outcome.code == 0
    assert [tuple(row.values()) for row in values(kept)] == ROWS[2:]
    assert list(values(kept)[0]) == ["sku", "name", "price"]
    assert [(row["id"], row["kept"]) for row in values(groups)] == [("a", 0), ("b", 0), ("c", 1)]
    assert [(row["a_id"], row["b_id"], row["label"]) for row in values(pairs)] == [("a", "c", "")]
    assert f"{kept}: 4 records written" in outcome.err


def test_the_input_may_be_replaced(cosimo, products, space):
    assert run(cosimo, products, space, "--min-score", 0.5, "--keep", products).code == 0
    assert [row["sku"] for row in values(products)] == ["c", "d", "e", "f"]


def test_standard_input_is_read_once(cosimo, products, space, tmp_path):
    words = ("duplicates", "-", "--format", "csv", "--text", "name", "--space", space, "--min-score", 0.5)
    outcome = cosimo(*words, "--keep", tmp_path / "kept.csv", stdin=products.read_bytes())
    assert outcome.code == 0
    assert [row[2] for row in outcome.rows] == ["1", "2", "3"]
    assert [row["sku"] for row in values(tmp_path / "kept.csv")] == ["c", "d", "e", "f"]


def test_on_a_terminal_some_groups_are_shown(cosimo, products, space, monkeypatch):
    monkeypatch.setattr("cosimo.serve.cli.output.interactive", lambda: True)
    monkeypatch.setattr("cosimo.serve.cli.duplicates.interactive", lambda: True)
    monkeypatch.setattr("cosimo.serve.cli.duplicates.SHOWN", 0)
    outcome = run(cosimo, products, space, "--min-score", 0.999)
    assert "kept" in outcome.out
    assert "Cooking" not in outcome.out
    assert "and 1 groups more" in outcome.err


def test_with_a_rule(cosimo, products, space, tmp_path):
    rule = saved_rule(tmp_path / "same.json", Space.load(space))
    outcome = run(cosimo, products, space, "--with", rule, "--review", tmp_path / "ask.csv")
    assert outcome.code == 0
    asked = values(tmp_path / "ask.csv")
    assert {(row["a_id"], row["b_id"]) for row in asked} == {("a", "c"), ("a", "d"), ("c", "d")}
    assert all(row["reason"] for row in asked)
    assert "pairs to review: 3" in outcome.err
    assert "Outside the promise of the rule" in outcome.err


def test_within_the_promise_its_sentence_is_printed(cosimo, products, space, tmp_path):
    binds = {"candidates": "the 10 nearest of each distinct text", "items": "3"}
    rule = saved_rule(tmp_path / "same.json", Space.load(space), binds=binds)
    outcome = run(cosimo, products, space, "--with", rule)
    assert "Guarantee: with probability at least 95 %" in outcome.err
    outcome = run(cosimo, products, space, "--with", rule, "-k", 2)
    assert "these are the 2 nearest of each distinct text" in outcome.err
    assert "Guarantee:" not in outcome.err


def test_other_rules_are_refused(cosimo, products, space, other_space, tmp_path):
    kept = tmp_path / "kept.csv"
    for name, changes in (("unit", {"unit": "hit"}), ("scale", {"scale": "dot"})):
        rule = saved_rule(tmp_path / f"{name}.json", Space.load(space), **changes)
        outcome = run(cosimo, products, space, "--with", rule, "--keep", kept)
        assert (outcome.code, outcome.out) == (3, "")
    rule = saved_rule(tmp_path / "other.json", Space.load(other_space))
    assert run(cosimo, products, space, "--with", rule, "--keep", kept).code == 3
    assert not kept.exists()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--min-score", 0.9, "--with", "same.json"),
        ("--min-score", 0.9, "--review", "ask.csv"),
        ("--min-score", "x"),
    ],
)
def test_wrong_usage(cosimo, products, space, words):
    assert run(cosimo, products, space, *words).code == 2


@pytest.mark.parametrize(
    ("data", "words", "message"),
    [
        (b"", (), "is empty"),
        (b"sku,name\n", (), "is empty"),
        (b"sku,title\na,b\n", (), "no column 'name'"),
        (b"name\nb\n", (), "no column 'sku'"),
        (b"sku,name\na,x\na,y\n", (), "same id"),
        (b"sku,name\na,x\nb,y\n", ("-k", 0), "k must be at least 1"),
        (b"sku,name\na,x\nb,y\n", ("--min-score", "nan"), "finite"),
    ],
)
def test_bad_input_writes_nothing(cosimo, space, tmp_path, data, words, message):
    path, kept = tmp_path / "p.csv", tmp_path / "kept.csv"
    path.write_bytes(data)
    one_sentence(run(cosimo, path, space, "--min-score", 0.9, *words, "--keep", kept), message)
    assert not kept.exists()


def test_one_record(cosimo, space, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("sku,name\na,rice\n")
    outcome = run(cosimo, path, space, "--min-score", 0.9)
    assert (outcome.code, outcome.out) == (0, "")
    assert "1 texts, 1 kept" in outcome.err


def test_a_rule_that_is_not_there(cosimo, products, space, tmp_path):
    one_sentence(run(cosimo, products, space, "--with", tmp_path / "none.json"), "none.json")
    (tmp_path / "bad.json").write_text("[]")
    one_sentence(run(cosimo, products, space, "--with", tmp_path / "bad.json"), "not a rule")
