import sqlite3

import numpy as np
import pytest

from cosimo.errors import StoreError
from cosimo.search import SqliteStore


@pytest.fixture
def store(tmp_path):
    with_store = SqliteStore.create(tmp_path / "items.db", passport={}, settings={})
    yield with_store
    with_store.close()


def test_rules_by_name(store):
    store.shelf.put("b", {"cut": 0.5})
    store.shelf.put("a", {"cut": -0.25})
    store.shelf.put("b", {"cut": 0.75})
    assert store.shelf.names() == ["a", "b"]
    assert store.shelf.get("b") == {"cut": 0.75}
    assert store.shelf.get("c") is None
    assert store.shelf.remove("a")
    assert not store.shelf.remove("a")


def test_the_ledger_is_appended_to_and_read_in_order(store):
    digests = np.array([0, 2**64 - 1], dtype=np.uint64)
    store.shelf.note({"purpose": "calibrate", "n": 2}, digests)
    store.shelf.note({"purpose": "tune"}, digests[:0])
    (first, units), (second, none) = store.shelf.ledger()
    assert (first, second) == ({"purpose": "calibrate", "n": 2}, {"purpose": "tune"})
    np.testing.assert_array_equal(units, digests)
    assert len(none) == 0


def test_neither_is_a_change_of_the_content(store):
    store.shelf.put("a", {})
    store.shelf.note({}, np.zeros(0, np.uint64))
    assert store.generation == 0


@pytest.mark.parametrize("statement", ["UPDATE rules SET value = '{}'", "UPDATE ledger SET units = x'00'"])
def test_what_was_changed_behind_its_back_is_refused(store, statement):
    store.shelf.put("a", {"cut": 1})
    store.shelf.note({"n": 1}, np.ones(1, np.uint64))
    store.check()
    with sqlite3.connect(store.path) as db:
        db.execute(statement)
    db.close()
    with pytest.raises(StoreError, match="damaged"):
        store.check()


def test_a_collection_of_format_1_gets_a_shelf(tmp_path, store):
    path = store.path
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE rules")
        db.execute("DROP TABLE ledger")
        db.execute("PRAGMA user_version = 1")
    db.close()
    again = SqliteStore.open(path)
    again.shelf.put("a", {"cut": 1})
    assert again.shelf.get("a") == {"cut": 1}
    again.close()


def test_read_only_reads(store):
    store.shelf.put("a", {"cut": 1})
    reader = SqliteStore.open(store.path, readonly=True)
    assert reader.shelf.get("a") == {"cut": 1}
    with pytest.raises(StoreError, match="read-only"):
        reader.shelf.put("a", {})
    reader.close()
