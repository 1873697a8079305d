import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cosimo import Space
from cosimo.encode import FunctionEncoder, TruncationWarning, tally, vector_file
from cosimo.encode.truncation import note
from cosimo.encode.vector_file import VectorFile, encode_to_file
from cosimo.errors import DataError, PassportMismatch, Refused
from cosimo.passport import Passport
from encode import killed_encoding
from encode.killed_encoding import ITEMS, PASSPORT, encode


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(vector_file, "BLOCK", 8)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "x.npy"


class Stopped(Exception):
    pass


def stopping(after: int):
    """An encoder that fails in the block after `after` blocks."""
    left = iter(range(after))

    def encode_or_stop(texts, given):
        if next(left, None) is None:
            raise Stopped
        return encode(texts, given)

    return encode_or_stop


def interrupted(path, *, after=2, items=ITEMS, passport=PASSPORT, role=None):
    with pytest.raises(Stopped):
        encode_to_file(path, iter(items), stopping(after), passport=passport, role=role)


def saved(items) -> bytes:
    file = io.BytesIO()
    np.save(file, encode(items, None))
    return file.getvalue()


@pytest.mark.parametrize("n", [1, 7, 8, 9, 34])
@pytest.mark.parametrize("known", [True, False])
def test_the_bytes_are_those_of_np_save(path, n, known):
    items = ITEMS[:n]
    X = encode_to_file(path, items if known else iter(items), encode, passport=PASSPORT)
    assert path.read_bytes() == saved(items)
    assert isinstance(X, np.memmap) and not X.flags.writeable
    np.testing.assert_array_equal(X, encode(items, None))
    assert [file.name for file in path.parent.iterdir()] == ["x.npy"]


def test_no_items_give_no_rows(path):
    X = encode_to_file(path, [], encode, passport=PASSPORT)
    assert X.shape == (0, 2) and X.dtype == np.float32
    assert np.load(path).shape == (0, 2)


def test_one_block_is_in_memory_at_a_time(path):
    taken = encoded = 0

    def items():
        nonlocal taken
        for item in ITEMS:
            taken += 1
            yield item

    def encode_block(texts, given):
        nonlocal encoded
        encoded += len(texts)
        assert len(texts) <= 8
        assert taken == encoded
        return encode(texts, given)

    encode_to_file(path, items(), encode_block, passport=PASSPORT)
    assert encoded == len(ITEMS)


def test_killed_at_every_step(tmp_path):
    """The finished file has the same bytes wherever the process died, and nothing else is left."""
    done = subprocess.run(
        [sys.executable, killed_encoding.__file__, tmp_path], capture_output=True, text=True, check=True
    )
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ends) > 10
    assert {digest for digest, _, _ in ends} == {hashlib.sha256(saved(ITEMS)).hexdigest()}
    blocks = [again for _, again, _ in ends]
    assert blocks == sorted(blocks, reverse=True)  # the later it died, the less was done twice
    assert blocks[0] == 5 and set(blocks[-3:]) == {0, 1}
    for step, (_, again, left) in enumerate(ends, 1):
        assert set(left) <= {f"{step}.npy", *([f"{step}.npy.partial.json"] if not again else [])}


def test_finished_blocks_are_not_encoded_again(path):
    interrupted(path, after=3)
    calls = []
    encode_to_file(path, ITEMS, lambda *block: calls.append(block) or encode(*block), passport=PASSPORT)
    assert [texts for texts, _ in calls] == [ITEMS[24:32], ITEMS[32:]]
    assert path.read_bytes() == saved(ITEMS)


def test_items_may_be_appended_before_the_rerun(path):
    interrupted(path, after=4, items=ITEMS)
    more = [*ITEMS, "text 99"]
    encode_to_file(path, more, encode, passport=PASSPORT)
    assert path.read_bytes() == saved(more)


@pytest.mark.parametrize(
    "items",
    [["text 77", *ITEMS[1:]], ITEMS[1:], [ITEMS[1], ITEMS[0], *ITEMS[2:]], ITEMS[:15], ITEMS[:16][::-1], []],
    ids=["changed", "shifted", "swapped", "fewer", "reversed", "none"],
)
def test_other_items_are_refused(path, items):
    interrupted(path, after=2)
    with pytest.raises(Refused, match=r"16 other items.*remove it to start over"):
        encode_to_file(path, items, encode, passport=PASSPORT)
    assert not path.exists()
    encode_to_file(path, ITEMS, encode, passport=PASSPORT)  # nothing was lost by the attempt
    assert path.read_bytes() == saved(ITEMS)


def test_items_that_join_to_the_same_text_differ(path):
    interrupted(path, items=["text 1", "text 2"] * 8, after=1)
    with pytest.raises(Refused):
        encode_to_file(path, ["text 1text", " 2", *["text 1", "text 2"] * 7], encode, passport=PASSPORT)


