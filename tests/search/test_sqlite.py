import atexit
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cosimo.errors import DataError, FilterError, ShapeError, StoreError
from cosimo.search import SqliteStore
from cosimo.search.stores import connections, schema, sqlite
from cosimo.types import Item, Tokens

FOLDER = Path(tempfile.mkdtemp())
EXAMPLES = [SqliteStore.create(FOLDER / "items.db", passport={}, settings={})]
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
atexit.register(EXAMPLES[0].close)

FIELDS = {"year": int, "price": float, "venue": str, "open": bool}


def singles(*rows):
    """One vector an item."""
    X = np.array(rows, np.float32).reshape(len(rows), -1)
    return {"whole": Tokens(X, np.arange(len(rows) + 1))}


def item(name, text=None, **payload):
    return Item(-1, name, text, payload)


def raw(path, query, *values):
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(query, values).fetchall()
    finally:
        db.close()


def check_file(path):
    """SQLite's own checks, the lexical index against the live texts included."""
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]
    raw(path, "INSERT INTO full_text (full_text, rank) VALUES ('integrity-check', 1)")
    assert raw(path, "SELECT count(*) FROM vectors WHERE item NOT IN (SELECT row FROM items)") == [(0,)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "items.db"


@pytest.fixture
def store(path):
    store = SqliteStore.create(path, fields=FIELDS, passport={"dim": 2}, settings={"similarity": "cosine"})
    yield store
    store.close()


class Model(RuleBasedStateMachine):
    """A store beside plain dictionaries that do what it promises."""

    names = st.sampled_from([f"id{i}" for i in range(8)])
    texts = st.none() | st.sampled_from(["red apple", "green pear", "red red wine", "", "zwölf Äpfel", "nul\0byte"])
    years = st.none() | st.integers(2018, 2022)
    batches = st.lists(st.tuples(names, texts, years, st.integers(0, 3)), max_size=5)
    filters = st.sampled_from(["year >= 2020", "not year = 2019", "year is missing", 'id in ("id1", "id2")'])

    @initialize()
    def start(self):
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "items.db"
        self.store = SqliteStore.create(self.path, fields={"year": int}, passport={"a": 1}, settings={})
        self.live, self.dead, self.vectors, self.last, self.generation = {}, set(), {}, 0, 0

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            check_file(self.path)
            shutil.rmtree(self.folder)

    @rule(batch=batches, on_conflict=st.sampled_from(["error", "replace", "skip"]))
    def add(self, batch, on_conflict):
        items = [item(name, text, **({} if year is None else {"year": year})) for name, text, year, _ in batch]
        parts = [np.full((count, 2), self.last + i, np.float32) for i, (*_, count) in enumerate(batch)]
        names = [given.id for given in items]
        arguments = {"vectors": {"whole": Tokens.stack(parts, dim=2)}, "on_conflict": on_conflict}
        if on_conflict == "error" and (len(set(names)) < len(names) or self.live.keys() & set(names)):
            with pytest.raises(DataError, match="nothing was written"):
                self.store.add(items, **arguments)
            return
        outcome = self.store.add(items, **arguments)
        rows = np.full(len(items), -1)
        replaced = 0
        for i, (given, X) in enumerate(zip(items, parts, strict=True)):
            later = given.id in names[i + 1 :]
            if (on_conflict == "replace" and later) or (on_conflict == "skip" and given.id in self.live):
                continue
            if given.id in self.live:
                self.dead.add(self.live[given.id].row)
                replaced += 1
            self.last += 1
            rows[i] = self.last
            self.live[given.id] = Item(self.last, given.id, given.text, given.payload)
            self.vectors[self.last] = X
        self.generation += bool((rows >= 0).any())
        assert outcome.rows.tolist() == rows.tolist()
        written = int((rows >= 0).sum())
        assert (outcome.added, outcome.replaced, outcome.skipped) == (written - replaced, replaced, len(rows) - written)

    @rule(ids=st.lists(names, max_size=4))
    def delete(self, ids):
        self.forget({name for name in ids if name in self.live}, self.store.delete(ids))

    @rule(where=filters)
    def delete_where(self, where):
        self.forget(
            {given.id for given in self.live.values() if self.passes(where, given)}, self.store.delete(where=where)
        )

    def forget(self, names, count):
        assert count == len(names)
        self.dead |= {self.live.pop(name).row for name in names}
        self.generation += bool(names)

    @rule()
    def compact(self):
        assert self.store.compact() == len(self.dead)
        self.generation += bool(self.dead)
        self.vectors = {row: X for row, X in self.vectors.items() if row not in self.dead}
        self.dead = set()

    @rule(readonly=st.booleans())
    def reopen(self, readonly):
        self.store.close()
        if readonly:
            self.store = SqliteStore.open(self.path, readonly=True)
            self.agrees()
            self.store.close()
        self.store = SqliteStore.open(self.path)

    @rule(where=filters)
    def filtered(self, where):
        expected = [given.row for given in self.in_order() if self.passes(where, given)]
        assert self.store.rows(where).tolist() == expected
        assert self.store.count(where) == len(expected)
        assert [given.row for given in self.store.scan(where=where)] == expected

    @rule(word=st.sampled_from(["red", "apples", "zwolf", "byte", "nothing"]), k=st.integers(0, 3))
    def lexical(self, word, k):
        roots = {"red": "red", "apples": "apple", "zwolf": "zwölf", "byte": "byte", "nothing": "nothing"}
        rows, scores = self.store.search(word, k)
        assert len(rows) == min(k, sum(roots[word] in (given.text or "") for given in self.live.values()))
        assert all(roots[word] in self.store.items([row])[row].text for row in rows.tolist())
        assert (np.diff(scores) <= 0).all()

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def agrees(self):
        assert list(self.store.scan()) == self.in_order()
        assert self.store.rows().tolist() == [given.row for given in self.in_order()]
        assert self.store.dead().tolist() == sorted(self.dead)
        assert self.store.get(["id0", "gone", "id1"]) == [self.live.get("id0"), None, self.live.get("id1")]
        assert self.store.items(range(self.last + 2)) == {given.row: given for given in self.live.values()}
        assert (self.store.last_row(), self.store.generation) == (self.last, self.generation)
        stored = [(row, X.tolist()) for rows, block in self.store.vectors() for row, X in zip(rows, block, strict=True)]
        assert stored == [(row, part.tolist()) for row in sorted(self.vectors) for part in self.vectors[row]]

    def in_order(self):
        return sorted(self.live.values(), key=lambda given: given.row)

    def passes(self, where, given):
        year = given.payload.get("year")
        if where == "year is missing":
            return year is None
        if where.startswith("id"):
            return given.id in ("id1", "id2")
        return year is not None and (year >= 2020 if where == "year >= 2020" else year != 2019)


Model.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_oracle_the_store_is_a_dictionary = Model.TestCase


class TestAdd:
    def test_what_comes_back_is_what_went_in(self, store, path):
        payload = {
            "title": "Ünïcödé 東京 🎸",
            "nested": {"a": [1, None, -2.5, True]},
            "big": 10**40,
            "year": -1,
            "open": False,
        }
        given = Item(99, "שלום/ 🎸", "text with a NUL \0 and a tail", payload)
        outcome = store.add([given], singles([0.1, -2]))
        assert outcome.rows.tolist() == [1]
        assert store.get([given.id]) == [Item(1, given.id, given.text, payload)]
        assert [found.row for found in store.scan(where="open = false and year < 0")] == [1]
        assert store.search("tail", 5)[0].tolist() == [1]
        assert store.delete([given.id]) == 1
        assert store.search("tail", 5)[0].tolist() == []
        check_file(path)

    def test_several_kinds_and_parts_with_spans(self, store):
        parts = Tokens(np.arange(9, dtype=np.float64).reshape(3, 3), np.array([0, 2, 2, 3]))
        spans = {"chunk": np.array([[0, 4], [5, 9], [0, 3]])}
        whole = Tokens(np.ones((3, 2), np.float32), np.arange(4))
        items = [item("a", "some text"), item("b"), item("c", "abc")]
        rows = store.add(items, {"whole": whole, "chunk": parts}, spans=spans).rows
        assert store.dims == {"whole": 2, "chunk": 3}
        ((found, X),) = store.vectors("chunk")
        assert found.tolist() == [rows[0], rows[0], rows[2]]
        assert X.dtype == np.float32
        np.testing.assert_array_equal(X, parts.values)
        assert store.spans("chunk", rows) == {rows[0]: [(0, 4), (5, 9)], rows[2]: [(0, 3)]}
        assert store.spans("whole", rows) == {}
        assert list(store.vectors("question")) == []

    def test_blocks_cover_the_rows_asked_for_in_order(self, store, monkeypatch):
        monkeypatch.setattr(sqlite, "BLOCK", 7)
        store.add([item(f"i{i}") for i in range(40)], singles(*[[i, -i] for i in range(40)]))
        blocks = list(store.vectors(after=3, upto=30))
        assert [len(rows) for rows, _ in blocks] == [7, 7, 7, 6]
        assert np.concatenate([rows for rows, _ in blocks]).tolist() == list(range(4, 31))
        assert np.concatenate([X for _, X in blocks])[:, 1].tolist() == [-float(row - 1) for row in range(4, 31)]

    def test_many_ids_go_through_in_pieces(self, store):
        names = [f"i{i}" for i in range(1203)]
        store.add([item(name) for name in names], singles(*np.zeros((1203, 2))))
        assert [found.id for found in store.get(names[::-1])] == names[::-1]
        assert len(store.items(range(2000))) == 1203
        assert (
            store.add([item(name) for name in names], singles(*np.ones((1203, 2))), on_conflict="replace").replaced
            == 1203
        )
        assert store.delete(names) == 1203

    def test_nothing_is_no_change(self, store):
        assert store.add([], {}).rows.shape == (0,)
        assert store.delete([]) == store.delete(["unknown"]) == store.compact() == 0
        assert store.generation == 0
        store.add([item("a")], singles([1, 2]))
        assert store.add([item("a")], {"chunk": singles([3, 4])["whole"]}, on_conflict="skip").skipped == 1
        assert (store.generation, store.dims) == (1, {"whole": 2})

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            (item("x", year="1999"), "field year of item 'x' wants int, got '1999' (str)"),
            (item("x", year=True), "field year of item 'x' wants int, got True (bool)"),
            (item("x", year=2.0), "wants int, got 2.0 (float)"),
            (item("x", year=2**63), "does not fit in 64 bits"),
            (item("x", price=2**63), "does not fit in 64 bits"),
            (item("x", price="1"), "field price of item 'x' wants float"),
            (item("x", venue=3), "wants str, got 3 (int)"),
            (item("x", open=1), "wants bool, got 1 (int)"),
            (item("x", price=float("nan")), "payload of item 'x' cannot be stored as JSON"),
            (item("x", other=float("-inf")), "payload of item 'x' cannot be stored as JSON"),
            (item("x", other={1, 2}), "payload of item 'x' cannot be stored as JSON"),
            (item("x", other=np.int64(3)), "payload of item 'x' cannot be stored as JSON"),
            (item("x", other="\ud800"), "lone surrogate"),
            (item("x", "half \udc00 pair"), "item 'x' holds a lone surrogate"),
            (item("\ud800"), "lone surrogate"),
            (Item(-1, "x", None, {1: 2}), "names that are strings"),
            (item(""), "item 1 wants an id"),
            (item("a\0b"), "without NUL"),
            (item(7), "item 1 wants an id of one character or more, without NUL, got 7"),
            (item("x", b"bytes"), "the text of item 'x' must be a string, got bytes"),
        ],
    )
    def test_what_cannot_be_stored_is_named_and_nothing_written(self, store, bad, words):
        with pytest.raises(DataError) as caught:
            store.add([item("good"), bad], singles([1, 2], [3, 4]))
        assert words in str(caught.value)
        assert (store.count(), store.generation, store.last_row()) == (0, 0, 0)

    def test_a_whole_number_is_a_fraction_and_none_is_missing(self, store):
        store.add([item("a", price=3, year=None, venue=None)], {})
        assert store.count("price = 3.0 and year is missing and venue is missing and open is missing") == 1
        assert store.get(["a"])[0].payload == {"price": 3, "year": None, "venue": None}
        large = 2**53 + 1
        store.add([item("b", price=large)], {})
        assert store.get(["b"])[0].payload == {"price": large}
        assert store.count(f"price = {large}") == store.count(f"price in ({large})") == 1

    def test_a_payload_too_deep_is_refused(self, store):
        deep = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(DataError, match="cannot be stored as JSON"):
            store.add([item("x", deep=deep)], {})

    def test_repeated_ids_are_named_up_to_three(self, store):
        store.add([item(name) for name in "abcde"], {})
        with pytest.raises(DataError, match=r"4 ids are already in the collection: 'a', 'b', 'c', \.\.\.; nothing"):
            store.add([item(name) for name in "zabcd"], {})
        with pytest.raises(
            DataError, match="1 ids are more than once in what is being added: 'y'; nothing was written"
        ):
            store.add([item(name) for name in "xyy"], {})
        with pytest.raises(DataError, match="on_conflict is"):
            store.add([item("q")], {}, on_conflict="ignore")
        assert (store.count(), store.generation) == (5, 1)

    def test_vectors_must_fit(self, store):
        store.add([item("a")], singles([1, 2]))
        with pytest.raises(ShapeError, match="have 3 dimensions, the collection's have 2"):
            store.add([item("b")], singles([1, 2, 3]))
        with pytest.raises(ShapeError, match="2 items came with vectors of kind 'whole' for 1 items"):
            store.add([item("b"), item("c")], singles([1, 2]))
        with pytest.raises(DataError, match="NaN or infinity"):
            store.add([item("b")], singles([1, np.nan]))
        with pytest.raises(DataError, match="NaN or infinity"):
            store.add([item("b")], {"whole": Tokens(np.array([[1e39, 0.0]]), np.array([0, 1]))})
        with pytest.raises(ShapeError, match="spans of kind 'whole' have shape"):
            store.add([item("b")], singles([1, 2]), spans={"whole": np.zeros((2, 2), np.int64)})
        with pytest.raises(DataError, match="whole numbers"):
            store.add([item("b")], singles([1, 2]), spans={"whole": np.zeros((1, 2))})
        with pytest.raises(DataError, match="wants a name"):
            store.add([item("b")], {"../up": singles([1, 2])["whole"]})
        assert (store.count(), store.generation) == (1, 1)


