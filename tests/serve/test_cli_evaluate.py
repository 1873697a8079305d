"""evaluate: two spaces on a file of one's own in one command, suites, runs; and what is refused."""

import json

import pytest

from serve.scene import one_sentence

WORDS = ("rice", "water", "tokens", "vectors", "cooking", "retrieval", "heat", "symbols")


@pytest.fixture
def pairs(tmp_path):
    rows = [
        {"one": f"{a} {i}", "two": f"{b} {i}", "three": 5.0 if a == b else float(len(a) % 3)}
        for i, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


COLUMNS = ("--columns", "a=one,b=two,score=three")


def test_two_spaces_on_ones_own_file(cosimo, pairs, space, other_space):
    found = cosimo("evaluate", space, pairs, "--against", other_space, *COLUMNS)
    assert found.code == 0, found.err
    lines = [line.split("\t") for line in found.out.splitlines()]
    assert [line[:3] for line in lines[:4]] == [
        ["pairs", "spearman", "tiny"],
        ["pairs", "spearman", "other"],
        ["pairs", "pearson", "tiny"],
        ["pairs", "pearson", "other"],
    ]
    assert lines[4][:3] == ["pairs", "spearman", "tiny - other"]
    assert len(lines[4]) == 9
    assert "tiny" in found.err.splitlines()[-1]
    assert " p = " in found.err.splitlines()[-1]


def test_json(cosimo, pairs, space, other_space):
    found = cosimo("evaluate", space, pairs, "--against", other_space, *COLUMNS, "--json").objects
    assert [entry.get("system") for entry in found] == ["tiny", "other", None]
    low, high = found[0]["metrics"]["spearman"]["interval"]
    assert low <= found[0]["metrics"]["spearman"]["value"] <= high
    assert found[-1]["a"] == "tiny"
    assert found[-1]["tasks"][0]["p_value"] <= 1


def test_one_space_alone(cosimo, pairs, space):
    found = cosimo("evaluate", space, pairs, *COLUMNS)
    assert found.code == 0, found.err
    assert len(found.out.splitlines()) == 2


def test_results_are_kept_and_gone_on_with(cosimo, pairs, space, other_space, tmp_path):
    out = tmp_path / "results"
    first = cosimo("evaluate", space, pairs, *COLUMNS, "--out", out)
    assert (out / "tiny" / "pairs.json").is_file()
    again = cosimo("evaluate", space, pairs, "--against", other_space, *COLUMNS, "--out", out)
    assert again.out.splitlines()[0] == first.out.splitlines()[0]
    refused = cosimo("evaluate", space, pairs, *COLUMNS, "--out", out, "--seed", 1)
    one_sentence(refused, "holds a result of another seed (0, wanted 1)")


def test_a_page(cosimo, pairs, space, other_space, tmp_path):
    found = cosimo("evaluate", space, pairs, "--against", other_space, *COLUMNS, "--html", tmp_path / "r.html")
    assert found.code == 0, found.err
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "tiny against other" in page


def test_a_suite_of_ones_own(cosimo, pairs, space, tmp_path):
    text = '[[task]]\nkind = "sts"\nname = "mine"\nfile = "pairs.jsonl"\na = "one"\nb = "two"\nscore = "three"\n'
    (tmp_path / "mine.toml").write_text(text)
    assert cosimo("evaluate", space, tmp_path / "mine.toml").out.startswith("mine\tspearman\ttiny\t")


class TestRuns:
    @pytest.fixture
    def runs(self, tmp_path):
        for name, best in (("a", "right"), ("b", "wrong")):
            lines = [
                f"q{i} Q0 {item} {rank} {2 - rank} x\n"
                for i in range(20)
                for rank, item in enumerate(sorted(("right", "wrong"), key=lambda item: item != best), 1)
            ]
            (tmp_path / f"{name}.run").write_text("".join(lines))
        (tmp_path / "qrels.txt").write_text("".join(f"q{i} 0 right 1\n" for i in range(20)))
        return tmp_path

    def test_two_runs(self, cosimo, runs):
        found = cosimo("evaluate", runs / "a.run", "--against", runs / "b.run", "--qrels", runs / "qrels.txt", "--json")
        assert found.code == 0, found.err
        assert found.objects[0]["metrics"]["mrr"]["value"] == 1.0
        assert found.objects[-1]["verdict"].startswith("a.run is better than b.run on qrels")

    def test_judgements_of_other_queries(self, cosimo, runs):
        (runs / "other.txt").write_text("x1 0 right 1\n")
        found = cosimo("evaluate", runs / "a.run", "--qrels", runs / "other.txt")
        one_sentence(found, "a.run answers none of the 1 judged queries")

    def test_a_file_beside_runs_is_wrong_usage(self, cosimo, runs, pairs):
        assert cosimo("evaluate", runs / "a.run", pairs, "--qrels", runs / "qrels.txt").code == 2


class TestWrongUsage:
    def test_nothing_to_measure_on(self, cosimo, space):
        assert cosimo("evaluate", space).code == 2

    def test_the_same_space_twice(self, cosimo, pairs, space):
        assert cosimo("evaluate", space, pairs, "--against", space).code == 2

    def test_columns_without_roles(self, cosimo, pairs, space):
        assert cosimo("evaluate", space, pairs, "--columns", "left,right").code == 2


def test_columns_that_fit_no_task(cosimo, space, tmp_path):
    (tmp_path / "mine.jsonl").write_text('{"foo": "a", "bar": "b"}\n')
    one_sentence(cosimo("evaluate", space, tmp_path / "mine.jsonl"), "columns of mine.jsonl (foo, bar) make no task")


def test_a_suite_without_data(cosimo, space, monkeypatch):
    monkeypatch.delenv("COSIMO_DATA", raising=False)
    one_sentence(cosimo("evaluate", space, "--suite", "sts"), "wants the folder of its data")
