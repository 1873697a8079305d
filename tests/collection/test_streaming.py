"""Corpora larger than memory, and builds that were interrupted."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assembly.toys import toy_space
from cosimo import Collection, Space
from cosimo.collection import intake
from cosimo.encode import uncached
from cosimo.encode.models import homes
from cosimo.encode.truncation import note
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.passport import Passport

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "memory.py"
GROWTH_MIB = 16
"""What a corpus ten times as long may take in addition; its vectors alone are 100 MB."""


class Stopped(Exception):
    pass


class Slow(Sides):
    """An encoder that counts its texts, cuts those of more than three words, and can be stopped."""

    dim = 3
    passport = Passport("onnx", "slow", 3)

    def __init__(self, *, stop_after=10**9):
        self.stop_after = stop_after
        self.encoded = 0

    def encode(self, items, *, role=None, given=None, batch_size=None, progress=False):
        if self.encoded >= self.stop_after:
            raise Stopped
        self.encoded += len(items)
        cut = np.array([text.count(" ") > 2 for text in items], bool)
        note(int(cut.sum()), n=len(items), limit=3, texts=cut)
        return np.array([[len(text), sum(text.encode()), -1] for text in items], np.float32).reshape(-1, 3)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(intake, "BATCH", 8)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path / "home"))


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        rows.writerows([f"n{i}", f"text number {i}" + " and more" * (i % 7 == 0)] for i in range(50))
    return path


def built(path, texts, encoder):
    with Collection.create(path, Space(encoder)) as collection:
        return collection.add(texts, id="id")


def vectors(path):
    with Collection.open(path, mode="r") as collection:
        return np.concatenate([X for _, X in collection.vectors()])


def test_an_interrupted_build_goes_on_where_it_stopped(home, texts, tmp_path):
    with pytest.raises(Stopped):
        built(tmp_path / "a", texts, Slow(stop_after=24))
    slow, whole = Slow(), Slow()
    report = built(tmp_path / "b", texts, slow)
    assert (report.added, slow.encoded) == (50, 50 - 24)
    with uncached():
        assert built(tmp_path / "c", texts, whole).truncated == report.truncated == 8
    assert whole.encoded == 50
    np.testing.assert_array_equal(vectors(tmp_path / "b"), vectors(tmp_path / "c"))


def test_an_update_encodes_what_is_new(home, texts, tmp_path):
    built(tmp_path / "a", texts, Slow())
    slow = Slow()
    with Collection.open(tmp_path / "a", space=Space(slow)) as collection:
        more = [{"id": "n1", "text": "text number 1"}, {"id": "n99", "text": "another one"}]
        report = collection.add(more, id="id", on_conflict="replace")
    assert (report.added, report.replaced, slow.encoded) == (1, 1, 1)


def test_refiners_stand_behind_the_cache(home, texts, tmp_path):
    """Vectors are kept as the encoder made them, so that another refiner needs no other ones."""
    from cosimo.refine import Normalise

    built(tmp_path / "a", texts, Slow())
    slow = Slow()
    with Collection.create(tmp_path / "b", Space(slow, refiner=Normalise())) as collection:
        collection.add(texts, id="id")
    assert slow.encoded == 0
    X = vectors(tmp_path / "a")
    np.testing.assert_allclose(vectors(tmp_path / "b"), X / np.linalg.norm(X, axis=1, keepdims=True), rtol=1e-6)


def test_a_callable_is_never_cached(home, tmp_path):
    with Collection.create(tmp_path / "a", toy_space()) as collection:
        collection.add(["one", "two"])
    assert not (tmp_path / "home").exists()


def test_an_iterator_is_taken_batch_by_batch(tmp_path):
    taken = 0

    def records():
        nonlocal taken
        for i in range(50):
            taken += 1
            yield {"text": f"text {i}"}

    with Collection.create(tmp_path / "a", toy_space()) as collection:
        add, most = collection._store.add, 0

        def watched(batch, **options):
            nonlocal most
            outcome = add(batch, **options)
            most = max(most, taken - len(collection))
            return outcome

        collection._store.add = watched
        collection.add(records())
        assert len(collection) == 50
        assert most <= 8


def test_repeated_ids_are_found_beyond_one_batch(tmp_path, texts):
    with texts.open("a") as file:
        file.write("n3,again\nn48,again\nn3,and again\n")
    with (
        Collection.create(tmp_path / "a", toy_space()) as collection,
        pytest.raises(DataError, match=r"texts.csv: lines 5 and 52 have the same id in column 'id'.*\(3 repeated\)"),
    ):
        collection.add(texts, id="id")


def test_ids_of_the_same_hash_are_still_two(tmp_path, texts, monkeypatch):
    monkeypatch.setattr(intake, "_hash", lambda name: bytes(8))
    with Collection.create(tmp_path / "a", toy_space()) as collection:
        assert collection.add(texts, id="id").added == 50


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    if not homes.model_home("static").is_dir():
        pytest.skip("the model static is not on this machine: cosimo fetch static")
    out = tmp_path / "memory.json"
    sizes = ["10000", "100000"]
    subprocess.run([sys.executable, BENCHMARK, "--sizes", *sizes, "--out", out], check=True, capture_output=True)
    short, long = (json.loads(out.read_text())["sizes"][size] for size in sizes)
    grown = {phase: long[phase]["peak_mib"] - short[phase]["peak_mib"] for phase in short}
    assert set(grown) == {"load", "add", "close", "search", "encode"}
    assert max(grown.values()) < GROWTH_MIB, grown