def test_one_text_is_not_a_list_of_ids(store):
    for call in (store.get, store.delete):
        with pytest.raises(DataError, match="wants a list"):
            call("abc")
        with pytest.raises(DataError, match="ids are strings"):
            call([7])
    with pytest.raises(DataError, match="either ids or where"):
        store.delete()
    with pytest.raises(DataError, match="either ids or where"):
        store.delete(["a"], where="year = 1")


def test_a_wrong_filter_fails_where_it_is_given(store):
    for call in (
        store.rows,
        store.count,
        lambda where: store.scan(where=where),
        lambda where: store.delete(where=where),
    ):
        with pytest.raises(FilterError):
            call("year = 'x'")


def test_bm25_is_the_library_of_record_with_a_filter_and_ties_by_row(store):
    words = ["red", "green", "apple", "pear", "wine", "tree"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, rng.integers(1, 8))) for _ in range(60)] + ["red wine"] * 3
    store.add([item(f"i{i}", text, year=int(i % 3)) for i, text in enumerate(texts)], {})
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE t USING fts5 (text)")
    db.executemany("INSERT INTO t (rowid, text) VALUES (?, ?)", enumerate(texts, 1))
    best = db.execute(
        "SELECT rowid, -bm25(t) AS s FROM t WHERE t MATCH 'red OR wine' ORDER BY s DESC, rowid"
    ).fetchall()
    db.close()
    rows, scores = store.search("Red, wine!", k=100)
    assert rows.tolist() == [row for row, _ in best]
    np.testing.assert_allclose(scores, [score for _, score in best], rtol=1e-6)
    assert (scores > 0).any()
    assert store.search("red wine", k=4, where="year = 1")[0].tolist() == [r for r, _ in best if (r - 1) % 3 == 1][:4]
    assert store.search("red wine", k=0)[0].size == store.search("?!", k=3)[0].size == 0


