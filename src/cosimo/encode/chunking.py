r"""Long texts as overlapping passages of whole sentences, counted in the tokens that the encoder reads.

Passage $j$ holds the tokens from $a_j$ up to $b_j$:

$$a_0 = 0, \qquad b_j = \mathrm{best}\,(a_j + \tfrac{s}{2},\; a_j + s], \qquad
a_{j+1} = \mathrm{best}\,[b_j - o,\; b_j - \tfrac{o}{2}]$$

$s$ -> `size`, $o$ -> `overlap`, best -> the place in a range where a sentence begins, else a line, else a word, else
any token; of several such places the one that makes the passage longer. The last passage ends with the text.

Pitfalls: counting words or characters where the encoder counts tokens, so that passages are cut a second time
and nobody notices; no overlap, so that a thought on the border is found by neither side; blanks and marks between
passages that belong to none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cosimo.contracts import Encoder
from cosimo.errors import DataError
from cosimo.types import Rows

SIZE, OVERLAP = 200, 40

SENTENCE = re.compile(r"""(?<=[.!?…؟।])["'”’»)\]]{0,3}(?=\s)|(?<=[。！？])[”’」』）]{0,3}|\n[^\S\n]*+(?=\n)""")
LINE = re.compile(r"\n")
BLANK = re.compile(r"\s+")
WORD = re.compile(r"\w{1,24}|[^\w\s]")
"""A word; a longer run of letters counts as several, as it does for a tokenizer."""

ABBREVIATIONS = (
    " mr mrs ms dr prof st jr sr vs cf e.g i.e al fig figs eq eqs no nos vol pp sec ch ref refs approx ca ed eds inc "
    "ltd co corp u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec bzw z.b d.h nr "
)
"""Words whose full stop does not end a sentence; neither does that of a single letter."""


@runtime_checkable
class Tokenising(Protocol):
    """An encoder that says how it reads a text."""

    @property
    def window(self) -> int | None:
        """Tokens of a document that are read, special tokens and prompt aside; None for all."""

    def token_spans(self, text: str) -> Rows:
        """(t, 2) characters each token stands for, in order."""


