"""Where the tokens of a text lie in it, for texts of any length.

A long text is tokenised in pieces that end at a blank, a few at a time, so that memory holds the places of its tokens
and not everything the tokenizer says about them.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from tokenizers import Tokenizer

from cosimo.types import Rows

PIECE = 50_000
"""Characters tokenised in one go; a run without a blank may be cut there."""
TOGETHER = 16
"""Pieces tokenised in one call."""


def token_spans(tokenizer: Tokenizer, text: str) -> Rows:
    """(t, 2) characters each token stands for, in order, without special tokens.

    tokenizer
        Neither truncates nor pads.

    >>> from tokenizers import models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> token_spans(words, " -1 is 🙂").tolist()
    [[1, 2], [2, 3], [4, 6], [7, 8]]
    """
    pieces = _pieces(text)
    found = [np.empty((0, 2), np.int64)]
    while block := list(islice(pieces, TOGETHER)):
        encodings = tokenizer.encode_batch([piece for _, piece in block], add_special_tokens=False)
        for (start, _), encoding in zip(block, encodings, strict=True):
            found.append(np.array(encoding.offsets, np.int64).reshape(-1, 2) + start)
    return np.concatenate(found)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Consecutive pieces of a text and where they start."""
    start = 0
    while start < len(text):
        stop = start + PIECE
        if stop < len(text):
            blank = max(text.rfind(" ", start, stop), text.rfind("\n", start, stop))
            stop = blank if blank > start else stop
        yield start, text[start:stop]
        start = stop
