"""What stays, and what goes, when a collection is compacted, closed, or never came to be."""

import numpy as np
import pytest

from assembly.toys import PAPERS, toy_space
from cosimo import Collection
from cosimo.errors import DataError, PassportMismatch, StoreError
from cosimo.search import SqliteStore
from cosimo.search.caches import vector_cache


@pytest.fixture
def papers(tmp_path):
    collection = Collection.create(tmp_path / "papers", toy_space())
    collection.add(PAPERS, text=["title", "abstract"], id="id")
    yield collection
    collection.close()


def ids(collection):
    return sorted(hit.id for hit in collection.search("rice", k=100)[0])


def caches(collection):
    return sorted(file.name for file in collection.path.glob("vectors-*"))


class TestCompact:
    def test_what_was_deleted_stays_deleted(self, papers):
        """A cache that holds a row the store has forgotten would bring it back."""
        reader = Collection.open(papers.path, space=toy_space(), mode="r")
        assert ids(papers) == ids(reader) == ["p1", "p2", "p3", "p4"]
        assert papers.delete(["p3"]) == 1
        assert papers.compact() == 1
        again = Collection.open(papers.path, space=toy_space(), mode="r")
        for collection in (papers, reader, again):
            assert ids(collection) == ["p1", "p2", "p4"]
            assert len([row for rows, _ in collection.vectors() for row in rows]) == 3
        for collection in (reader, again):
            collection.close()

    def test_nothing_to_drop_is_no_change(self, papers):
        ids(papers)
        before = papers.generation, caches(papers)
        assert papers.compact() == 0
        assert ids(papers) == ["p1", "p2", "p3", "p4"]
        assert (papers.generation, caches(papers)) == before

    def test_replaced_items_count(self, papers):
        papers.add(PAPERS[:2], text="title", id="id", on_conflict="replace")
        papers.delete(["p4"])
        assert (papers.compact(), papers.compact()) == (3, 0)
        papers.check()

    def test_a_reader_may_not(self, papers):
        with (
            Collection.open(papers.path, space=toy_space(), mode="r") as reader,
            pytest.raises(StoreError, match="read-only"),
        ):
            reader.compact()


class TestClose:
    def test_caches_are_made_and_closing_again_is_nothing(self, papers):
        assert caches(papers) == []
        papers.close()
        assert len(caches(papers)) == 1
        papers.close()
        with pytest.raises(StoreError, match="was closed"):
            len(papers)

    def test_after_an_error_no_time_is_spent_on_caches(self, papers):
        with pytest.raises(RuntimeError, match="mine"), papers:
            papers.add(["more"])
            raise RuntimeError("mine")
        assert caches(papers) == []
        with Collection.open(papers.path, space=toy_space()) as again:
            assert len(again) == 5
            assert len(ids(again)) == 5

    def test_the_files_are_let_go_when_caches_cannot_be_made(self, papers, monkeypatch):
        def broken(*_):
            raise StoreError("damaged")

        monkeypatch.setattr(vector_cache.VectorCache, "open", broken)
        with pytest.raises(StoreError, match="damaged"):
            papers.close()
        assert papers._store._connections._closed
        papers.close()

    def test_a_refused_space_lets_go_of_the_files(self, papers, monkeypatch):
        closed = []
        close = SqliteStore.close
        monkeypatch.setattr(SqliteStore, "close", lambda store: closed.append(1) or close(store))
        with pytest.raises(PassportMismatch):
            Collection.open(papers.path, space=toy_space(salt="other"))
        assert closed == [1]


class TestCreate:
    @pytest.mark.parametrize("fields", [{"a b": int}, {"year": list}])
    def test_what_fails_leaves_nothing(self, tmp_path, fields):
        with pytest.raises(DataError):
            Collection.create(tmp_path / "c", toy_space(), fields=fields)
        assert list(tmp_path.iterdir()) == []
        Collection.create(tmp_path / "c", toy_space()).close()

    def test_moved_away_it_goes_on(self, papers, tmp_path):
        papers.close()
        before = caches(papers)
        moved = papers.path.rename(tmp_path / "elsewhere")
        with Collection.open(moved, space=toy_space()) as collection:
            assert ids(collection) == ["p1", "p2", "p3", "p4"]
            assert caches(collection) == before


def test_vectors_while_items_are_replaced(papers):
    """One state throughout: every item once."""
    blocks = papers.vectors()
    papers.add(PAPERS, text="title", id="id", on_conflict="replace")
    assert np.concatenate([rows for rows, _ in blocks]).tolist() in ([1, 2, 3, 4], [5, 6, 7, 8])
