"""Files that are not what was written: the answer is right or refused in a sentence, and never a traceback."""

import os
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from assembly.toys import toy_space
from cosimo import Collection
from cosimo.errors import CosimoError, PassportMismatch, StoreError
from cosimo.search import Lexical
from faults.oracle import correct
from faults.victims import WORDS

N = 120
LIVE = {f"i{i}": f"{WORDS[i % 5]} {WORDS[5 + i % 7]} {i}" for i in range(N) if i % 10}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A closed collection with dead items, a cache, and a field."""
    path = tmp_path_factory.mktemp("damage") / "c"
    with Collection.create(path, toy_space(), fields={"year": int}) as collection:
        every = LIVE | {f"i{i}": "gone" for i in range(0, N, 10)}
        records = [{"id": name, "text": text, "year": int(name[1:])} for name, text in every.items()]
        collection.add(records, id="id")
        collection.delete(
            where='id in ("i0", "i10", "i20", "i30", "i40", "i50", "i60", "i70", "i80", "i90", "i100", "i110")'
        )
    return path


@pytest.fixture
def path(whole, tmp_path):
    """A copy whose cache is its own."""
    path = shutil.copytree(whole, tmp_path / "c")
    with Collection.open(path, space=toy_space()) as collection:
        collection.search("red")
    return path


def cache_of(path: Path) -> Path:
    (cache,) = path.glob("vectors-whole-*.f32")
    return cache


class TestCache:
    def flip(self, cache, rng):
        data = bytearray(cache.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        cache.write_bytes(data)

    def flip_and_restore_the_time(self, cache, rng):
        status = cache.stat()
        self.flip(cache, rng)
        os.utime(cache, ns=(status.st_atime_ns, status.st_mtime_ns))

    def truncate(self, cache, rng):
        os.truncate(cache, rng.randrange(cache.stat().st_size))

    def put_zeros_in_its_place(self, cache, rng):
        size = cache.stat().st_size
        cache.unlink()
        cache.write_bytes(bytes(size))

    def remove(self, cache, rng):
        cache.unlink()

    @pytest.mark.parametrize("mode", ["r", "r+"])
    @pytest.mark.parametrize(
        "damage",
        [flip, flip_and_restore_the_time, truncate, put_zeros_in_its_place, remove],
        ids=lambda damage: damage.__name__,
    )
    def test_damaged(self, path, damage, mode):
        for seed in range(3):
            damage(self, cache_of(path), random.Random(seed))
            with closing(Collection.open(path, space=toy_space(), mode=mode)) as collection:
                correct(collection, LIVE)
            with Collection.open(path, space=toy_space()) as collection:
                correct(collection, LIVE)

    def test_of_another_collection(self, path, tmp_path):
        with Collection.create(tmp_path / "other", toy_space(), fields={"year": int}) as other:
            other.add([{"id": name, "text": "all the same", "year": 1} for name in LIVE], id="id")
        shutil.copy2(cache_of(tmp_path / "other"), cache_of(path))
        with Collection.open(path, space=toy_space()) as collection:
            correct(collection, LIVE)

    def test_a_stranger_who_wrote_its_record_too(self, path):
        """The record and the file agree, and the file lies: a copy is never believed."""
        cache = cache_of(path)
        cache.write_bytes(bytes(cache.stat().st_size))
        with closing(Collection.open(path, space=toy_space())) as collection:
            store = collection._store
            status = cache.stat()
            stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
            store.record_cache("vectors-whole", {**store.cache_record("vectors-whole"), "stamp": stamp})
        sent = shutil.copytree(path, path.with_name("sent"))
        with Collection.open(sent, space=toy_space()) as collection:
            correct(collection, LIVE)


def looks(collection: Collection) -> dict[str, bool]:
    """Whether each way to look into the collection gives the right answer; absent where it was refused."""
    hits = {"k": 1000}
    ways = {
        "items": lambda: correct(collection, LIVE),
        "ids": lambda: [item and item.text for item in collection.get(list(LIVE))] == list(LIVE.values()),
        "filter": lambda: (
            {hit.id for hit in collection.search("red", where="year >= 50", **hits)[0]}
            == {name for name in LIVE if int(name[1:]) >= 50}
        ),
        "words": lambda: (
            {hit.id for hit in collection.search("red", stages=[Lexical()], **hits)[0]}
            == {name for name, text in LIVE.items() if "red" in text.split()}
        ),
    }
    found = {}
    for name, way in ways.items():
        with suppress(CosimoError):
            found[name] = way() in (None, True)
    return found


def look_into(path: Path, mode: str) -> dict[str, bool]:
    try:
        collection = Collection.open(path, space=toy_space(), mode=mode)
    except CosimoError:
        return {}
    with closing(collection):
        return looks(collection)


def sound(path: Path) -> bool:
    try:
        with closing(Collection.open(path, space=toy_space())) as collection:
            collection.check()
    except StoreError:
        return False
    return True


def flipped_and_looked_into(whole: Path, tmp_path: Path, seeds: range) -> Counter[str]:
    """Flip one bit of the database for each seed; how often all was right, was refused, or escaped all but `check`."""
    data = (whole / "items.db").read_bytes()
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        path = shutil.copytree(whole, tmp_path / f"c{seed}")
        changed = bytearray(data)
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (path / "items.db").write_bytes(changed)
        found = [look_into(path, mode) for mode in ("r", "r+")]
        assert all(ways.get("items", True) for ways in found)
        missed = not all(value for ways in found for value in ways.values())
        assert not (missed and sound(path))
        outcomes["escaped" if missed else "right" if min(map(len, found)) == 4 else "refused"] += 1
        shutil.rmtree(path)
    return outcomes


class TestDatabase:
    """What is read is right or refused; an index in the file may miss an id, a filter or a word, as `check` tells."""

    def test_one_bit(self, whole, tmp_path):
        assert flipped_and_looked_into(whole, tmp_path, range(20))["refused"] > 5

    @pytest.mark.slow
    def test_one_bit_often(self, whole, tmp_path, record_testsuite_property):
        outcomes = flipped_and_looked_into(whole, tmp_path, range(1000, 1300))
        for name, times in outcomes.items():
            record_testsuite_property(f"one bit {name}", times)
        assert outcomes["refused"] > 100
        assert outcomes["escaped"] < 10

    def test_truncated(self, whole, tmp_path):
        data = (whole / "items.db").read_bytes()
        for seed in range(8):
            path = shutil.copytree(whole, tmp_path / f"c{seed}")
            (path / "items.db").write_bytes(data[: random.Random(seed).randrange(len(data))])
            for mode in ("r", "r+"):
                assert look_into(path, mode).get("items", True)
            assert not sound(path)

    def test_something_else_in_its_place(self, path):
        for content in (b"", b"PK" * 5000):
            (path / "items.db").write_bytes(content)
            with pytest.raises(StoreError, match="not a cosimo database"):
                Collection.open(path)
        (path / "items.db").unlink()
        with pytest.raises(StoreError, match="not a collection"):
            Collection.open(path)


class TestStranger:
    def test_code_in_the_file(self, path):
        with closing(sqlite3.connect(path / "items.db")) as db:
            db.execute("CREATE TRIGGER evil AFTER UPDATE ON items BEGIN DELETE FROM items; END")
            db.commit()
        with pytest.raises(StoreError, match="it holds a trigger 'evil' that is not cosimo's"):
            Collection.open(path)

    def test_vectors_of_another_space(self, path):
        with pytest.raises(PassportMismatch):
            Collection.open(path, space=toy_space(salt="other"))

    def test_a_row_that_holds_no_item_is_not_answered_with(self, path):
        class Invents:
            def __call__(self, query, search):
                hits = search(query)
                hits.rows[0, 0] = 10_000
                return hits

        collection = Collection.open(path, space=toy_space())
        with closing(collection), pytest.raises(StoreError, match="row 10000 of the answer holds no item"):
            collection.search("red", stages=[Invents()])


@pytest.mark.parametrize(("version", "words"), [(0, "damaged"), (99, "written by a newer cosimo")])
def test_a_format_that_is_not_ours(path, version, words):
    with closing(sqlite3.connect(path / "items.db")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=words):
        Collection.open(path)
