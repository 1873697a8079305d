import threading

import pytest

from assembly.toys import toy_space
from cosimo import Collection
from cosimo.collection import intake
from cosimo.errors import DataError


@pytest.fixture
def collection(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "BATCH", 3)
    collection = Collection.create(tmp_path / "c", toy_space())
    yield collection
    collection.close()


def named(*names):
    return [{"id": name, "text": f"text of {name}"} for name in names]


def ids(collection):
    return [item.id for item in collection.scan()]


class TestNumbered:
    def test_ids_are_the_next_numbers(self, collection):
        collection.add(["a", "b", "c", "d"])
        collection.delete(["4"])
        collection.add(["e"])
        assert ids(collection) == ["1", "2", "3", "5"]

    @pytest.mark.parametrize("on_conflict", ["error", "replace", "skip"])
    def test_a_number_that_somebody_uses_is_passed_over(self, collection, on_conflict):
        collection.add(named("3", "5", "6"), id="id")
        assert collection.add(["a", "b"], on_conflict=on_conflict).added == 2
        assert ids(collection) == ["3", "5", "6", "8", "9"]
        assert collection.get(["5"])[0].text == "text of 5"

    def test_threads_that_add_at_once_replace_nothing(self, collection):
        threads = [
            threading.Thread(
                target=collection.add, args=([f"{name} {i}" for i in range(30)],), kwargs={"on_conflict": how}
            )
            for name, how in (("a", "replace"), ("b", "error"), ("c", "skip"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {item.text for item in collection.scan()} == {f"{name} {i}" for name in "abc" for i in range(30)}


class TestWhatIsThereAlready:
    def test_a_list_is_refused_before_anything_is_written(self, collection):
        collection.add(named("x"), id="id")
        with pytest.raises(DataError, match="ids are already in the collection: 'x'; nothing was written"):
            collection.add(named("a", "b", "c", "d", "x"), id="id")
        assert ids(collection) == ["x"]

    def test_an_iterator_is_refused_when_it_comes_and_what_stays_is_said(self, collection):
        collection.add(named("x"), id="id")
        with pytest.raises(DataError, match=r"'x'; nothing was written.*\(the 3 items before stay in the collection\)"):
            collection.add(iter(named("a", "b", "c", "d", "x")), id="id")
        assert ids(collection) == ["x", "a", "b", "c"]
        assert len(collection.search("text")[0]) == 4


class TestBroken:
    def test_a_generator_that_fails_says_what_stays(self, collection):
        def records():
            yield from named("a", "b", "c", "d")
            raise OSError("the line broke")

        with pytest.raises(OSError, match="the line broke") as caught:
            collection.add(records(), id="id")
        assert caught.value.__notes__ == ["the 3 items before stay in the collection"]
        assert ids(collection) == ["a", "b", "c"]

    def test_nothing_is_said_when_nothing_stays(self, collection):
        with pytest.raises(DataError) as caught:
            collection.add(iter([{"id": "a", "text": 7}]), id="id")
        assert "stay" not in str(caught.value)
        assert len(collection) == 0

    def test_too_few_or_too_many_vectors_are_seen_before_anything_is_written(self, collection):
        X = toy_space().encode(["text of a"] * 5)
        for n in (4, 6):
            with pytest.raises(DataError, match=f"5 vectors were given for {n} records; wanted one each"):
                collection.add(named(*"abcdef"[:n]), id="id", vectors=X)
        assert len(collection) == 0
