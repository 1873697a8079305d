import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from cosimo._arrays import unit
from cosimo.errors import DataError
from cosimo.files import atomic
from cosimo.search import SqliteStore
from cosimo.search.caches import vector_cache
from cosimo.search.caches.vector_cache import VectorCache
from cosimo.types import Item, Tokens

RNG = np.random.default_rng(0)


def fill(store, n, *, start=0, **arguments):
    X = RNG.normal(size=(n, 3)).astype(np.float32)
    items = [Item(-1, f"i{i}") for i in range(start, start + n)]
    store.add(items, {"whole": Tokens(X, np.arange(n + 1))}, **arguments)
    return X


def doubled(X):
    return 2 * X


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "items.db", passport={"dim": 3}, settings={})
    yield store
    store.close()


@pytest.fixture
def built(monkeypatch):
    """Counts how often the arrays were made from the database."""
    calls = []
    build = vector_cache._build
    monkeypatch.setattr(vector_cache, "_build", lambda *a: calls.append(1) or build(*a))
    return calls


def files(folder):
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("items.db"))


def agrees(cache, store, prepare=lambda X: X):
    """The cache holds what the store holds, up to its watermark and without the dead."""
    dead = set(store.dead().tolist())
    pairs = [
        (row, prepare(X[None])[0].tolist())
        for rows, block in store.vectors(upto=cache.watermark)
        for row, X in zip(rows.tolist(), block, strict=True)
        if row not in dead
    ]
    kept = ~np.isin(cache.rows, list(dead))
    assert list(zip(cache.rows[kept].tolist(), cache.X[kept].tolist(), strict=True)) == pairs


def test_oracle_is_the_store(store, tmp_path, built):
    X = fill(store, 50)
    store.delete(["i3", "i7"])
    cache = VectorCache.open(tmp_path, store, "whole", unit)
    np.testing.assert_array_equal(cache.X, unit(np.delete(X, [3, 7], axis=0)))
    np.testing.assert_array_equal(cache.rows, np.delete(np.arange(1, 51), [3, 7]))
    assert (cache.watermark, cache.X.dtype, cache.rows.dtype) == (50, np.float32, np.int64)
    again = VectorCache.open(tmp_path, store, "whole", unit)
    assert len(built) == 1
    np.testing.assert_array_equal(again.X, cache.X)
    np.testing.assert_array_equal(again.rows, cache.rows)
    assert files(tmp_path) == ["vectors-whole-2.f32"]
    for array in (again.X, cache.X):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_several_parts_repeat_their_row(store, tmp_path):
    parts = Tokens(np.arange(12, dtype=np.float32).reshape(4, 3), np.array([0, 3, 3, 4]))
    store.add([Item(-1, name) for name in "abc"], {"chunk": parts})
    for _ in range(2):
        cache = VectorCache.open(tmp_path, store, "chunk")
        np.testing.assert_array_equal(cache.X, parts.values)
        assert cache.rows.tolist() == [1, 1, 1, 3]


@pytest.mark.parametrize("vectors", [{}, {"other": Tokens(np.ones((1, 5), np.float32), np.array([0, 1]))}])
def test_no_vectors(store, tmp_path, vectors):
    store.add([Item(-1, "a")], vectors)
    for _ in range(2):
        cache = VectorCache.open(tmp_path, store, "whole", unit)
        assert (cache.X.shape, cache.rows.shape, cache.watermark) == ((0, 0), (0,), 1)
    store.delete(["a"])
    fill(store, 2)
    store.delete(["i0", "i1"])
    for folder in (tmp_path, tmp_path / "cannot be there"):
        assert VectorCache.open(folder, store, "whole", doubled).X.shape == (0, 3)


def test_a_large_one_is_read_and_written_in_blocks(store, tmp_path, monkeypatch):
    monkeypatch.setattr("cosimo.search.stores.sqlite.BLOCK", 7)
    X = fill(store, 100)
    sizes = []

    class Seen:
        @staticmethod
        def measured(X):
            sizes.append(len(X))
            return X

    Seen.measured.__qualname__ = "measured"
    for _ in range(2):
        np.testing.assert_array_equal(VectorCache.open(tmp_path, store, "whole", Seen.measured).X, X)
    assert max(sizes) == 7
    assert sum(sizes) == 100


