"""Several processes and threads at one collection: nobody's items are lost, and every answer is of one moment."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from assembly.toys import toy_space
from cosimo import Collection, Space
from cosimo.errors import MissingModel, StoreError
from cosimo.search.caches import vector_cache
from cosimo.search.stores import connections
from faults.children import environment

MEMBERS = 60
WORDS = ("red apple", "blue river stone", "rain wind snow bird")

PROLOGUE = """
import sys
from pathlib import Path
from assembly.toys import toy_space
from cosimo import Collection
from cosimo.search.caches import vector_cache
from faults.test_together import version
vector_cache.YOUNG_ROWS = 5
path, *rest = sys.argv[1:]
"""
NAMED = """
collection = Collection.open(path, space=toy_space())
for i in range(12):
    collection.add([{"id": f"{rest[0]}{i}-{j}", "text": f"red {rest[0]} {i} {j}"} for j in range(5)], id="id")
    collection.delete([f"{rest[0]}{i}-0"])
    collection.search("red", k=5)
collection.close()
"""
NUMBERED = """
collection = Collection.open(path, space=toy_space())
for i in range(12):
    collection.add([f"{rest[0]} {i} {j}" for j in range(5)], on_conflict="replace")
collection.close()
"""
VERSIONS = """
collection = Collection.open(path, space=toy_space())
for i in range(int(rest[0]), int(rest[0]) + 25):
    version(collection, i)
    if i % 4 == 0:
        collection.compact()
    if i % 3 == 0:
        collection.search("red", k=3)
    if i % 5 == 0:
        collection.close()
        collection = Collection.open(path, space=toy_space())