class TestOpen:
    def test_create_refuses_what_is_there(self, store, path):
        store.add([item("a")], {})
        with pytest.raises(StoreError, match="exists already"):
            SqliteStore.create(path, passport={}, settings={})
        assert store.count() == 1
        assert {file.name for file in path.parent.iterdir()} <= {"items.db", "items.db-wal", "items.db-shm"}

    def test_settings_come_back(self, store, path):
        store.close()
        again = SqliteStore.open(path, readonly=True)
        assert (again.passport, again.settings) == ({"dim": 2}, {"similarity": "cosine"})
        assert again.fields == FIELDS
        again.close()

    def test_the_file_says_whose_it_is_and_commits_durably(self, store, path):
        assert raw(path, "PRAGMA application_id") == [(0x636F7369,)]
        assert raw(path, "PRAGMA journal_mode") == [("wal",)]
        with store._connections.reading() as db:
            assert db.execute("PRAGMA synchronous").fetchone() == (2,)
            assert db.execute("PRAGMA trusted_schema").fetchone() == (0,)
            assert db.execute("PRAGMA cell_size_check").fetchone() == (1,)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"year": list}, "wants one of the types"),
            ({"a b": int}, "no name a filter can use"),
            ({'x" INTEGER); DROP TABLE items; --': int}, "no name a filter can use"),
            ({"id": str}, "is taken"),
            ({"Missing": str}, "is taken"),
            ({"year": int, "YEAR": int}, "is taken"),
        ],
    )
    def test_fields_that_no_filter_could_use(self, path, fields, words):
        with pytest.raises(DataError) as caught:
            SqliteStore.create(path, fields=fields, passport={}, settings={})
        assert words in str(caught.value)
        assert not path.exists()

    def test_fields_may_be_named_in_any_script_and_like_sql(self, path):
        store = SqliteStore.create(path, fields={"année": int, "select": str, "row": int}, passport={}, settings={})
        store.add([item("a", année=-3, select="x", row=1)], {})
        assert store.rows('année < 0 and select = "x" and row = 1').tolist() == [1]
        store.close()

    def test_missing(self, path):
        with pytest.raises(StoreError, match="does not exist"):
            SqliteStore.open(path)
        assert not path.exists()

    def test_a_folder_that_is_not_there(self, path):
        with pytest.raises(StoreError, match="cannot be opened"):
            SqliteStore.create(path.parent / "no" / "items.db", passport={}, settings={})

    def test_an_sqlite_that_is_too_old(self, path, monkeypatch):
        monkeypatch.setattr(connections, "OLDEST_SQLITE", (99, 1, 0))
        with pytest.raises(StoreError, match=r"wanted 99\.1\.0 or newer"):
            SqliteStore.create(path, passport={}, settings={})
        assert list(path.parent.iterdir()) == []

    @pytest.mark.parametrize("readonly", [False, True])
    def test_not_a_database(self, path, readonly):
        path.write_bytes(b"PK\3\4 this is something else" * 200)
        with pytest.raises(StoreError, match="this is not a cosimo database"):
            SqliteStore.open(path, readonly=readonly)

    def test_another_programs_database_and_an_empty_file(self, path):
        path.touch()
        with pytest.raises(StoreError, match="not a cosimo database"):
            SqliteStore.open(path)
        raw(path, "CREATE TABLE meta (a)")
        with pytest.raises(StoreError, match="not a cosimo database"):
            SqliteStore.open(path)

    def test_a_newer_format(self, store, path):
        store.close()
        raw(path, "PRAGMA user_version = 99")
        with pytest.raises(StoreError, match=r"written by a newer cosimo \(format 99"):
            SqliteStore.open(path)

    def test_an_older_format_is_brought_up_to_date_once(self, store, path, monkeypatch):
        store.add([item("a", year=1)], singles([1, 2]))
        store.close()
        calls = []

        def more(db, fields):
            calls.append(dict(fields))
            db.execute("CREATE TABLE annexe (name TEXT PRIMARY KEY)")

        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, more))
        with pytest.raises(StoreError, match="older format; open it once for writing"):
            SqliteStore.open(path, readonly=True)
        for _ in range(2):
            again = SqliteStore.open(path)
            assert again.count("year = 1") == 1
            again.close()
        assert calls == [FIELDS]
        assert raw(path, "SELECT count(*) FROM annexe") == [(0,)]
        assert raw(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]

    def test_a_failed_migration_changes_nothing(self, store, path, monkeypatch):
        store.close()
        before = path.read_bytes()

        def wrong(db, fields):
            db.execute("CREATE TABLE annexe (a)")
            raise RuntimeError("power cut")

        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, wrong))
        with pytest.raises(RuntimeError):
            SqliteStore.open(path)
        assert path.read_bytes() == before

    def test_damaged_pages(self, store, path):
        store.add([item(f"i{i}", "some text " * 50, year=i) for i in range(300)], singles(*np.ones((300, 2))))
        store.close()
        data = bytearray(path.read_bytes())
        for start in range(4096, len(data), 4096):
            data[start : start + 64] = bytes(64)
        path.write_bytes(data)
        with pytest.raises(StoreError, match=r"items\.db.*damaged"), closing(SqliteStore.open(path)) as damaged:
            damaged.add([item("new", "words")], singles([1, 2]))

    def test_truncated(self, store, path):
        store.add([item(f"i{i}", "some text " * 50) for i in range(300)], singles(*np.ones((300, 2))))
        store.close()
        path.write_bytes(path.read_bytes()[: 4096 * 20])
        with pytest.raises(StoreError, match="damaged"), closing(SqliteStore.open(path)) as damaged:
            list(damaged.vectors())

    def test_changed_by_another_program(self, store, path):
        store.add([item("a")], singles([1, 2]))
        raw(path, "UPDATE vectors SET value = x'00'")
        raw(path, "UPDATE items SET payload = '[1'")
        with pytest.raises(StoreError, match=r"damaged: a vector of row 1 is not what was written"):
            list(store.vectors())
        with pytest.raises(StoreError, match=r"damaged: item 'a' is not what was written"):
            store.get(["a"])
        raw(path, "DELETE FROM meta WHERE key = 'generation'")
        with pytest.raises(StoreError, match="does not say its generation"):
            _ = store.generation
        raw(path, "DROP TABLE items")
        with pytest.raises(StoreError, match="damaged or was changed by another program"):
            store.count()

    def test_closed(self, store):
        scan = store.scan()
        store.close()
        store.close()
        with pytest.raises(StoreError, match="was closed; open it again"):
            store.count()
        with pytest.raises(StoreError, match="was closed"):
            next(scan)