def test_another_space_is_refused(path):
    interrupted(path)
    with pytest.raises(PassportMismatch, match="version: 1 here, 2 there"):
        encode_to_file(path, ITEMS, encode, passport=Passport("toy", "toy", 2, {"version": 2}))
    with pytest.raises(Refused, match="begun with role=None, got 'query'"):
        encode_to_file(path, ITEMS, encode, passport=PASSPORT, role="query")


@pytest.mark.parametrize("damage", ["flip", "truncate", "record"])
def test_damage_is_found(path, damage):
    interrupted(path, after=3)
    partial, record = path.with_name("x.npy.partial"), path.with_name("x.npy.partial.json")
    data = bytearray(partial.read_bytes())
    if damage == "flip":
        data[140] ^= 1
        partial.write_bytes(data)
    elif damage == "truncate":
        partial.write_bytes(data[:150])
    else:
        record.write_text("{")
    with pytest.raises(DataError, match="to start over"):
        encode_to_file(path, ITEMS, encode, passport=PASSPORT)
    record.unlink()
    encode_to_file(path, ITEMS, encode, passport=PASSPORT)
    assert path.read_bytes() == saved(ITEMS)


def test_a_file_that_is_there_stays(path):
    path.write_bytes(b"precious")
    with pytest.raises(DataError, match="exists already"):
        encode_to_file(path, ITEMS, encode, passport=PASSPORT)
    assert path.read_bytes() == b"precious"
    assert [file.name for file in path.parent.iterdir()] == ["x.npy"]


def test_two_writers_are_one_too_many(path):
    with VectorFile(path, PASSPORT), pytest.raises(DataError, match="another process is writing"):
        encode_to_file(path, ITEMS, encode, passport=PASSPORT)


@pytest.mark.parametrize("items", ["text 1", b"text 1"])
def test_one_text_is_no_list(path, items):
    with pytest.raises(DataError, match=r"\[text\]"):
        encode_to_file(path, items, encode, passport=PASSPORT)


def test_items_of_every_kind(path):
    items = ["text", b"text", np.array([1, 2]), np.array([1.0, 2.0]), {"a": [1, None]}, -1.5]
    X = encode_to_file(path, items, lambda block, _: np.zeros((len(block), 2)), passport=PASSPORT)
    assert X.dtype == np.float32
    digests = {vector_file._bytes_of(item) for item in items}
    assert len(digests) == len(items)
    with pytest.raises(DataError, match="an item of type object"):
        encode_to_file(path.with_name("y.npy"), [object()], encode, passport=PASSPORT)


def test_conditions_are_part_of_the_items(path):
    def encode_both(texts, given):
        return np.array([[len(text), len(condition)] for text, condition in zip(texts, given, strict=True)])

    given = ["a"] * 33 + ["bcd"]
    X = encode_to_file(path, ITEMS, encode_both, passport=PASSPORT, given=given)
    assert X[:, 1].tolist() == [1] * 33 + [3]
    other = path.with_name("y.npy")
    with pytest.raises(Stopped):
        encode_to_file(other, ITEMS, stopping(2), passport=PASSPORT, given=given)
    with pytest.raises(Refused):
        encode_to_file(other, ITEMS, encode_both, passport=PASSPORT, given=["b"] * 34)


def test_cut_texts_are_counted_once_and_across_interruptions(path):
    def cutting(stop):
        def encode_cut(texts, given):
            X = stop(texts, given)
            note(2, n=len(texts), limit=5)
            return X

        return encode_cut

    with pytest.raises(Stopped), tally():
        encode_to_file(path, ITEMS, cutting(stopping(2)), passport=PASSPORT)
    with pytest.warns(TruncationWarning, match="10 of 34 texts were longer than 5 tokens") as seen:
        encode_to_file(path, ITEMS, cutting(encode), passport=PASSPORT)
    assert len(seen) == 1


def test_space_encodes_to_a_file(path):
    space = Space(FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts]))
    X = space.encode((item for item in ITEMS), role="document", out=path)
    np.testing.assert_array_equal(X, space.encode(ITEMS, role="document"))
    np.testing.assert_array_equal(space.encode(iter(ITEMS)), X)
    assert isinstance(X, np.memmap)


def test_an_interrupted_callable_is_known_by_what_it_does(path):
    def space(factor):
        def embed(texts):
            if "text 20 " in texts[-1] and factor == 1 and not path.with_name("again").exists():
                raise Stopped
            return [[len(text) * factor, -1.0] for text in texts]

        return Space(FunctionEncoder(embed, name="f"))

    items = [f"text {i} " for i in range(21)]
    with pytest.raises(Stopped):
        space(1).encode(items, out=path)
    path.with_name("again").touch()
    with pytest.raises(PassportMismatch):
        space(-2).encode(items, out=path)
    assert space(1).encode(items, out=str(path)).shape == (21, 2)