collection.close()
"""


def child(script: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", PROLOGUE + script, *map(str, arguments)], env=environment(threads=2))


def version(collection: Collection, number: int) -> None:
    """Replace all members in one commit: a state of the collection holds one version of all of them."""
    records = [
        {"id": f"m{i}", "text": f"{WORDS[(i + number) % 3]} {i} {number}", "version": number} for i in range(MEMBERS)
    ]
    collection.add(records, id="id", on_conflict="replace")


def of_one_moment(collection: Collection, last: int) -> int:
    """The version that a search sees, the same in all its hits; checked against what the texts should score."""
    hits = collection.search([WORDS[0], WORDS[1]], k=1000)
    (seen,) = {hit["version"] for query in hits for hit in query}
    assert seen >= last
    for i in range(2):
        assert sorted(hit.id for hit in hits[i]) == sorted(f"m{j}" for j in range(MEMBERS))
        S = toy_space().similarity([WORDS[i]], [hit.text for hit in hits[i]])[0]
        np.testing.assert_allclose([hit.score for hit in hits[i]], S, atol=1e-5)
        assert (np.diff(S) <= 1e-5).all()
    return seen


@pytest.fixture
def path(tmp_path):
    Collection.create(tmp_path / "c", toy_space()).close()
    return tmp_path / "c"


@pytest.mark.parametrize("script", [NAMED, NUMBERED], ids=["named", "numbered"])
def test_two_writers_both_end_with_all_items(path, script):
    writers = [child(script, path, name) for name in ("apple", "pear")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    with Collection.open(path, space=toy_space()) as collection:
        collection.check()
        texts = {item.text for item in collection.scan()}
        first = 1 if script is NAMED else 0
        names = ("red apple", "red pear") if script is NAMED else ("apple", "pear")
        assert texts == {f"{name} {i} {j}" for name in names for i in range(12) for j in range(first, 5)}
        assert len(collection) == len(texts)


def test_a_writer_that_waits_too_long_says_so_and_loses_nothing(path, monkeypatch):
    collection = Collection.open(path, space=toy_space())
    other = sqlite3.connect(path / "items.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
    with pytest.raises(StoreError, match="another process is writing and did not finish in time; try again later"):
        collection.add(["one"])
    assert collection.search("one")[0] == []
    other.close()
    collection.add(["one"])
    assert [hit.text for hit in collection.search("one")[0]] == ["one"]
    collection.close()


def test_readers_of_all_kinds_while_another_process_changes_everything(path, monkeypatch):
    monkeypatch.setattr(vector_cache, "YOUNG_ROWS", 5)
    with Collection.open(path, space=toy_space()) as collection:
        version(collection, 0)
    readers = {mode: Collection.open(path, space=toy_space(), mode=mode) for mode in ("r", "r+")}
    seen = dict.fromkeys(readers, 0)
    answers = 0
    writer = child(VERSIONS, path, 1)
    while writer.poll() is None:
        for mode, reader in readers.items():
            seen[mode] = of_one_moment(reader, seen[mode])
        with Collection.open(path, space=toy_space(), mode="r") as fresh:
            of_one_moment(fresh, max(seen.values()))
        answers += 1
    assert writer.returncode == 0
    assert answers > 3
    for reader in readers.values():
        assert of_one_moment(reader, 25) == 25
        reader.close()


def test_threads_search_one_collection_while_others_change_it(path, monkeypatch):
    monkeypatch.setattr(vector_cache, "YOUNG_ROWS", 5)
    collection = Collection.open(path, space=toy_space())
    version(collection, 0)
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        last = 0
        try:
            while not done.is_set():
                last = of_one_moment(collection, last)
        except BaseException as error:
            failures.append(error)

    def write() -> None:
        try:
            for i in range(1, 25):
                version(collection, i)
                if i % 4 == 0:
                    collection.compact()
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    threads = [threading.Thread(target=read) for _ in range(4)] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert failures == []
    assert of_one_moment(collection, 24) == 24
    collection.close()


@pytest.mark.parametrize(("name", "precision"), [("minilm", "fp32"), ("minilm", "int8"), ("static", "fp32")])
def test_threads_share_a_space(name, precision):
    try:
        space = Space.load(name, precision=precision)
    except MissingModel as error:
        pytest.skip(str(error))
    texts = [[f"text {i} of {i % 7 * 'many '}words in thread {t}" for i in range(24)] for t in range(4)]
    alone = [space.encode(each) for each in texts]
    together: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=lambda t=t: together.update({t: space.encode(texts[t])})) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    for t in range(4):
        np.testing.assert_array_equal(together[t], alone[t])


def test_a_view_is_replaced_as_a_whole(path):
    """A thread that began to search goes on with the blocks it got, whatever another one takes in meanwhile."""
    collection = Collection.open(path, space=toy_space())
    version(collection, 0)
    seen = collection._view.refresh()
    before = [block.rows.tolist() for block in seen.exact]
    version(collection, 1)
    collection.compact()
    assert collection._view.refresh() is not seen
    assert [block.rows.tolist() for block in seen.exact] == before
    collection.close()


def within(seconds: float, pid: int) -> int:
    """The exit code of a child, which is killed when it hangs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


FORKED = """
import os
import numpy as np
from cosimo.search import ExactIndex, HnswIndex
from faults.test_together import of_one_moment, within
collection = Collection.open(path, space=toy_space())
version(collection, 0)
of_one_moment(collection, 0)
# Many queries over many keys go through threads of a library, which a fork does not inherit.
X = np.random.default_rng(0).normal(size=(6000, 16)).astype(np.float32)
exact, approximate = ExactIndex.over(X, np.arange(6000)), HnswIndex()
approximate.fit(X)
approximate.add(X, np.arange(6000))
before = [index.search(X[:100], k=3).rows for index in (exact, approximate)]
pid = os.fork()
if not pid:
    code = 1
    try:
        of_one_moment(collection, 0)
        for index, rows in zip((exact, approximate), before, strict=True):
            assert (index.search(X[:100], k=3).rows == rows).all()
        version(collection, 1)
        of_one_moment(collection, 1)
        collection.close()
        code = 0
    finally:
        os._exit(code)
assert within(60, pid) == 0
of_one_moment(collection, 1)
version(collection, 2)
of_one_moment(collection, 2)
collection.check()
collection.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_goes_on_by_itself(path):
    assert child(FORKED, path).wait(timeout=120) == 0