class TestReadonly:
    def test_reads_and_refuses_to_write(self, store, path):
        store.add([item("a", "red")], singles([1, 2]))
        reader = SqliteStore.open(path, readonly=True)
        assert (reader.count(), reader.search("red", 1)[0].tolist()) == (1, [1])
        for write in (lambda: reader.add([item("b")], {}), lambda: reader.delete(["a"]), reader.compact):
            with pytest.raises(StoreError, match="opened read-only"):
                write()
        store.add([item("b")], {})
        assert reader.count() == 2
        reader.close()

    def test_in_a_folder_that_cannot_be_written(self, closed):
        assert as_another_user(READ, closed) == "[1, 1, [1]]\n['items.db']\n"

    def test_a_long_reader_in_such_a_folder_sees_a_writer(self, closed):
        assert as_another_user(WAIT, closed, act=lambda: add_one(closed)) == "1\n2\n"

    def test_changes_that_only_the_log_has_are_never_left_out(self, closed):
        closed.parent.chmod(0o755)
        store = SqliteStore.open(closed)
        store.add([item("b")], {})
        kept = [(name, closed.with_name(name).read_bytes()) for name in ("items.db", "items.db-wal")]
        store.close()
        for name, content in kept:
            closed.with_name(name).write_bytes(content)
        closed.parent.chmod(0o555)
        assert "its last changes are still in items.db-wal" in as_another_user(READ, closed)
        closed.parent.chmod(0o755)
        writable = SqliteStore.open(closed)
        assert writable.count() == 2
        writable.close()

    @pytest.fixture
    def closed(self):
        """A store of one item in a folder that everybody may read and nobody write."""
        folder = Path(tempfile.mkdtemp())
        store = SqliteStore.create(folder / "items.db", passport={}, settings={})
        store.add([item("a", "red")], singles([1, 2]))
        store.close()
        folder.chmod(0o555)
        yield store.path
        folder.chmod(0o755)
        shutil.rmtree(folder)