class TestValidity:
    """Each damage leads to the right vectors, by a new file."""

    @pytest.fixture
    def cached(self, store, tmp_path):
        fill(store, 20)
        VectorCache.open(tmp_path, store, "whole", unit)
        return tmp_path / "vectors-whole-1.f32"

    def flip(self, cached):
        with cached.open("r+b") as file:
            file.seek(100)
            byte = file.read(1)
            file.seek(100)
            file.write(bytes([byte[0] ^ 1]))

    def flip_and_restore_the_time(self, cached):
        status = cached.stat()
        self.flip(cached)
        os.utime(cached, ns=(status.st_atime_ns, status.st_mtime_ns))

    def truncate(self, cached):
        os.truncate(cached, 50)

    def empty(self, cached):
        os.truncate(cached, 0)

    def lengthen(self, cached):
        with cached.open("ab") as file:
            file.write(b"more")

    def replace(self, cached):
        fresh = cached.with_suffix(".new")
        fresh.write_bytes(bytes(cached.stat().st_size))
        fresh.replace(cached)

    def remove(self, cached):
        cached.unlink()

    def make_it_a_folder(self, cached):
        cached.unlink()
        cached.mkdir()

    @pytest.mark.parametrize(
        "damage",
        [flip, flip_and_restore_the_time, truncate, empty, lengthen, replace, remove, make_it_a_folder],
        ids=lambda damage: damage.__name__,
    )
    def test_damaged(self, store, tmp_path, cached, damage, built):
        damage(self, cached)
        for _ in range(2):
            agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        assert len(built) == (2 if damage.__name__ == "make_it_a_folder" else 1)

    def test_one_that_was_copied_is_written_anew_once(self, store, tmp_path, cached, built):
        """Whoever made the copy made the database too, and may have written anything into both."""
        content = cached.read_bytes()
        cached.unlink()
        cached.write_bytes(content)
        for _ in range(3):
            agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        assert len(built) == 1

    def test_of_another_collection(self, store, tmp_path, cached, built):
        other_folder = tmp_path / "other"
        other_folder.mkdir()
        other = SqliteStore.create(other_folder / "items.db", passport={"dim": 3}, settings={})
        fill(other, 20)
        VectorCache.open(other_folder, other, "whole", unit)
        other.close()
        built.clear()
        shutil.copy2(other_folder / cached.name, cached)
        agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        assert len(built) == 1

    def test_of_a_future_that_a_restored_backup_does_not_have(self, store, tmp_path, cached):
        """Rows may be given out again after a backup came back; a younger cache must not answer for them."""
        store.close()
        backup = (tmp_path / "items.db").read_bytes()
        future = SqliteStore.open(tmp_path / "items.db")
        fill(future, 2_000, start=100)
        VectorCache.open(tmp_path, future, "whole", unit)
        future.close()
        (tmp_path / "items.db").write_bytes(backup)
        restored = SqliteStore.open(tmp_path / "items.db")
        fill(restored, 2_000, start=100)
        cache = VectorCache.open(tmp_path, restored, "whole", unit)
        assert cache.watermark == 2_020
        agrees(cache, restored, unit)
        restored.close()

    def test_prepared_in_another_way_or_under_another_passport(self, store, tmp_path, cached, built):
        agrees(VectorCache.open(tmp_path, store, "whole", doubled), store, doubled)
        agrees(VectorCache.open(tmp_path, store, "whole"), store)
        assert len(built) == 2
        store.passport = {"dim": 3, "weights": "others"}
        agrees(VectorCache.open(tmp_path, store, "whole"), store)
        assert len(built) == 3

    @pytest.mark.parametrize(
        "change",
        [
            {"n": 10**9},
            {"n": -5, "d": -7},
            {"n": "20"},
            {"stamp": []},
            {"compacted": 5},
            {"generation": "../../etc/passwd"},
            {"generation": None},
        ],
    )
    def test_a_record_that_makes_no_sense(self, store, tmp_path, cached, change):
        record = store.cache_record("vectors-whole")
        store.record_cache("vectors-whole", {**record, **change})
        agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        store.record_cache("vectors-whole", {"kind": "whole"})
        agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)


