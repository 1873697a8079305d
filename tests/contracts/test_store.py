"""What every store keeps. Each check makes an empty one with `create(path, fields=, passport=, settings=)`."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.collect import Example, Kind
from contracts.samples import SENTENCES, vectors
from cosimo.contracts import Store
from cosimo.errors import DataError, FilterError
from cosimo.types import Item, Tokens

FIELDS = {"year": int, "venue": str}
ITEMS = [
    Item(-1, "a", "late interaction of tokens", {"year": 2020, "venue": "SIGIR"}),
    Item(-1, "b", "whitening of sentence vectors", {"year": 2021}),
    Item(-1, "c", "cooking rice with tokens", {"venue": "ACL"}),
    Item(-1, "d", None, {}),
]
"""Every field is missing somewhere, and one item has no text."""


def created(kind: type, folder: Path) -> Store:
    return kind.create(folder / "items.db", fields=FIELDS, passport={}, settings={})


def single(n: int, dtype: type = np.float32) -> Tokens:
    """One vector an item."""
    return Tokens(vectors(n, dtype), np.arange(n + 1))


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return [Item(-1, f"item {i}", SENTENCES[i % len(SENTENCES)]) for i in range(n)], single(n, dtype)


def _answer(value: Store, items: list[Item], X: Tokens) -> list[np.ndarray]:
    """The rows that a new store of the same kind gives out."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = created(type(value), Path(folder))
        try:
            return [fresh.add(items, {"whole": X}, on_conflict="error").rows]
        finally:
            fresh.close()


KIND = Kind("store", Store, inputs=_inputs, answer=_answer)


@pytest.fixture
def filled(store, tmp_path):
    """A store with the four items."""
    value = created(type(store.value), tmp_path)
    value.add(ITEMS, {"whole": single(4)}, on_conflict="error")
    yield value
    value.close()


def ids(value: Store, where: str | None = None) -> list[str]:
    return [item.id for item in value.scan(where=where)]


def found(value: Store, text: str, k: int = 10, where: str | None = None) -> list[str]:
    """Ids of the items that a lexical search gives."""
    by_row = {item.row: item.id for item in value.scan()}
    return [by_row[row] for row in value.search(text, k, where=where)[0].tolist()]


def test_what_was_added_is_there(filled):
    got = filled.get(["c", "nobody", "a"])
    assert [item and item.id for item in got] == ["c", None, "a"]
    assert (got[0].text, dict(got[0].payload)) == (ITEMS[2].text, ITEMS[2].payload)
    assert filled.count() == 4


def test_scan_is_in_row_order(filled):
    rows = [item.row for item in filled.scan()]
    assert rows == sorted(set(rows))
    assert [item.row for item in filled.scan(after=rows[1])] == rows[2:]


def test_rows_are_never_used_again(filled):
    before = [item.row for item in filled.scan()]
    filled.delete(["d", "a"])
    filled.add(ITEMS[:1], {"whole": single(1)}, on_conflict="error")
    assert filled.get(["a"])[0].row > max(before)


def test_deleted_is_gone_everywhere(filled):
    assert filled.delete(["a", "nobody"]) == 1
    assert filled.get(["a"]) == [None]
    assert ids(filled) == ["b", "c", "d"]
    assert ids(filled, "year >= 2020") == ["b"]
    assert (filled.count(), filled.count("year >= 2020")) == (3, 1)
    assert found(filled, "tokens") == ["c"]


def test_delete_by_filter(filled):
    assert filled.delete(where="year >= 2020") == 2
    assert ids(filled) == ["c", "d"]


def test_conflict_writes_nothing(filled):
    with pytest.raises(DataError, match="'b'"):
        filled.add([Item(-1, "e", "new"), ITEMS[1]], {"whole": single(2)}, on_conflict="error")
    assert ids(filled) == ["a", "b", "c", "d"]


def test_conflict_replaces(filled):
    filled.add([replace(ITEMS[1], text="replaced words")], {"whole": single(1)}, on_conflict="replace")
    assert filled.get(["b"])[0].text == "replaced words"
    assert filled.count() == 4
    assert (found(filled, "whitening"), found(filled, "replaced")) == ([], ["b"])


def test_conflict_skips(filled):
    filled.add([replace(ITEMS[1], text="other words"), Item(-1, "e", "new")], {"whole": single(2)}, on_conflict="skip")
    assert filled.get(["b"])[0].text == ITEMS[1].text
    assert ids(filled) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("where", "passing"),
    [
        ("year >= 2021", ["b"]),
        ("not year >= 2021", ["a"]),
        ("year != 2021", ["a"]),
        ('venue in ("ACL", "EMNLP")', ["c"]),
        ('not venue in ("ACL", "EMNLP")', ["a"]),
        ("venue is missing", ["b", "d"]),
        ("venue is not missing and not year is missing", ["a"]),
        ('id == "d" or year = 2020', ["a", "d"]),
    ],
)
def test_filters_and_missing_values(filled, where, passing):
    """A missing value passes `is missing` and nothing else, `not` included."""
    assert ids(filled, where) == passing
    assert filled.count(where) == len(passing)


@pytest.mark.parametrize("where", ["year >= '1999'", "price > 1", "year >=", 'venue == "x"; DROP TABLE items', ""])
def test_bad_filters_refused(filled, where):
    for use in (filled.count, lambda where: filled.delete(where=where), lambda where: list(filled.scan(where=where))):
        with pytest.raises(FilterError):
            use(where)
    assert filled.count() == 4


def test_lexical_search_best_first(filled):
    rows, scores = filled.search("interaction tokens", 10)
    assert rows[0] == filled.get(["a"])[0].row
    assert (np.diff(scores) <= 0).all()
    assert len(filled.search("tokens", 1)[0]) == 1
    assert found(filled, "tokens", where='venue == "ACL"') == ["c"]


@pytest.mark.parametrize(
    "text", ["AND", "c++", "don't", '"', "tokens*", "NEAR(a b)", "text:tokens", "-", "", "🎸", "^a"]
)
def test_lexical_search_takes_any_text(filled, text):
    assert set(found(filled, text)) <= {"a", "c"}


def test_generation_rises_with_every_change_and_only_then(filled):
    seen = [filled.generation]
    for change in (
        lambda: filled.add([Item(-1, "e", "new")], {"whole": single(1)}, on_conflict="error"),
        lambda: filled.delete(["e"]),
    ):
        change()
        seen.append(filled.generation)
    assert seen == sorted(set(seen))
    filled.delete(["nobody"])
    list(filled.scan())
    filled.search("tokens", 3)
    assert filled.generation == seen[-1]