def chunk(text: str, *, size: int = SIZE, overlap: int = OVERLAP, tokens: Rows | None = None) -> Rows:
    """(p, 2) where each passage of `text` starts and stops, in characters.

    Together the passages are the whole text, in order. One holds at most `size` tokens (a single character of more
    tokens stays whole) and repeats about the last `overlap` of the one before. A text of up to `size` tokens is one
    passage, the empty text too.

    tokens
        (t, 2) characters of each token, as `token_spans` of an encoder gives them; words and marks when left out.

    Raises
    ------
    DataError
        For a size below 1, and an overlap that is negative or more than half the size.

    >>> text = "It was -3 degrees. We stayed in. Then it snowed."
    >>> [text[start:stop] for start, stop in chunk(text, size=10, overlap=4)]
    ['It was -3 degrees. We stayed in. ', 'We stayed in. Then it snowed.']
    """
    _check(size, overlap)
    spans = word_spans(text) if tokens is None else tokens
    if len(spans) <= size:
        return np.array([[0, len(text)]], np.int64)
    places = np.maximum.accumulate(spans[:, 0])
    ranks = _ranks(text, places, np.maximum.accumulate(spans[:, 1]))
    cuts: list[tuple[int, int]] = []
    start = 0
    while len(spans) - start > size:
        stop = _last_best(ranks, start + size // 2 + 1, start + size)
        if stop == len(spans):
            break
        cuts.append((start, stop))
        again = _first_best(ranks, stop - overlap, stop - (overlap + 1) // 2)
        start = stop if ranks[again] < 0 else again
    cuts.append((start, len(spans)))
    borders = np.append(places, len(text))
    borders[0] = 0
    return borders.take(np.array(cuts))


def word_spans(text: str) -> Rows:
    """(t, 2) characters of the words and marks of a text: tokens where no tokenizer is known.

    >>> word_spans("-1 °C!").tolist()
    [[0, 1], [1, 2], [3, 4], [4, 5], [5, 6]]
    """
    flat = np.fromiter((place for match in WORD.finditer(text) for place in match.span()), np.int64)
    return flat.reshape(-1, 2)


def sentence_ends(text: str) -> Iterator[int]:
    """Places behind the sentences and paragraphs of a text; rough, as a wrong one only moves a border.

    >>> text = "Dr. No said: 3.14! Really?"
    >>> text[: next(sentence_ends(text + " "))]
    'Dr. No said: 3.14!'
    """
    for match in SENTENCE.finditer(text):
        at = match.start()
        if at and text[at - 1] == ".":
            word = re.split(r"[\s(\[]", text[max(0, at - 12) : at - 1].lower())[-1]
            if f" {word} " in ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
                continue
        yield match.end()


@final
@dataclass(frozen=True)
class Chunking:
    """How long texts are split: passages of up to `size` tokens, each repeating about `overlap` of the one before.

    Raises
    ------
    DataError
        For a size below 1, and an overlap that is negative or more than half the size.

    >>> Chunking.parse("200/40")
    Chunking(size=200, overlap=40)
    >>> str(Chunking(100, 0))
    '100/0'
    """

    size: int = SIZE
    overlap: int = OVERLAP

    def __post_init__(self) -> None:
        _check(self.size, self.overlap)

    @classmethod
    def parse(cls, text: str) -> "Chunking":
        """What `size/overlap` says, such as `200/40`.

        Raises
        ------
        DataError
            For anything else.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if not found:
            raise DataError(f'chunks are written size/overlap in tokens, such as "200/40"; got {text!r}')
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def fitting(cls, text: str, encoder: Encoder) -> "Chunking":
        """What `size/overlap` says, unless `encoder` would cut such passages again.

        Raises
        ------
        DataError
            The text says something else, or a size that is more than the encoder's window.
        """
        chunking = cls.parse(text)
        window = encoder.window if isinstance(encoder, Tokenising) else None
        if window is not None and chunking.size > window:
            raise DataError(
                f'chunks of {chunking.size} tokens are longer than what "{encoder.passport.name}" reads, {window} '
                f"tokens besides its own; choose a size of at most {window}"
            )
        return chunking

    def __str__(self) -> str:
        return f"{self.size}/{self.overlap}"

    def spans(self, text: str, encoder: Encoder) -> Rows:
        """(p, 2) passages of `text` in characters, counted in the encoder's tokens, or in words if it has none."""
        tokens = encoder.token_spans(text) if isinstance(encoder, Tokenising) else None
        return chunk(text, size=self.size, overlap=self.overlap, tokens=tokens)


def _check(size: int, overlap: int) -> None:
    if size < 1:
        raise DataError(f"a chunk has at least 1 token, got a size of {size}; {SIZE} is usual")
    if not 0 <= overlap <= size // 2:
        raise DataError(f"chunks of {size} tokens can overlap by 0 to {size // 2}, half the size, got {overlap}")


def _ranks(text: str, places: Rows, stops: Rows) -> NDArray[np.int8]:
    """(t,) how good it is to begin a passage with each token, from 3 for a sentence; -1 inside a character."""
    ranks = np.zeros(len(places), np.int8)
    for rank, found in ((1, _begins(BLANK, text)), (2, _begins(LINE, text)), (3, sentence_ends(text))):
        first = np.searchsorted(places, np.fromiter(found, np.int64))
        ranks[first[first < len(ranks)]] = rank
    inside = (places[1:] < stops[:-1]) | (places[1:] == places[:-1])
    ranks[1:][inside] = -1
    return ranks


def _begins(pattern: re.Pattern[str], text: str) -> Iterable[int]:
    return (match.start() for match in pattern.finditer(text))


def _last_best(ranks: NDArray[np.int8], low: int, high: int) -> int:
    """The last of the best places from `low` to `high`, or the first behind them that is not inside a character."""
    best = high - int(np.argmax(ranks[low : high + 1][::-1]))
    while best < len(ranks) and ranks[best] < 0:
        best += 1
    return best


def _first_best(ranks: NDArray[np.int8], low: int, high: int) -> int:
    """The first of the best places from `low` to `high`."""
    return low + int(np.argmax(ranks[low : high + 1]))