PROLOGUE = """
import os, sys, json, signal
from pathlib import Path
import numpy as np
from cosimo.errors import StoreError
from cosimo.search.stores import connections
from cosimo.search.stores.sqlite import SqliteStore
from cosimo.types import Item, Tokens
path = Path(sys.argv[1])
def batch(start, n):
    items = [Item(-1, f"i{i}", f"text number {i}", {"year": i}) for i in range(start, start + n)]
    X = np.arange(start, start + n, dtype=np.float32)[:, None] * np.array([1.0, -1.0], np.float32)
    return items, {"whole": Tokens(X, np.arange(n + 1))}
"""
NOBODY = "if os.getuid() == 0: os.setuid(65534)\n"
READ = (
    NOBODY
    + """
try:
    store = SqliteStore.open(path, readonly=True)
    print([store.count(), len(list(store.vectors())), store.search("red", 5)[0].tolist()])
    store.close()
except StoreError as error:
    print(error)
print(sorted(os.listdir(path.parent)))
"""
)
WAIT = (
    NOBODY
    + """
store = SqliteStore.open(path, readonly=True)
print(store.count(), flush=True)
sys.stdin.readline()
print(store.count(), flush=True)
store.close()
"""
)


def add_one(path):
    path.parent.chmod(0o755)
    with_one = SqliteStore.open(path)
    with_one.add([item("b")], singles([1, 2]))
    with_one.close()
    path.parent.chmod(0o555)


