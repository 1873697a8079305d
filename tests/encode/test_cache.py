import copy
import logging
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder, OnnxEncoder, TruncationWarning, cache_home, tally, uncached
from cosimo.encode.truncation import note
from cosimo.encode.wrappers import cache_file
from cosimo.encode.wrappers.cache import Cached, cached
from cosimo.encode.wrappers.cache_file import CacheFile
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.measure import STS
from cosimo.passport import Passport

TEXTS = ["rice", "", "שלום 🙂", "rice", "a longer text of seven words in all"]
WORDS = 5
TESTS = Path(__file__).parents[1]


class Slow(Sides):
    """Counts what it encodes; reads five words of a text."""

    def __init__(self, *, version=1, content=True, kind="onnx", dim=4):
        self.passport = Passport(kind, "slow", dim, {"version": version}, content)
        self.dim = dim
        self.version = version
        self.encoded = []

    def encode(self, items, *, role=None, given=None, batch_size=None, progress=False):
        self.encoded += items
        seeds = [[self.version, role == "query", *text.encode()] for text in items]
        cut = np.array([len(text.split()) > WORDS for text in items], bool)
        note(int(cut.sum()), n=len(items), limit=WORDS, texts=cut)
        rows = [np.random.default_rng(seed).normal(size=self.dim) for seed in seeds]
        return np.array(rows, np.float32).reshape(-1, self.dim)


@pytest.fixture(autouse=True)
def here(home, monkeypatch):
    monkeypatch.delenv("COSIMO_CACHE_BYTES", raising=False)


@pytest.fixture
def file(tmp_path):
    return CacheFile(tmp_path / "cache" / "v1.db", 1 << 20)


def answer(encoder, texts=TEXTS, role="document"):
    with tally() as cut:
        return encoder.encode(texts, role=role).tobytes(), cut.cut


def both(file, texts=TEXTS, **options):
    """What a fresh encoder gives behind the cache, checked against one without, and what it had to encode."""
    slow = Slow(**options)
    assert answer(Cached(slow, file), texts) == answer(Slow(**options), texts)
    return slow.encoded


def test_the_second_time_nothing_is_encoded(file):
    assert both(file) == ["rice", "", "שלום 🙂", "a longer text of seven words in all"]
    assert both(file) == []
    assert both(file, ["new", "rice"]) == ["new"]


def test_roles_and_spaces_are_kept_apart(file):
    both(file)
    slow = Slow()
    assert answer(Cached(slow, file), role="query") == answer(Slow(), role="query")
    assert slow.encoded == ["rice", "", "שלום 🙂", "a longer text of seven words in all"]
    assert len(both(file, version=2)) == 4
    assert len(both(file, dim=8)) == 4
    assert both(file) == []


def test_cut_texts_are_counted_again_each_time(file):
    for _ in range(2):
        with pytest.warns(TruncationWarning, match="2 of 3 texts were longer than 5 tokens"):
            Cached(Slow(), file).encode([TEXTS[4], "rice", TEXTS[4]])


def test_a_condition_is_not_kept(file):
    slow = Slow()
    for _ in range(2):
        Cached(slow, file).encode(["a"], given=["b"])
    assert slow.encoded == ["a", "a"]


def test_no_texts(file):
    assert Cached(Slow(), file).encode([]).shape == (0, 4)


def test_a_real_encoder_gives_the_same_bytes_and_counts(file, tiny_bert):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    texts = ["a b c", "", "long " * 200, "a b c"]
    expected = answer(encoder, texts)
    assert expected[1] == 1
    for _ in range(2):
        assert answer(Cached(encoder, file), texts) == expected
    assert isinstance(cached(encoder), Cached)


def test_only_costly_encoders_with_pinned_content(monkeypatch):
    assert isinstance(cached(Slow()), Cached)
    for encoder in (
        Slow(kind="static"),
        Slow(content=False),
        FunctionEncoder(lambda texts: [[0.0, -1.0]] * len(texts)),
    ):
        assert cached(encoder) is encoder


def test_it_can_be_turned_off(monkeypatch):
    slow = Slow()
    with uncached():
        assert cached(slow) is slow
        with uncached(False):
            assert cached(slow) is slow
    with uncached(False):
        assert isinstance(cached(slow), Cached)
    monkeypatch.setenv("COSIMO_CACHE_BYTES", "0")
    assert cached(slow) is slow
    cached(slow).encode(["a"])
    assert not (cache_home() / "embeddings").exists()
    monkeypatch.setenv("COSIMO_CACHE_BYTES", "1e9")
    with pytest.raises(DataError, match="COSIMO_CACHE_BYTES wants a number of bytes"):
        cached(slow)


def test_the_file_is_the_users_own():
    cached(Slow()).encode(["a"])
    (path,) = (cache_home() / "embeddings").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def damaged(file, at, bit=0x10):
    data = bytearray(file.path.read_bytes())
    data[at % len(data)] ^= bit
    file.path.write_bytes(data)


