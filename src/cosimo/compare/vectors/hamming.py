r"""Hamming: how many bits of two binary codes differ, negative so that bigger is closer.

$$ s(q, k) = -\operatorname{popcount}(q \oplus k) $$

Symbols: q -> a row of `Q.bits`, k -> a row of `K.bits`.

Pitfalls: bits behind the last one of a code that does not fill its bytes. Only the first `n_bits` count, the
highest bit of a byte first, as `numpy.packbits` writes them.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from cosimo.compare.blocks import blockwise, rowwise
from cosimo.contracts import SimilarityTags
from cosimo.errors import DataError, ShapeError
from cosimo.types import Codes, PerItem, Scores

Words = NDArray[np.uint64]


def words(codes: Codes) -> Words:
    """(n, w) the bits that count in 64-bit words, the rest zero.

    >>> words(Codes(np.array([[0b10111111]], np.uint8), n_bits=2)).view(np.uint8)
    array([[128,   0,   0,   0,   0,   0,   0,   0]], dtype=uint8)
    """
    n_bytes = -(-codes.n_bits // 8)
    packed = np.zeros((len(codes), -(-codes.n_bits // 64)), np.uint64)
    by_byte = packed.view(np.uint8)
    by_byte[:, :n_bytes] = codes.bits[:, :n_bytes]
    if codes.n_bits % 8:
        by_byte[:, n_bytes - 1] &= 0xFF << (8 - codes.n_bits % 8) & 0xFF
    return packed


def differing_bits(q: Words, k: Words) -> NDArray[np.int64]:
    """Bits that differ, counted over the last axis of two arrays of words that broadcast."""
    counts: NDArray[np.int64] = np.bitwise_count(q ^ k).sum(axis=-1, dtype=np.int64)
    return counts


@final
@dataclass(frozen=True)
class Hamming:
    """Negative number of differing bits of codes of n queries and m keys, as float32.

    >>> q, k = Codes(np.packbits([[1, 0, 1]], axis=1), 3), Codes(np.packbits([[1, 0, 1], [0, 1, 1]], axis=1), 3)
    >>> Hamming()(q, k)
    array([[ 0., -2.]], dtype=float32)
    """

    scale: ClassVar[str] = "hamming"
    tags: ClassVar[SimilarityTags] = SimilarityTags(bounded=(None, 0), takes="codes")

    def __call__(self, Q: Codes, K: Codes) -> Scores:
        """(n, m) negative counts; refused when the codes differ in bits or scheme."""
        q, k = _comparable(Q, K)
        return blockwise(lambda q, k: -differing_bits(q[:, None], k), q, k, width=q.shape[1], dtype=np.float32)

    def pairs(self, Q: Codes, K: Codes) -> PerItem:
        """(n,) negative count of row i and row i; `ShapeError` when the sides differ in length."""
        q, k = _comparable(Q, K)
        return rowwise(lambda q, k: -differing_bits(q, k), q, k, dtype=np.float32)


def _comparable(Q: Codes, K: Codes) -> tuple[Words, Words]:
    for name, side in (("queries", Q), ("keys", K)):
        if not isinstance(side, Codes):
            raise DataError(f"hamming compares Codes, got {name} of type {type(side).__name__}")
    if Q.n_bits != K.n_bits:
        raise ShapeError(f"queries have {Q.n_bits} bits and keys {K.n_bits}; both must come from the same quantiser")
    if Q.scheme != K.scheme:
        raise DataError(f'queries are "{Q.scheme}" codes and keys "{K.scheme}"; quantise both sides the same way')
    return words(Q), words(K)
