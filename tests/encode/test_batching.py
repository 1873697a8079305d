import numpy as np
import pytest

from cosimo.encode.texts.batching import LONGEST_PREFIX, padded, token_batches, token_ids
from encode.tiny_bert import tiny_tokenizer


def reader(limit):
    tokenizer = tiny_tokenizer()
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    return tokenizer


@pytest.mark.parametrize("budget", [1, 7, 50, 10_000])
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_batches_hold_every_text_once_within_their_bounds(budget, limit):
    lengths = np.random.default_rng(0).integers(1, 20, size=101)
    batches = list(token_batches(lengths.tolist(), budget=budget, limit=limit))
    assert sorted(np.concatenate(batches).tolist()) == list(range(101))
    for batch in batches:
        assert len(batch) <= limit
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


def test_no_text_no_batch():
    assert list(token_batches([], budget=10, limit=10)) == []


def test_padding_goes_behind():
    ids, mask = padded([np.array([5], np.int32), np.array([6, 7, 8], np.int32)], pad=9)
    np.testing.assert_array_equal(ids, [[5, 9, 9], [6, 7, 8]])
    np.testing.assert_array_equal(mask, [[True, False, False], [True, True, True]])


def naive(text, limit):
    """Everything tokenised, then cut before the closing token."""
    whole = reader(10**9).encode(text).ids
    return whole if len(whole) <= limit else [*whole[: limit - 1], whole[-1]], len(whole) > limit


@pytest.mark.parametrize("limit", [3, 16, 300])
def test_equals_tokenising_everything(limit):
    rng = np.random.default_rng(2)
    words = ["the", "cat", "guitars", "?", "  ", "\n", "xyz" * 10, "q" * 150, "🙂", "م", ""]
    sizes = [0, 1, 5, limit - 3, limit - 2, limit - 1, limit, 400, 5000, 20_000]
    texts = [" ".join(rng.choice(words, size=size)) for size in sizes]
    texts += [" " * 30_000 + "the cat", "the " + " " * 30_000 + "cat", "y" * 50_000]
    rows, cut = token_ids(reader(limit), texts, limit=limit)
    for text, row, lost in zip(texts, rows, cut, strict=True):
        ids, longer = naive(text, limit)
        assert row.tolist() == ids
        assert lost == longer


def test_a_text_that_never_fills_the_window_is_cut_and_counted():
    rows, cut = token_ids(reader(8), [" " * LONGEST_PREFIX + "the", " " * 100], limit=8)
    assert [len(row) for row in rows] == [2, 2]
    assert cut.tolist() == [True, False]