def test_a_flipped_bit_in_a_vector_is_noticed(file):
    both(file)
    vector = Slow().encode(["rice"], role="document").tobytes()
    damaged(file, file.path.read_bytes().index(vector) + 5)
    assert both(file) == ["rice"]
    assert both(file) == []


def test_no_flipped_bit_gives_a_wrong_vector(file):
    both(file, [f"text {i}" for i in range(40)])
    whole = file.path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 150):
        file.path.write_bytes(whole)
        damaged(file, int(at), 1 << int(rng.integers(8)))
        both(file, [f"text {i}" for i in range(40)])


@pytest.mark.parametrize("content", [b"not a database" * 100, b"\0" * 5000, None], ids=["text", "zeros", "half"])
def test_a_damaged_file_is_removed(file, content, caplog):
    both(file, [f"text {i}" for i in range(100)])
    file.path.write_bytes(file.path.read_bytes()[:6000] if content is None else content)
    with caplog.at_level(logging.WARNING):
        assert len(both(file, [f"text {i}" for i in range(100)])) == 100
    assert "was damaged and is removed" in caplog.text
    both(file)
    assert both(file) == []


def test_a_file_in_use_is_done_without(file, monkeypatch):
    both(file)
    monkeypatch.setattr(cache_file, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(file.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert len(both(file)) == 4
    assert both(file) == []


def test_a_place_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "taken").write_text("")
    file = CacheFile(tmp_path / "taken" / "v1.db", 1 << 20)
    assert len(both(file)) == len(both(file)) == 4
    folder = CacheFile(tmp_path, 1 << 20)
    assert len(both(folder)) == 4


def days(monkeypatch, day):
    monkeypatch.setattr(cache_file, "_today", lambda: day)


def block(start, n=40):
    return [f"text {i}" for i in range(start, start + n)]


def test_it_stays_below_its_size(tmp_path, monkeypatch):
    file = CacheFile(tmp_path / "v1.db", 300_000)
    for day in range(12):
        days(monkeypatch, day)
        both(file, block(40 * day), dim=256)
        assert file.path.stat().st_size <= file.size
    assert both(file, block(40 * 11), dim=256) == []
    assert len(both(file, block(0), dim=256)) == 40


def test_what_was_used_last_stays(tmp_path, monkeypatch):
    file = CacheFile(tmp_path / "v1.db", 250_000)
    for day in range(3):
        days(monkeypatch, day)
        both(file, block(40 * day), dim=256)
    days(monkeypatch, 3)
    assert both(file, block(0), dim=256) == []  # the oldest, and now the latest used
    days(monkeypatch, 4)
    both(file, block(120), dim=256)
    assert both(file, block(0), dim=256) == []
    assert len(both(file, block(40), dim=256)) > 0


def test_a_corpus_larger_than_the_cache_keeps_its_start(tmp_path):
    file = CacheFile(tmp_path / "v1.db", 300_000)
    for start in range(0, 400, 40):
        both(file, block(start), dim=256)
    assert both(file, block(0, 100), dim=256) == []


def test_a_smaller_size_holds_at_once(tmp_path):
    path = tmp_path / "v1.db"
    both(CacheFile(path, 1 << 20), block(0, 300), dim=256)
    assert path.stat().st_size > 300_000
    both(CacheFile(path, 100_000), block(300, 8), dim=256)
    assert path.stat().st_size <= 100_000


def test_threads_and_processes_share_it(file):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: both(file, block(start)), [0, 20, 0, 40, 20, 10]))
    cache = f"t.CacheFile(t.Path({str(file.path)!r}), 1 << 20)"
    again = f"import encode.test_cache as t; print(t.both({cache}, t.block(0, 80)))"
    done = subprocess.run([sys.executable, "-c", again], cwd=TESTS, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_task_encodes_nothing_twice():
    task = STS(["rice", "wheat", "sun"], ["corn", "rice", "moon"], [4.0, 5.0, 1.0])
    slow = Slow()
    first = task.run(slow)
    assert sorted(slow.encoded) == ["corn", "moon", "rice", "sun", "wheat"]
    again = task.run(Slow())
    assert again.metrics["spearman"].value == first.metrics["spearman"].value
    with uncached():
        task.run(slow)
    assert sorted(set(slow.encoded[5:])) == ["corn", "moon", "rice", "sun", "wheat"]
    before = len(slow.encoded)
    task.run(cached(slow))
    assert len(slow.encoded) == before


def test_what_else_an_encoder_has_is_reached():
    slow = Slow()
    assert cached(slow).version == slow.version
    assert cached(cached(slow)).encoder is slow
    assert copy.copy(cached(slow)).encoder is slow
    with pytest.raises(AttributeError, match="encode_tokens"):
        _ = cached(slow).encode_tokens
