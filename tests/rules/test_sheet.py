"""Labels that a common field fills in: a value that is missing, mistyped or contradicted is never one that matches."""

import numpy as np
import pytest

from assembly.classes import CLASSES, space
from cosimo import Collection
from cosimo.errors import DataError

MISSING = [None, "", " \t", float("nan")]


@pytest.fixture
def collection(tmp_path):
    """A function that makes a collection of one item with one declared field `n`."""
    made = []

    def make(kind, value):
        items = Collection.create(tmp_path / f"{len(made)}.cosimo", space(), fields={"n": kind})
        items.add([{"id": "i", "text": "1 item", "n": value}], id="id")
        made.append(items)
        return items

    yield make
    for items in made:
        items.close()


def label(items, queries):
    return [row["label"] for row in items.sample_for_labels(queries, 10, k=1, same="n")]


def csv(path, value):
    path.write_text(f"query,n\n1 question,{value}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("here", [None, "", " \t"], ids=repr)
@pytest.mark.parametrize("there", MISSING, ids=repr)
def test_two_missing_values_are_no_match(collection, here, there):
    items = collection(str, here)
    assert label(items, [{"query": "1 question", "n": there}]) == [""]
    assert label(items, [{"query": "1 question", "n": "None"}]) == [""]


def test_a_missing_value_on_one_side_is_no_label(collection, tmp_path):
    items = collection(int, 3)
    assert label(items, [{"query": "1 question", "n": None}]) == [""]
    assert label(items, csv(tmp_path / "q.csv", "")) == [""]


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (bool, True, ["true", "TRUE", "yes", "1"]),
        (bool, False, ["false", "no", "0"]),
        (int, 1, ["1", " 1", "01"]),
        (float, 1.0, ["1", "1.0", " 1e0"]),
        (str, "card", ["card"]),
    ],
)
def test_values_of_a_file_are_of_the_declared_type(collection, tmp_path, kind, value, written):
    items = collection(kind, value)
    for number, text in enumerate(written):
        assert label(items, csv(tmp_path / f"{number}.csv", text)) == [1], text


def test_another_value_is_no_match(collection, tmp_path):
    assert label(collection(int, 1), csv(tmp_path / "q.csv", "2")) == [0]


def test_values_of_another_type_are_refused_by_line(collection, tmp_path):
    items = collection(int, 1)
    with pytest.raises(DataError, match=r"column 'n' \(.*line 2\) wants int, got '1.0'"):
        label(items, csv(tmp_path / "q.csv", "1.0"))
    with pytest.raises(DataError, match="wants int, got 'one'"):
        label(items, [{"query": "1 question", "n": "one"}])


def test_a_query_with_two_answers_is_refused(collection):
    twice = [{"query": "1 question", "n": "login"}, {"query": "1 question", "n": "card"}]
    with pytest.raises(DataError, match="line 1: this query came before with another n, 'login' instead of 'card'"):
        label(collection(str, "card"), twice)


def test_no_guarantee_is_made_of_missing_values(tmp_path):
    """Nothing says which hit is right, so there is nothing to promise."""
    with Collection.create(tmp_path / "c", space(), fields={"kind": str}) as items:
        items.add([{"id": f"{n}", "text": f"{n % CLASSES} item {n}", "kind": None} for n in range(300)], id="id")
        queries = [{"query": f"{n % CLASSES} question {n}", "kind": "a" if n % 20 == 0 else ""} for n in range(200)]
        sheet = items.sample_for_labels(queries, 200, k=5, same="kind")
        assert {row["label"] for row in sheet} == {""}
        with pytest.raises(DataError, match="holds no label"):
            items.calibrate(sheet.records, precision=0.85)


def test_a_group_wants_a_value(tmp_path):
    with Collection.create(tmp_path / "c", space(), fields={"kind": str, "shop": str}) as items:
        rows = [(f"{n % CLASSES} item {n}", str(n % CLASSES), None if n % 7 == 0 else "a") for n in range(300)]
        items.add([{"id": str(n), "text": t, "kind": k, "shop": s} for n, (t, k, s) in enumerate(rows)], id="id")
        queries = [{"query": f"{n % CLASSES} question {n}", "kind": str(n % CLASSES)} for n in range(300)]
        sheet = items.sample_for_labels(queries, 300, k=5, same="kind")
        from cosimo import Labels

        with pytest.raises(DataError, match="have no value of 'shop', so no group"):
            items.calibrate(Labels(sheet.records, by="shop"), precision=0.8)
        assert np.isin([row["label"] for row in sheet], [0, 1]).all()
