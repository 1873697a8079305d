"""A file of one's own: its columns say what it is."""

import json

import pytest

from cosimo.errors import DataError
from cosimo.interchange import write_beir
from cosimo.measure import read_tasks


def table(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


ROWS = {
    "STS": {"sentence1": "a", "sentence2": "b", "score": 0.5},
    "PairClassification": {"left": "a", "right": "b", "label": 1},
    "Triplets": {"anchor": "a", "positive": "b", "negative": "c"},
    "Reranking": {"query": "q", "answer": "x", "label": 1},
    "Bitext": {"source": "a", "target": "b"},
    "Clustering": {"text": "a", "label": "x"},
}


def varied(row):
    """Rows like this one in which everything differs."""
    out = []
    for i in range(4):
        values = {name: f"{value}{i}" if isinstance(value, str) else value for name, value in row.items()}
        if "label" in row:
            values["label"] = i % 2 if row["label"] == 1 else f"class {i % 2}"
        if "score" in row:
            values["score"] = i / 4
        if "query" in row:
            values["query"] = "q"
        out.append(values)
    return out


@pytest.mark.parametrize("kind", ROWS)
def test_columns_tell_the_kind(kind, tmp_path):
    (task,) = read_tasks(table(tmp_path / "mine.jsonl", varied(ROWS[kind])))
    assert type(task).__name__ == kind
    assert task.name == "mine"


def test_scores_that_are_0_or_1_are_labels(tmp_path):
    rows = [{"a": f"x{i}", "b": f"y{i}", "score": i % 2} for i in range(4)]
    (task,) = read_tasks(table(tmp_path / "mine.jsonl", rows))
    assert task.labels == [0, 1, 0, 1]


def test_columns_of_other_names(tmp_path):
    rows = [{"eins": f"x{i}", "zwei": f"y{i}", "drei": i / 4} for i in range(4)]
    (task,) = read_tasks(table(tmp_path / "mine.jsonl", rows), columns={"a": "eins", "b": "zwei", "score": "drei"})
    assert task.a == ["x0", "x1", "x2", "x3"]


def test_a_kind_may_be_asked_for(tmp_path):
    rows = [{"a": f"x{i}", "b": f"y{i}", "score": i % 2} for i in range(4)]
    (task,) = read_tasks(table(tmp_path / "mine.jsonl", rows), kind="sts")
    assert task.scores == [0.0, 1.0, 0.0, 1.0]


def test_a_beir_folder(tmp_path):
    folder = tmp_path / "beir"
    write_beir(folder, [{"_id": "d", "text": "x"}], {"q": "x"}, {"q": {"d": 1}})
    (task,) = read_tasks(folder)
    assert (task.name, len(task.queries)) == ("beir", 1)


def test_a_suite(tmp_path):
    table(tmp_path / "pairs.jsonl", varied(ROWS["STS"]))
    (tmp_path / "mine.toml").write_text('[[task]]\nkind = "sts"\nname = "x"\nfile = "pairs.jsonl"\n')
    assert [task.name for task in read_tasks(tmp_path / "mine.toml")] == ["x"]


def test_columns_that_fit_nothing(tmp_path):
    path = table(tmp_path / "mine.jsonl", [{"foo": 1, "bar": 2}])
    with pytest.raises(DataError, match=r"columns of mine\.jsonl \(foo, bar\) make no task"):
        read_tasks(path)
    with pytest.raises(DataError, match="make no bitext"):
        read_tasks(path, kind="bitext")
    with pytest.raises(DataError, match="no column 'left' for a; its columns are foo, bar"):
        read_tasks(path, columns={"a": "left"})


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_tasks(tmp_path / "none.csv")
