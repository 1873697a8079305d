"""match: pairs of two files, one partner each or all, and what is refused."""

import pytest

from apply.rules import saved_rule
from cosimo import Space
from cosimo.files.records import read_records, write_records
from serve.scene import one_sentence


@pytest.fixture
def files(tmp_path):
    left, right = tmp_path / "left.csv", tmp_path / "right.jsonl"
    write_records([{"id": "l1", "name": "cooking rice"}, {"id": "l2", "name": "late interaction"},
                   {"id": "l3", "name": "cooking rice and water"}], left)  # fmt: skip
    write_records([{"sku": 1, "title": "rice cooking"}, {"sku": 2, "title": "late interaction retrieval"}], right)
    return left, right


COLUMNS = ("--left-text", "name", "--left-id", "id", "--right-text", "title", "--right-id", "sku")


def run(cosimo, files, space, *words):
    return cosimo("match", *files, *COLUMNS, "--space", space, *words)


def test_lines_in_a_pipe(cosimo, files, space):
    outcome = run(cosimo, files, space, "--min-score", 0.7)
    assert outcome.code == 0
    assert [row[:2] for row in outcome.rows] == [["l1", "1"], ["l2", "2"], ["l3", "1"]]
    assert outcome.rows[0] == ["l1", "1", "1.0000", "", "cooking rice", "rice cooking"]
    assert "3 and 2 texts, 3 matches (of 3 on the left and 2 on the right)" in outcome.err
    assert "No promise" in outcome.err


def test_one_to_one(cosimo, files, space, tmp_path):
    outcome = run(cosimo, files, space, "--min-score", 0.7, "--one-to-one", "--to", tmp_path / "m.csv", "--json")
    assert [(row["left_id"], row["right_id"]) for row in outcome.objects] == [("l1", "1"), ("l2", "2")]
    written = [record.values for record in read_records(tmp_path / "m.csv")]
    assert [(row["left_id"], row["right_id"]) for row in written] == [("l1", "1"), ("l2", "2")]
    assert "left with one of its partners" in outcome.err


def test_same_columns_on_both_sides(cosimo, files, space):
    outcome = cosimo("match", files[0], files[0], "--text", "name", "--id", "id", "--space", space, "--min-score", 0.99)
    assert [row[:2] for row in outcome.rows] == [[name, name] for name in ("l1", "l2", "l3")]


def test_with_a_rule(cosimo, files, space, tmp_path):
    rule = saved_rule(tmp_path / "same.json", Space.load(space))
    outcome = run(
        cosimo, files, space, "--with", rule, "--review", tmp_path / "ask.csv", "--to-label", tmp_path / "l.csv"
    )
    assert outcome.code == 0
    assert [row[:2] for row in outcome.rows] == [["l1", "1"]]
    assert len(list(read_records(tmp_path / "ask.csv"))) == 5
    assert len(list(read_records(tmp_path / "l.csv"))) == 3
    assert "Outside the promise" in outcome.err
    rule = saved_rule(tmp_path / "hit.json", Space.load(space), unit="hit")
    assert run(cosimo, files, space, "--with", rule).code == 3


def test_on_a_terminal_some_matches_are_shown(cosimo, files, space, monkeypatch):
    monkeypatch.setattr("cosimo.serve.cli.output.interactive", lambda: True)
    monkeypatch.setattr("cosimo.serve.cli.match.interactive", lambda: True)
    monkeypatch.setattr("cosimo.serve.cli.match.SHOWN", 1)
    outcome = run(cosimo, files, space, "--min-score", 0.7)
    assert "cosine" in outcome.out
    assert "and 2 matches more" in outcome.err


def test_refused(cosimo, files, space, tmp_path):
    assert run(cosimo, files, space).code == 2
    assert cosimo("match", "-", "-", "--space", space, "--min-score", 0.9).code == 2
    one_sentence(
        cosimo("match", *files, "--text", "name", "--space", space, "--min-score", 0.9), "right.jsonl", "'name'"
    )
    one_sentence(run(cosimo, files, space, "--min-score", 0.9, "-k", 0), "k must be at least 1")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    one_sentence(run(cosimo, (empty, files[1]), space, "--min-score", 0.9), "is empty")
    one_sentence(run(cosimo, (tmp_path / "none.csv", files[1]), space, "--min-score", 0.9), "none.csv")