class TestStale:
    def test_a_few_young_rows_are_left_to_the_caller(self, store, tmp_path):
        fill(store, 20)
        assert VectorCache.open(tmp_path, store, "whole").watermark == 20
        fill(store, 1_000, start=100)
        cache = VectorCache.open(tmp_path, store, "whole")
        assert (cache.watermark, cache.stale(store)) == (20, False)
        fill(store, 1, start=5_000)
        assert cache.stale(store)
        assert VectorCache.open(tmp_path, store, "whole").watermark == 1_021
        assert files(tmp_path) == ["vectors-whole-3.f32"]

    def test_young_rows_count_by_share_in_a_large_one(self, store, tmp_path):
        fill(store, 20_000)
        cache = VectorCache.open(tmp_path, store, "whole")
        fill(store, 2_000, start=50_000)
        assert not cache.stale(store)
        fill(store, 1, start=90_000)
        assert cache.stale(store)

    def test_one_dead_in_five(self, store, tmp_path):
        fill(store, 20)
        cache = VectorCache.open(tmp_path, store, "whole")
        store.delete([f"i{i}" for i in range(4)])
        assert not cache.stale(store)
        fill(store, 1, start=4, on_conflict="replace")
        assert cache.stale(store)
        fresh = VectorCache.open(tmp_path, store, "whole")
        assert fresh.rows.tolist() == list(range(6, 22))

    def test_one_from_before_a_compaction_is_void(self, store, tmp_path, built):
        """The store forgot which of its rows are dead."""
        fill(store, 20)
        VectorCache.open(tmp_path, store, "whole")
        store.delete(["i3"])
        store.compact()
        cache = VectorCache.open(tmp_path, store, "whole")
        assert cache.rows.tolist() == [row for row in range(1, 21) if row != 4]
        assert len(built) == 2
        store.compact()
        VectorCache.open(tmp_path, store, "whole")
        assert len(built) == 2

    def test_one_built_before_a_compaction_and_noted_after_it_is_void(self, store, tmp_path, monkeypatch):
        fill(store, 20)
        build = vector_cache._build

        def late(*arguments):
            other = SqliteStore.open(tmp_path / "items.db")
            other.delete(["i3"])
            other.compact()
            other.close()
            return build(*arguments)

        monkeypatch.setattr(vector_cache, "_build", late)
        assert 4 in VectorCache.open(tmp_path, store, "whole").rows
        monkeypatch.undo()
        assert store.cache_record("vectors-whole")["n"] == 20
        assert 4 not in VectorCache.open(tmp_path, store, "whole").rows

    def test_an_open_one_outlives_its_file(self, store, tmp_path):
        fill(store, 20)
        old = VectorCache.open(tmp_path, store, "whole")
        before = old.X.copy()
        fill(store, 1_001, start=100)
        VectorCache.open(tmp_path, store, "whole")
        assert files(tmp_path) == ["vectors-whole-2.f32"]
        np.testing.assert_array_equal(old.X, before)


