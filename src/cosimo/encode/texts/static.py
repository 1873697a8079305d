r"""Static token vectors: a text is the mean of the vectors of its tokens, so encoding is a table look-up.

$$x = \frac{1}{|T|} \sum_{t \in T} E_t$$

$T$ tokens of the text without unknown ones, $E$ -> `table`, one row a token. Weights of tokens (frequency, SIF) are
part of the rows.

Pitfalls: dividing by all tokens instead of those that have a vector; averaging the padding of a batch in;
summing a half-precision table in half precision.

Reference: model2vec, https://github.com/MinishLab/model2vec
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tokenizers import Tokenizer

from cosimo._arrays import as_vectors, unit
from cosimo._progress import bar
from cosimo.encode.items import batch_limit, check_texts, distinct, kept_dimensions, no_condition, probe_vectors
from cosimo.encode.texts.static_folder import read_folder, write_folder
from cosimo.encode.texts.token_spans import token_spans
from cosimo.encode.texts.workers import ahead
from cosimo.encode.truncation import note
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError, ShapeError
from cosimo.passport import Passport, fingerprint
from cosimo.types import Role, Rows, Vectors

BATCH = 1024
CHARACTERS = 1_000_000
"""Characters a batch may hold, so that memory does not grow with the length of texts."""

Tokenised: TypeAlias = tuple[list[list[int]], NDArray[np.bool_]]


@final
class StaticEncoder(Sides):
    """Encodes texts hundreds of times faster than a transformer, by averaging the vectors of their tokens.

    A text without any known token becomes the zero vector.

    table
        (V, d) one vector a token id.
    tokenizer_json
        The text of a `tokenizer.json`.
    normalize
        Whether vectors are divided by their length.
    max_length
        Tokens of a text that are read, `None` for all. As in model2vec, a text is first cut to `max_length` times
        the median length of a token in characters.
    truncate_dim
        Dimensions that are kept of each vector, all when left out.
    name
        What people call it.

    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"good": 0, "bad": 1, "?": 2}, unk_token="?"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> encoder = StaticEncoder([[1, 1], [-1, 3], [9, 9]], words.to_str())
    >>> encoder.encode(["bad", "good bad", "unheard of"])
    array([[-1., 3.],
           [ 0., 2.],
           [ 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        table: ArrayLike,
        tokenizer_json: str,
        *,
        normalize: bool = False,
        max_length: int | None = 512,
        truncate_dim: int | None = None,
        name: str = "static",
    ) -> None:
        self.table = as_vectors(table, name="table").astype(np.float32, copy=False)
        self._rows = np.ascontiguousarray(self.table[:, : kept_dimensions(self.table.shape[1], truncate_dim)])
        self.tokenizer_json = tokenizer_json
        self.normalize = normalize
        self.max_length = max_length
        self.truncate_dim = truncate_dim
        self.name = name
        self._tokenizer, self._unknown = _read_tokenizer(tokenizer_json)
        vocabulary = self._tokenizer.get_vocab()
        if max(vocabulary.values(), default=-1) >= len(self.table):
            raise ShapeError(
                f"the tokenizer knows ids up to {max(vocabulary.values())} and the table has {len(self.table)} rows; "
                "table and tokenizer must come from the same model"
            )
        if max_length is not None and max_length < 1:
            raise DataError(f"max_length must be at least 1, got {max_length}; None reads all tokens")
        self._token_length = int(np.median([len(token) for token in vocabulary]))

    @classmethod
    def from_folder(
        cls, path: str | Path, *, name: str | None = None, truncate_dim: int | None = None
    ) -> "StaticEncoder":
        """An encoder from a folder written by `save` or by model2vec.

        name
            The folder's own name when left out.

        Raises
        ------
        DataError
            When files are missing or do not fit together.
        """
        return read_folder(path, partial(cls, name=name or Path(path).resolve().name, truncate_dim=truncate_dim))

    def save(self, path: str | Path) -> None:
        """Write a folder that `from_folder`, model2vec and sentence-transformers read."""
        settings = {"hidden_dim": self.dim, "normalize": self.normalize, "max_length": self.max_length}
        write_folder(path, self._rows, self.tokenizer_json, settings)

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return int(self._rows.shape[1])

    @cached_property
    def passport(self) -> Passport:
        """Hashes of table and tokenizer, pooling, and probe vectors."""
        tokenizer = json.loads(self.tokenizer_json)
        facts = {
            "table": hashlib.sha256(self.table.astype("<f4", order="C", copy=False).data).hexdigest(),
            "tokenizer": fingerprint({part: tokenizer[part] for part in tokenizer if part not in UNUSED}),
            "pooling": "mean of known tokens",
            "normalize": self.normalize,
            "max_length": self.max_length,
            "truncate_dim": self.truncate_dim,
        }
        return Passport("static", self.name, self.dim, facts, probe=partial(probe_vectors, self.encode))

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row a text, in the order given; both roles are encoded alike.

        batch_size
            Texts tokenised together; speed only.
        """
        no_condition(given)
        texts = check_texts(items)
        unique, rows = distinct(texts)
        X = np.zeros((len(unique), self.dim), np.float32)
        cut = np.zeros(len(unique), np.bool_)
        blocks = _blocks(unique, batch_limit(batch_size, default=BATCH))
        done = 0
        with bar(progress, len(unique), "encoding") as advance:
            for ids, was_cut in ahead(self._tokenize, blocks):
                part = slice(done, done + len(ids))
                X[part], cut[part] = self._mean(ids), was_cut
                done += len(ids)
                advance(len(ids))
        if self.normalize:
            X = unit(X)
        note(int(cut[rows].sum()), n=len(texts), limit=self.max_length or 0)
        return X if len(unique) == len(texts) else X[rows]

    @property
    def window(self) -> int | None:
        """Tokens of a text that are read, None for all."""
        return self.max_length

    def token_spans(self, text: str) -> Rows:
        """(t, 2) characters of each token of a text, as far as it goes."""
        return token_spans(self._tokenizer, text)

    def _tokenize(self, texts: list[str]) -> Tokenised:
        """Token ids of each text, and whether it was cut."""
        limit = self.max_length
        if limit is None:
            return self._ids(texts), np.zeros(len(texts), np.bool_)
        characters = limit * self._token_length
        ids = self._ids([text[:characters] for text in texts])
        cut = [len(text) > characters or len(row) > limit for text, row in zip(texts, ids, strict=True)]
        return [row[:limit] for row in ids] if any(cut) else ids, np.array(cut)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def _mean(self, ids: list[list[int]]) -> Vectors:
        """(n, d) mean of the rows of known ids; position by position, so that no (tokens, d) array is made."""
        offsets = np.cumsum([0, *map(len, ids)])
        flat = np.fromiter(chain.from_iterable(ids), np.int64, offsets[-1])
        if self._unknown is not None:
            known = flat != self._unknown
            offsets = np.concatenate(([0], np.cumsum(known)))[offsets]
            flat = flat[known]
        lengths = np.diff(offsets)
        order = np.argsort(-lengths, kind="stable")
        starts = offsets[order]
        sums = np.zeros((len(ids), self.dim), np.float64)
        # Longest first: the texts that still have a token at a position are the first few rows.
        positions = np.arange(lengths[order[0]])
        for p, alive in enumerate(np.searchsorted(-lengths[order], -positions)):
            # Every id has a row, so "clip" only spares numpy the check.
            sums[:alive] += self._rows.take(flat[starts[:alive] + p], axis=0, mode="clip")
        X = np.empty_like(self._rows, shape=sums.shape)
        X[order] = sums / np.maximum(lengths[order], 1)[:, None]
        return X


UNUSED = ("padding", "truncation", "post_processor", "decoder")
"""Parts of a tokenizer that do not change which tokens a text has here."""


def _read_tokenizer(tokenizer_json: str) -> tuple[Tokenizer, int | None]:
    """The tokenizer without padding and truncation, and the id of its unknown token."""
    try:
        tokenizer = Tokenizer.from_str(tokenizer_json)
    except Exception as error:  # the library raises a bare Exception
        raise DataError(f"this is not the text of a tokenizer.json: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = json.loads(tokenizer_json)["model"]
    token = model.get("unk_token")
    return tokenizer, model.get("unk_id") if token is None else tokenizer.token_to_id(token)


def _blocks(texts: list[str], size: int) -> Iterator[list[str]]:
    """Consecutive runs of at most `size` texts and, beyond the first text, `CHARACTERS` characters."""
    block: list[str] = []
    characters = 0
    for text in texts:
        if block and (len(block) == size or characters + len(text) > CHARACTERS):
            yield block
            block, characters = [], 0
        block.append(text)
        characters += len(text)
    if block:
        yield block
