import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosimo.encode.items import batch_limit, check_texts, distinct, no_condition, probe_vectors
from cosimo.encode.truncation import note
from cosimo.errors import DataError
from cosimo.passport import PROBES


def test_texts_become_a_list():
    assert check_texts(("a", "", "🎸")) == ["a", "", "🎸"]
    assert check_texts(np.array(["a", "b"])) == ["a", "b"]
    assert check_texts([]) == []


def test_a_generator_is_read_once():
    assert check_texts(text for text in "ab") == ["a", "b"]


@pytest.mark.parametrize("bare", ["one text", b"one text", ""])
def test_one_bare_text_is_refused(bare):
    with pytest.raises(DataError, match=r"list of texts; wrap one text as \[text\]"):
        check_texts(bare)


def test_a_number_is_no_list():
    with pytest.raises(DataError, match="got int"):
        check_texts(3)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (None, "item 1 is NoneType.*leave it out"),
        (3, r"item 1 is int.*str\("),
        (b"x", "item 1 is bytes"),
        (["x"], "item 1 is list"),
        (float("nan"), "item 1 is float"),
    ],
)
def test_other_items_are_named(bad, said):
    with pytest.raises(DataError, match=said):
        check_texts(["fine", bad])


def test_half_a_character_is_refused():
    with pytest.raises(DataError, match=r"item 1 is not valid Unicode.*character 2"):
        check_texts(["fine", "no\ud83d"])


@given(st.lists(st.sampled_from(["a", "b", "c", ""])))
def test_distinct_texts_put_the_list_together_again(texts):
    unique, rows = distinct(texts)
    assert [unique[row] for row in rows] == texts
    assert unique == list(dict.fromkeys(texts))
    assert rows.dtype == np.int64


def test_probes_take_both_roles():
    seen = []

    def encode(items, *, role):
        seen.extend((item, role) for item in items)
        return np.full((len(items), 3), len(seen), np.float32)

    assert probe_vectors(encode).shape == (16, 3)
    assert seen == [(probe, "query" if i < 8 else "document") for i, probe in enumerate(PROBES)]


def test_cut_probes_warn_nobody():
    def encode(items, *, role):
        note(len(items), n=len(items), limit=1)
        return np.ones((len(items), 1), np.float32)

    probe_vectors(encode)  # pytest turns a warning into an error


def test_batch_size_is_checked():
    assert batch_limit(None, default=7) == 7
    assert batch_limit(2, default=7) == 2
    with pytest.raises(DataError, match="at least 1, got 0"):
        batch_limit(0, default=7)


def test_a_condition_is_refused():
    no_condition(None)
    with pytest.raises(DataError, match="takes no condition"):
        no_condition(["as a question"])
