r"""Vectors of words where they stand: the states of a word's own tokens, in the sentence around it.

$$x = \frac{1}{|T|} \sum_{t \in T} h_t$$

$T$ the tokens that share a character with the word, $h_t$ (d,) their states. An encoder without token states reads the
word alone, or the whole sentence, which is what tells how much the states add.

Pitfalls: a word's first token taken for the word; its first occurrence in the sentence for the one meant; places
counted without the special tokens before the text.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias, final

import numpy as np
from tokenizers import Tokenizer

from cosimo.contracts import Encoder
from cosimo.encode.items import check_items, no_condition
from cosimo.encode.words.occurrences import tokens_of
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.passport import PROBES, Passport
from cosimo.types import Role, Rows, Tokens, Vectors

Use: TypeAlias = tuple[str, int, int]
"""A text, and where the characters of a word in it start and stop."""

Part = Literal["tokens", "word", "text"]
PARTS = ("tokens", "word", "text")


@final
class SpanEncoder(Sides):
    """Encodes uses of words, `(text, start, stop)`, by an encoder of texts.

    encoder
        One with `encode_tokens`, `token_spans` and `tokenizer_json`, such as `OnnxEncoder`; any, where `part` is not
        `tokens`.
    part
        What is read of a use: the states of the word's `tokens` in the text, the `word` alone, or the whole `text`.
        None for `tokens` where the encoder has them, else `word`.
    layers
        Layers whose states are averaged, as in `encode_tokens`.

    Raises
    ------
    DataError
        Another `part`, or tokens of an encoder that has none.

    >>> from cosimo.encode import FunctionEncoder
    >>> lengths = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> uses = [("The river bank .", 10, 14), ("Bank !", 0, 4)]
    >>> SpanEncoder(lengths).encode(uses)
    array([[ 4., -1.],
           [ 4., -1.]], dtype=float32)
    >>> SpanEncoder(lengths, part="text").encode(uses)
    array([[16., -1.],
           [ 6., -1.]], dtype=float32)
    """

    def __init__(self, encoder: Encoder, *, part: Part | None = None, layers: Sequence[int] = (-1,)) -> None:
        self.encoder, self.part, self.layers = encoder, part, layers
        has_tokens = all(hasattr(encoder, name) for name in ("encode_tokens", "token_spans", "tokenizer_json"))
        self._part = part or ("tokens" if has_tokens else "word")
        if self._part not in PARTS:
            raise DataError(f"part is {', '.join(PARTS)}, or None, got {part!r}")
        if self._part == "tokens" and not has_tokens:
            raise DataError(f'{type(encoder).__name__} gives no token states; part="word" or part="text" needs none')

    @cached_property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        if self._part != "tokens":
            return self.encoder.dim
        return int(self._tokens(["a"], None, None, progress=False).values.shape[1])

    @cached_property
    def passport(self) -> Passport:
        """That of the encoder, and what is read."""
        made_by = self.encoder.passport
        layers = list(self.layers) if self._part == "tokens" else None
        facts = {"encoder": {"kind": made_by.kind, **made_by.facts}, "part": self._part, "layers": layers}
        uses = [(text, *tokens_of(text)[0]) for text in PROBES]
        return Passport("span", made_by.name, self.dim, facts, made_by.content, lambda: self.encode(uses))

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row a use, in the order given.

        Raises
        ------
        DataError
            An item that is no use, or whose word lies beyond what the encoder reads.
        """
        no_condition(given)
        uses = [_checked(i, use) for i, use in enumerate(check_items(items))]
        if self._part != "tokens":
            texts = [text if self._part == "text" else text[start:stop] for text, start, stop in uses]
            return self.encoder.encode(texts, role=role, batch_size=batch_size, progress=progress)
        texts = list(dict.fromkeys(text for text, _, _ in uses))
        states = self._tokens(texts, role, batch_size, progress=progress)
        of_text = {text: (self._own(T, text), T) for text, T in zip(texts, states, strict=True)}
        X = np.empty((len(uses), self.dim), np.float32)
        for i, (text, start, stop) in enumerate(uses):
            spans, T = of_text[text]
            inside = (spans[:, 0] < stop) & (start < spans[:, 1])
            if not inside.any():
                raise DataError(f"item {i}: {text[start:stop]!r} lies beyond what the encoder reads of its text")
            X[i] = T[self._specials[0] :][: len(spans)][inside].mean(axis=0)
        return X

    def _tokens(self, texts: list[str], role: Role | None, batch_size: int | None, *, progress: bool) -> Tokens:
        encoder: Any = self.encoder
        states: Tokens = encoder.encode_tokens(
            texts, role=role, layers=self.layers, batch_size=batch_size, progress=progress
        )
        return states

    def _own(self, T: Vectors, text: str) -> Rows:
        """(t, 2) characters of the tokens of a text that have states."""
        encoder: Any = self.encoder
        spans: Rows = encoder.token_spans(text)
        count = len(T) - sum(self._specials)
        if count > len(spans):
            raise DataError("the encoder puts a prompt before each text, so that its tokens cannot be told from others")
        return spans[:count]

    @cached_property
    def _specials(self) -> tuple[int, int]:
        """How many special tokens come before a text, and after it."""
        encoder: Any = self.encoder
        tokenizer = Tokenizer.from_str(encoder.tokenizer_json)
        tokenizer.no_padding()
        mask = tokenizer.encode("a").special_tokens_mask
        before = mask.index(0)
        return before, sum(mask) - before


def _checked(i: int, use: Any) -> Use:
    match use:
        case (str() as text, int() as start, int() as stop) if 0 <= start < stop <= len(text):
            return text, int(start), int(stop)
    raise DataError(f"item {i} is {str(use)[:60]!r}, wanted (text, start, stop), places of characters in the text")