class TestWhereNothingCanBeWritten:
    def test_a_reader_writes_nothing(self, store, tmp_path, built):
        fill(store, 20)
        reader = SqliteStore.open(tmp_path / "items.db", readonly=True)
        cache = VectorCache.open(tmp_path, reader, "whole", unit)
        agrees(cache, store, unit)
        assert not cache.X.flags.writeable
        assert files(tmp_path) == []
        VectorCache.open(tmp_path, store, "whole", unit)
        built.clear()
        agrees(VectorCache.open(tmp_path, reader, "whole", unit), store, unit)
        fill(store, 1_001, start=100)
        assert VectorCache.open(tmp_path, reader, "whole", unit).watermark == 20
        assert built == []
        reader.close()

    def test_no_room_for_the_file(self, store, tmp_path, monkeypatch, caplog):
        fill(store, 20)

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(atomic, "publish", full)
        with caplog.at_level(logging.WARNING):
            agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        assert "No space left on device" in caplog.text
        assert files(tmp_path) == []
        assert store.cache_record("vectors-whole") is None

    def test_another_writer_keeps_the_record_from_being_noted(self, store, tmp_path, monkeypatch, caplog):
        fill(store, 20)
        other = sqlite3.connect(tmp_path / "items.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = store._connections.writing
        monkeypatch.setattr(store._connections, "writing", lambda patience: writing(patience=patience / 20))
        agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        assert "could not be recorded" in caplog.text
        other.close()
        monkeypatch.undo()
        agrees(VectorCache.open(tmp_path, store, "whole", unit), store, unit)
        assert store.cache_record("vectors-whole")["n"] == 20


def test_what_a_crash_left_behind_goes_after_a_while(store, tmp_path):
    fill(store, 5)
    old, young, foreign = (
        tmp_path / name
        for name in (".vectors-whole-9.f32.0123abcd.tmp", ".vectors-whole-9.f32.0123abce.tmp", "vectors-x-1.f32")
    )
    for file in (old, young, foreign):
        file.write_bytes(b"half")
    os.utime(old, (0, time.time() - 2 * atomic.ABANDONED_SECONDS))
    VectorCache.open(tmp_path, store, "whole")
    assert files(tmp_path) == [young.name, "vectors-whole-1.f32", foreign.name]


def test_killed_while_writing_the_next_one_is_whole(store, tmp_path):
    fill(store, 20)
    script = """
import os, signal, sys
from pathlib import Path
from cosimo.files import atomic
from cosimo.search.caches import vector_cache
from cosimo.search.stores.sqlite import SqliteStore
store = SqliteStore.open(Path(sys.argv[1]) / "items.db")
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(atomic if sys.argv[2] == "publish" else vector_cache, sys.argv[2], die)
vector_cache.VectorCache.open(Path(sys.argv[1]), store, "whole")
"""
    for step in ("_mapped", "publish", "stamp", "_note", "_remove_others"):
        process = subprocess.run([sys.executable, "-c", script, tmp_path, step], timeout=60, check=False)
        assert process.returncode == -9
    agrees(VectorCache.open(tmp_path, store, "whole"), store)


def test_prepare_must_have_a_name_of_its_own(store, tmp_path):
    for nameless in (lambda X: X, np.vectorize(abs)):
        with pytest.raises(DataError, match="a function of a module"):
            VectorCache.open(tmp_path, store, "whole", nameless)


def test_inside_a_snapshot_it_is_of_that_moment(store, tmp_path):
    fill(store, 5)
    with store.snapshot():
        assert store.count() == 5
        other = SqliteStore.open(tmp_path / "items.db")
        fill(other, 5, start=10)
        other.close()
        assert VectorCache.open(tmp_path, store, "whole").watermark == 5
    assert VectorCache.open(tmp_path, store, "whole").watermark == 5
    assert store.last_row() == 10


def test_nothing_beyond_the_watermark_gets_in_while_it_is_built(store, tmp_path, monkeypatch):
    fill(store, 5)
    blocks = vector_cache._blocks

    def late(*arguments):
        other = SqliteStore.open(tmp_path / "items.db")
        fill(other, 5, start=10)
        other.close()
        return blocks(*arguments)

    monkeypatch.setattr(vector_cache, "_blocks", late)
    cache = VectorCache.open(tmp_path, store, "whole")
    assert (cache.watermark, cache.rows.max(), store.last_row()) == (5, 5, 10)


def test_the_record_is_json_and_no_change_of_the_collection(store, tmp_path):
    fill(store, 5)
    VectorCache.open(tmp_path, store, "whole")
    record = store.cache_record("vectors-whole")
    assert json.loads(json.dumps(record)) == record
    content = (tmp_path / "vectors-whole-1.f32").read_bytes()
    assert record["stamp"][0] == len(content) == record["n"] * (4 * record["d"] + 8)
    assert store.generation == record["generation"] == 1