def child(script, *arguments):
    command = [sys.executable, "-c", PROLOGUE + script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def as_another_user(script, path, act=lambda: None):
    """What a process says that may read the folder and not write it."""
    with child(script, path) as process:
        first = process.stdout.readline()
        act()
        process.stdin.write("\n")
        process.stdin.close()
        return first + process.stdout.read()


class TestTogether:
    def test_readers_see_the_last_commit_and_never_half_of_one(self, store, path):
        reader = SqliteStore.open(path)
        with store._writing() as db:
            db.execute("INSERT INTO items (id, payload) VALUES ('half', '{}')")
            assert (reader.count(), reader.generation) == (0, 0)
        assert (reader.count(), reader.generation) == (1, 1)
        reader.close()

    def test_a_scan_is_one_moment(self, store):
        store.add([item(f"i{i}") for i in range(1200)], {})
        names = []
        for found in store.scan():
            names.append(found.id)
            if len(names) == 1:
                store.delete([f"i{i}" for i in range(500, 1200)])
                store.add([item(f"i{i}") for i in range(500)], {}, on_conflict="replace")
                store.compact()
        assert names == [f"i{i}" for i in range(1200)]
        assert store.count() == 500

    def test_a_snapshot_is_one_moment_for_its_thread(self, store):
        store.add([item("a", "red")], singles([1, 2]))
        with store.snapshot():
            worker = threading.Thread(target=lambda: store.delete(["a"]))
            worker.start()
            worker.join()
            with store.snapshot():
                assert (store.count(), store.generation, len(store.dead())) == (1, 1, 0)
            assert store.search("red", 1)[0].tolist() == [1]
            assert [len(rows) for rows, _ in store.vectors()] == [1]
        assert (store.count(), store.generation, len(store.dead())) == (0, 2, 1)

    def test_threads_share_a_store(self, store):
        failures = []

        def write(name):
            for i in range(20):
                store.add([item(f"{name}-{i}", "red")], singles([i, -i]))

        def read():
            try:
                for _ in range(100):
                    with store.snapshot():
                        assert store.count() == len(store.rows()) == sum(len(rows) for rows, _ in store.vectors())
            except BaseException as error:
                failures.append(error)

        workers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
        workers += [threading.Thread(target=read) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert failures == []
        assert (store.count(), store.generation, store.search("red", 100)[0].size) == (40, 40, 40)

    def test_a_writer_waits_for_another(self, store, path):
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO items (id, payload) VALUES ('first', '{}')")
        release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        release.start()
        assert store.add([item("second")], {}).rows.tolist() == [2]
        release.join()
        other.close()

    def test_a_writer_says_when_it_waited_too_long(self, store, path, monkeypatch):
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
        with pytest.raises(StoreError, match="another process is writing and did not finish in time"):
            store.add([item("a")], {})
        other.close()
        assert (store.count(), store.generation) == (0, 0)
        assert store.add([item("a")], {}).added == 1

    def test_processes_write_in_turn(self, store, path):
        script = "store = SqliteStore.open(path)\nfor i in range(15): store.add(*batch(int(sys.argv[2]) + i, 1))\n"
        processes = [child(script, path, start) for start in (0, 1000)]
        for process in processes:
            process.communicate(timeout=60)
        assert [process.returncode for process in processes] == [0, 0]
        assert (store.count(), store.generation) == (30, 30)
        assert store.rows().tolist() == list(range(1, 31))
        check_file(path)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_process_opens_its_own(self, store):
        store.add([item("a")], {})
        pid = os.fork()
        if not pid:
            kept = list(store._connections._idle)
            store.add([item("b")], {})
            os._exit(0 if store.count() == 2 and not set(kept) & set(store._connections._idle) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert store.count() == 2


CHANGES = {
    "add": "store.add(*batch(100, 40))",
    "replace": "store.add(*batch(20, 40), on_conflict='replace')",
    "delete": "store.delete(where='year < 30')",
    "compact": "store.compact()",
}
DIE = """
import sqlite3
change, last = sys.argv[2], int(sys.argv[3])
store = SqliteStore.open(path)
steps = 0
def step():
    global steps
    steps += 1
    if steps == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0
with store._connections.reading() as db:
    db.set_progress_handler(step, 50)
exec(change)
print(steps)
"""


def state(path):
    store = SqliteStore.open(path)
    blocks = list(store.vectors())
    found = (
        list(store.scan()),
        [(row, X.tolist()) for rows, block in blocks for row, X in zip(rows, block, strict=True)],
        (store.dead().tolist(), store.last_row(), store.generation),
        store.search("text number", 500)[0].tolist(),
    )
    store.close()
    check_file(path)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_killed_at_any_point_a_change_is_whole_or_absent(tmp_path, change):
    seed = tmp_path / "seed.db"
    store = SqliteStore.create(seed, fields={"year": int}, passport={}, settings={})
    items = [item(f"i{i}", f"text number {i}", year=i) for i in range(60)]
    store.add(items, singles(*[[i, -i] for i in range(60)]))
    store.delete(["i50", "i51"])
    store.close()
    whole = shutil.copy(seed, tmp_path / "whole.db")
    with child(DIE, whole, CHANGES[change], -1) as process:
        steps = int(process.communicate(timeout=60)[0])
    before, after = state(seed), state(whole)
    assert before != after
    for point in np.linspace(1, steps, 4).astype(int):
        path = shutil.copy(seed, tmp_path / "killed.db")
        with child(DIE, path, CHANGES[change], point) as process:
            process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert state(path) in (before, after)
        for leftover in tmp_path.glob("killed.db*"):
            leftover.unlink()


def test_killed_between_commits_everything_reported_is_there(path):
    SqliteStore.create(path, fields={"year": int}, passport={}, settings={}).close()
    script = """
store = SqliteStore.open(path)
for i in range(1000):
    store.add(*batch(10 * i, 10))
    print(i, flush=True)
"""
    with child(script, path) as process:
        reported = [process.stdout.readline() for _ in range(5)][-1]
        process.kill()
        reported = (reported + process.stdout.read()).splitlines()[-1]
    store = SqliteStore.open(path)
    assert store.count() % 10 == 0
    assert store.count() // 10 == store.generation >= int(reported) + 1
    np.testing.assert_array_equal(np.concatenate([X[:, 0] for _, X in store.vectors()]), np.arange(store.count()))
    store.close()
    check_file(path)


def test_a_full_disk_keeps_what_was_there(store, path):
    store.add([item("a", "red")], singles([1, 2]))
    with store._connections.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="the disk is full; nothing of the last change was kept"):
        store.add([item(f"i{i}", "red " * 100) for i in range(500)], singles(*np.ones((500, 2))))
    assert (store.count(), store.generation, store.search("red", 9)[0].tolist()) == (1, 1, [1])
    check_file(path)


def test_an_interrupted_change_is_rolled_back(store, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sqlite.sql, "declare_dims", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.add([item("a")], singles([1, 2]))
    monkeypatch.undo()
    assert (store.count(), store.generation) == (0, 0)
    store.add([item("a")], singles([1, 2]))
    assert store.count() == 1


@pytest.mark.parametrize(
    "code",
    [
        "CREATE TRIGGER evil AFTER INSERT ON items BEGIN DELETE FROM items; END",
        "CREATE VIEW evil AS SELECT load_extension('/tmp/evil.so')",
        "DROP VIEW live_texts; CREATE VIEW live_texts AS SELECT row, 'other' AS text FROM items",
    ],
)
@pytest.mark.parametrize("readonly", [False, True])
def test_a_strangers_triggers_and_views_are_refused(store, path, code, readonly):
    store.close()
    db = sqlite3.connect(path)
    db.executescript(code)
    db.close()
    with pytest.raises(StoreError, match=r"(trigger|view) '(evil|live_texts)' that is not cosimo's"):
        SqliteStore.open(path, readonly=readonly)


def test_a_strangers_functions_do_not_run_once_it_is_open(store, path):
    """With the schema not trusted, functions with side effects are refused there."""
    raw(path, "CREATE TRIGGER evil AFTER INSERT ON items BEGIN SELECT load_extension('/tmp/evil.so'); END")
    with pytest.raises(StoreError):
        store.add([item("a")], {})
    assert store.count() == 0


class TestCheck:
    def test_nothing_is_wrong(self, store, path):
        store.add([item(f"i{i}", "red apple", year=i) for i in range(50)], singles(*np.ones((50, 2))))
        store.delete(["i3"])
        store.check()
        SqliteStore.check(reader := SqliteStore.open(path, readonly=True))
        reader.close()
        assert store.generation == 2

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE items SET payload = '{}' WHERE row = 2",
            "UPDATE items SET text = 'other' WHERE row = 2",
            "UPDATE items SET row = 9 WHERE row = 2",
            "UPDATE vectors SET part = 1 WHERE item = 2",
            "UPDATE vectors SET item = 9 WHERE item = 2",
            "UPDATE meta SET value = '7' WHERE key = 'generation'",
            "INSERT INTO full_text (rowid, text) VALUES (2, 'not there')",
        ],
    )
    def test_each_change_is_found(self, store, path, change):
        store.add([item(name, "red apple", year=1) for name in "abc"], singles(*np.ones((3, 2))))
        store.check()
        raw(path, change)
        with pytest.raises(StoreError, match="damaged"):
            store.check()


def test_live_vectors_are_those_of_one_moment(store, monkeypatch):
    monkeypatch.setattr(sqlite, "BLOCK", 2)
    store.add([item(name) for name in "abcdef"], singles(*np.ones((6, 2))))
    store.delete(["b"])
    blocks = store.vectors(live=True)
    found = next(blocks)[0].tolist()
    store.add([item("c")], singles([2, 2]), on_conflict="replace")
    found += [row for rows, _ in blocks for row in rows.tolist()]
    assert found == [1, 3, 4, 5, 6]
    assert [row for rows, _ in store.vectors(live=True) for row in rows.tolist()] == [1, 4, 5, 6, 7]


def test_bytes_of_the_dead_go_with_compact(store, path):
    store.add([item("a", "topsecretword", note="hidden")], singles([1, 2]))
    store.delete(["a"])
    assert (store.count(), len(list(store.vectors()))) == (0, 1)
    assert store.compacted == 0
    store.compact()
    assert (list(store.vectors()), store.dead().size, store.last_row()) == ([], 0, 1)
    assert store.compacted == store.generation == 3
    assert (store.compact(), store.compacted, store.generation) == (0, 3, 3)
    assert raw(path, "SELECT count(*) FROM items") == [(0,)]
    store.add([item("a")], singles([3, 4]))
    assert store.rows().tolist() == [2]


def test_meta_is_json_that_others_can_read(store, path):
    meta = {key: json.loads(value) for key, value in raw(path, "SELECT key, value FROM meta")}
    assert meta["fields"] == {"year": "int", "price": "float", "venue": "str", "open": "bool"}
    assert meta["generation"] == 0
