import gc
import logging
import os
import sqlite3

import numpy as np
import pytest

from cosimo._arrays import unit
from cosimo.compare import Cosine
from cosimo.errors import DataError, StoreError
from cosimo.search import HnswIndex, IvfIndex, SqliteStore
from cosimo.search.caches import index_cache
from cosimo.search.caches.index_cache import IndexCache, empty_index, index_record, remove_index
from cosimo.types import Item, Tokens

RNG = np.random.default_rng(0)
N, D = 300, 8


def fill(store, n, *, start=0):
    X = RNG.normal(size=(n, D)).astype(np.float32)
    store.add([Item(-1, f"i{i}") for i in range(start, start + n)], {"whole": Tokens(X, np.arange(n + 1))})
    return X


def files(folder):
    return sorted(file.name for file in folder.iterdir() if "index" in file.name)


def opened(store, tmp_path):
    return IndexCache.open(tmp_path, store, "whole", Cosine())


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "items.db", passport={"dim": D}, settings={})
    yield store
    store.close()


@pytest.fixture(params=["hnsw", "ivf"])
def built(request, store, tmp_path):
    fill(store, N)
    store.delete(["i3"])
    IndexCache.build(empty_index(request.param, Cosine()), tmp_path, store, "whole", unit)
    return tmp_path / f"index-whole-2.{request.param}"


def test_oracle_is_the_store(store, tmp_path, built):
    cache = opened(store, tmp_path)
    ((rows, X),) = store.vectors("whole", live=True)
    np.testing.assert_array_equal(cache.rows, rows)
    np.testing.assert_array_equal(cache.index._found.keys(np.arange(len(rows))), unit(X))
    assert (cache.watermark, len(cache.index)) == (N, N - 1)
    assert files(tmp_path) == [built.name]


def test_answers_alike_wherever_its_bytes_are(store, tmp_path, built):
    """Mapped, as read again, and as it was built."""
    kind = type(opened(store, tmp_path).index)
    index = empty_index(built.suffix[1:], Cosine())
    X = unit(np.concatenate([X for _, X in store.vectors("whole", live=True)]))
    index_cache._fill(index, X)
    index.save(str(tmp_path / "saved"))
    Q = RNG.normal(size=(20, D)).astype(np.float32)
    answers = [
        found.search(Q, 5) for found in (opened(store, tmp_path).index, index, kind.load(str(tmp_path / "saved")))
    ]
    for other in answers[1:]:
        np.testing.assert_array_equal(other.rows, answers[0].rows)
        np.testing.assert_array_equal(other.scores, answers[0].scores)


def test_vectors_of_a_mapped_one_are_in_the_file(store, tmp_path, built):
    found = opened(store, tmp_path).index._found.index
    gc.collect()
    (source,) = found.referenced_objects
    assert isinstance(source, np.memmap)
    assert not source.flags.writeable
    assert found.search(np.ones((1, D), np.float32), 3)[1].shape == (1, 3)


def test_built_in_blocks(store, tmp_path, monkeypatch):
    monkeypatch.setattr(index_cache, "AT_ONCE", 7)
    monkeypatch.setattr(index_cache, "TAUGHT", 100)
    fill(store, 50)
    IndexCache.build(IvfIndex("cosine", lists=3), tmp_path, store, "whole", unit)
    cache = opened(store, tmp_path)
    Q = RNG.normal(size=(9, D)).astype(np.float32)
    assert sorted(cache.index.search(Q[:1], 50).rows[0].tolist()) == list(range(50))


