"""Suites: those that come with cosimo read the real data, and a file of one's own is told what is wrong with it."""

import json

import pytest

from cosimo.errors import DataError
from cosimo.measure import load_suite, suite_names


def suite(tmp_path, text):
    (tmp_path / "mine.toml").write_text(text)
    rows = [{"sentence1": f"a{i}", "sentence2": f"b{i}", "score": i, "part": i % 2} for i in range(8)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "mine.toml"


@pytest.mark.data
@pytest.mark.parametrize("name", suite_names())
def test_the_shipped_suites_read_their_data(name, data):
    tasks = load_suite(name, data=data)
    names = [task.name for task in tasks]
    assert len(set(names)) == len(names)
    assert all(task.family for task in tasks)
    assert all(next(iter(task.metrics)) for task in tasks)


@pytest.mark.data
@pytest.mark.slow
def test_no_two_suites_have_a_task_of_one_name_and_kind(data):
    tasks = [(type(task).__name__, task.name) for name in suite_names() for task in load_suite(name, data=data)]
    assert len(set(tasks)) == len(tasks)


def test_one_task_for_each_value(tmp_path):
    path = suite(tmp_path, '[[task]]\nkind = "sts"\nname = "Mine"\nfile = "pairs.jsonl"\neach = "part"\nfamily = "f"\n')
    tasks = load_suite(path)
    assert [(task.name, task.family, list(task.scores)) for task in tasks] == [
        ("Mine/0", "f", [0.0, 2.0, 4.0, 6.0]),
        ("Mine/1", "f", [1.0, 3.0, 5.0, 7.0]),
    ]


def test_data_may_lie_elsewhere(tmp_path):
    path = suite(tmp_path, '[[task]]\nkind = "sts"\nfile = "pairs.jsonl"\n')
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pairs.jsonl").rename(tmp_path / "elsewhere" / "pairs.jsonl")
    assert load_suite(path, data=tmp_path / "elsewhere")[0].name == "sts"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"mine\.toml holds no \[\[task\]\]"),
        ("[[task", r"mine\.toml is no TOML"),
        ('[[task]]\nkind = "str"\nfile = "pairs.jsonl"', "kind is one of sts, pairs, .* got 'str'"),
        ('[[task]]\nkind = "sts"', "names no file"),
        ('[[task]]\nkind = "sts"\nfile = "gone.csv"', r"there is no gone\.csv"),
        ('[[task]]\nkind = "sts"\nfile = "pairs.jsonl"\ncolour = 1', "an argument that sts does not take"),
        ('[[task]]\nkind = "sts"\nfile = "pairs.jsonl"\nscore = "gold"', "there is no column 'gold'"),
    ],
)
def test_what_is_wrong_is_said(text, message, tmp_path):
    with pytest.raises(DataError, match=message):
        load_suite(suite(tmp_path, text))


def test_names_that_nearly_fit():
    with pytest.raises(DataError, match="did you mean retrieval"):
        load_suite("retrieva")
    with pytest.raises(DataError, match="wants the folder of its data"):
        load_suite("sts")
