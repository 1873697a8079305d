"""Texts to padded batches of token ids, within bounds of time and memory that no text can break.

A batch holds about as many tokens as fit in a processor's cache, however many texts those are; texts of like length
share one, so that little of it is padding. A text of megabytes is not tokenised to its end only to be cut: the
tokenizer reads a prefix, and a longer one only while the prefix does not fill the model's window with room to spare.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from cosimo.types import Rows

PREFIX = 16
"""Characters first read of a long text, for each token of the window; few texts have more than 8 a token."""
SHORTEST_PREFIX = 4096
LONGEST_PREFIX = 1_000_000
"""Characters after which the search for tokens ends, as in ten megabytes of spaces; the text then counts as cut."""
TOGETHER = 1024
"""Texts tokenised in one call."""


def token_ids(
    tokenizer: Tokenizer, texts: Sequence[str], *, limit: int, pad: int = 0
) -> tuple[list[NDArray[np.int32]], NDArray[np.bool_]]:
    """Ids of each text's first `limit` tokens, special tokens included, and (n,) whether it was cut.

    tokenizer
        Truncates to `limit` and does not pad.
    pad
        Stands for a text that has no token at all.

    >>> from tokenizers import models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"a": 5, "b": 6}, unk_token="a"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> words.enable_truncation(2)
    >>> token_ids(words, ["b", "a b b", ""], limit=2)
    ([array([6], dtype=int32), array([5, 6], dtype=int32), array([0], dtype=int32)], array([False,  True, False]))
    """
    characters = max(PREFIX * limit, SHORTEST_PREFIX)
    rows: list[NDArray[np.int32]] = []
    cut: list[bool] = []
    for start in range(0, len(texts), TOGETHER):
        block = texts[start : start + TOGETHER]
        encodings = tokenizer.encode_batch_fast([text[:characters] for text in block])
        for text, short in zip(block, encodings, strict=True):
            encoding, read = _longer(tokenizer, text, characters, short)
            rows.append(np.array(encoding.ids or [pad], np.int32))
            # Only a full row can have lost something, and asking for what overflowed makes copies.
            cut.append(read < len(text) or (len(encoding.ids) == limit and bool(encoding.overflowing)))
    return rows, np.array(cut, np.bool_)


def _longer(tokenizer: Tokenizer, text: str, read: int, encoding: Encoding) -> tuple[Encoding, int]:
    """The encoding of a prefix that fills the window twice, so that its end changes nothing in it, and its length."""
    while read < min(len(text), LONGEST_PREFIX) and len(encoding.overflowing) < 2:
        read = min(4 * read, LONGEST_PREFIX)
        encoding = tokenizer.encode(text[:read])
    return encoding, read


def token_batches(lengths: Sequence[int], *, budget: int, limit: int) -> Iterator[Rows]:
    """Rows that share a batch, longest texts first.

    lengths
        Tokens of each text.
    budget
        Tokens a batch may hold with its padding; a text longer than that is a batch of its own.
    limit
        Texts a batch may hold.

    >>> [batch.tolist() for batch in token_batches([2, 9, 3, 2], budget=6, limit=8)]
    [[1], [2, 0], [3]]
    """
    sizes = np.asarray(lengths, np.int64)
    order = np.argsort(-sizes, kind="stable")
    start = 0
    while start < len(order):
        n = max(1, min(limit, budget // max(1, int(sizes[order[start]]))))
        yield order[start : start + n]
        start += n


def padded(rows: Sequence[NDArray[np.int32]], *, pad: int = 0) -> tuple[Rows, NDArray[np.bool_]]:
    """(n, t) ids filled up with `pad` behind each row's end, and the mask, True where real.

    >>> padded([np.array([7, 8]), np.array([9])])
    (array([[7, 8], [9, 0]]), array([[ True,  True], [ True, False]]))
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad, np.int64)
    ids[mask] = np.concatenate(rows)
    return ids, mask