class TestWhatCannotBeTrusted:
    def flip(self, path):
        with path.open("r+b") as file:
            file.seek(400)
            byte = file.read(1)
            file.seek(400)
            file.write(bytes([byte[0] ^ 1]))

    def flip_and_restore_the_time(self, path):
        status = path.stat()
        self.flip(path)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def truncate(self, path):
        os.truncate(path, 500)

    def empty(self, path):
        os.truncate(path, 0)

    def copy(self, path):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)

    def remove(self, path):
        path.unlink()

    @pytest.mark.parametrize(
        "damage", [flip, flip_and_restore_the_time, truncate, empty, copy, remove], ids=lambda damage: damage.__name__
    )
    def test_damaged(self, store, tmp_path, built, damage, caplog):
        damage(self, built)
        with caplog.at_level(logging.WARNING):
            assert opened(store, tmp_path) is None
        assert "build it again" in caplog.text
        IndexCache.build(empty_index("ivf", Cosine()), tmp_path, store, "whole", unit)
        assert len(opened(store, tmp_path).index) == N - 1

    @pytest.mark.parametrize(
        "change",
        [{"generation": "../../etc/passwd"}, {"name": "exe"}, {"stamp": []}, {"watermark": None}, {"name": None}],
    )
    def test_a_record_that_makes_no_sense(self, store, tmp_path, built, change):
        store.record_cache("index-whole", {**store.cache_record("index-whole"), **change})
        assert opened(store, tmp_path) is None
        store.record_cache("index-whole", {"name": "hnsw"})
        assert opened(store, tmp_path) is None

    def test_older_than_a_compaction(self, store, tmp_path, built):
        """The store no longer knows which rows are dead."""
        store.delete(["i5"])
        assert opened(store, tmp_path) is not None
        store.compact()
        assert opened(store, tmp_path) is None

    def test_compacted_while_it_was_built(self, store, tmp_path, monkeypatch):
        fill(store, N)
        fill_index = index_cache._fill

        def others_compact(index, X):
            store.delete(["i7"])
            store.compact()
            fill_index(index, X)

        monkeypatch.setattr(index_cache, "_fill", others_compact)
        IndexCache.build(empty_index("ivf", Cosine()), tmp_path, store, "whole", unit)
        assert opened(store, tmp_path) is None

    def test_under_another_passport(self, store, tmp_path, built):
        store.passport = {"dim": D, "weights": "others"}
        assert opened(store, tmp_path) is None


class TestFiles:
    def test_a_new_one_replaces_the_old(self, store, tmp_path, built):
        old = opened(store, tmp_path)
        fill(store, 5, start=1000)
        IndexCache.build(HnswIndex("cosine"), tmp_path, store, "whole", unit)
        assert files(tmp_path) == ["index-whole-3.hnsw"]
        assert opened(store, tmp_path).watermark == N + 5
        assert old.index.search(np.ones((1, D)), 3).rows.shape == (1, 3)

    def test_removed(self, store, tmp_path, built):
        remove_index(tmp_path, store, "whole")
        assert (files(tmp_path), opened(store, tmp_path), index_record(store, "whole")) == ([], None, None)

    def test_what_crashes_left_goes_when_it_is_old(self, store, tmp_path, built):
        for name, age in ((".index-whole-1.ivf.0123abcd.tmp", 100_000), (".index-whole-2.ivf.0123abce.tmp", 0)):
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (built.stat().st_mtime - age,) * 2)
        remove_index(tmp_path, store, "whole")
        assert files(tmp_path) == [".index-whole-2.ivf.0123abce.tmp"]

    def test_no_room(self, store, tmp_path, monkeypatch):
        fill(store, 20)

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("cosimo.files.atomic.publish", full)
        with pytest.raises(StoreError, match="No space left on device"):
            IndexCache.build(HnswIndex(), tmp_path, store, "whole", unit)
        assert (files(tmp_path), index_record(store, "whole")) == ([], None)

    def test_another_writer_is_waited_for(self, store, tmp_path, monkeypatch):
        fill(store, 20)
        monkeypatch.setattr(index_cache, "PATIENCE", 0.05)
        fill_index = index_cache._fill
        other = sqlite3.connect(tmp_path / "items.db", isolation_level=None)

        def others_write(index, X):
            fill_index(index, X)
            other.execute("BEGIN IMMEDIATE")

        monkeypatch.setattr(index_cache, "_fill", others_write)
        with pytest.raises(StoreError, match="another process is writing"):
            IndexCache.build(HnswIndex(), tmp_path, store, "whole", unit)
        other.close()
        assert opened(store, tmp_path) is None


def test_bad_input_gets_a_sentence(store, tmp_path):
    with pytest.raises(DataError, match="no vectors to index"):
        IndexCache.build(HnswIndex(), tmp_path, store, "whole", unit)
    with pytest.raises(DataError, match='"hnsw", "ivf" or None, got \'flat\''):
        empty_index("flat", Cosine())
    with pytest.raises(DataError, match=r'rank by "cosine", got 0 vectors and "dot"'):
        empty_index(HnswIndex("dot"), Cosine())
    full = HnswIndex()
    full.add(np.eye(3), np.arange(3))
    with pytest.raises(DataError, match="must be empty"):
        empty_index(full, Cosine())
    fill(store, 5)
    reader = SqliteStore.open(tmp_path / "items.db", readonly=True)
    with pytest.raises(StoreError, match="read-only"):
        IndexCache.build(HnswIndex(), tmp_path, reader, "whole", unit)
    reader.close()
