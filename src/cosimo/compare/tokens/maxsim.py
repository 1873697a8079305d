r"""MaxSim: late interaction, where every token of the query looks for its best token of the key.

$$ s(q, k) = \sum_{i} \max_{j} \langle q_i, k_j \rangle $$

Symbols: q_i -> a token vector of an item of `Q`, k_j -> a token vector of an item of `K`. Tokens are compared by dot
product: give unit vectors, as ColBERT does, for their cosine.

Pitfalls: padding. A zero vector behind a short key has inner product 0 and beats real tokens whose products are
negative; here items are ragged and there is no padding. The sum grows with the query's length, so scores of queries of
different lengths are not on one footing, and q and k cannot be exchanged.

An item without tokens: as a key it matches nothing, not even badly (-inf); as a query it asks for nothing (0).

Reference: ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT (2020),
https://arxiv.org/abs/2004.12832
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar, final

import numpy as np

from cosimo.compare import blocks
from cosimo.compare.blocks import both_sides, paired
from cosimo.contracts import SimilarityTags
from cosimo.errors import DataError
from cosimo.types import PerItem, Scores, Tokens


def late_interaction(Q: Tokens, K: Tokens) -> Scores:
    """(n, m) sums over the tokens of n queries of the largest product with a token of each of m keys.

    >>> q = Tokens(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 2]))
    >>> k = Tokens(np.array([[-1.0, -2.0], [-3.0, -1.0], [2.0, 2.0]]), np.array([0, 2, 3]))
    >>> late_interaction(q, k)
    array([[-2.,  4.]])
    """
    S: Scores = np.zeros((len(Q), len(K)), np.result_type(Q.values, K.values))
    asking, answering = Q.lengths > 0, K.lengths > 0
    S[np.ix_(asking, ~answering)] = -np.inf
    if asking.any() and answering.any():
        # Items without tokens take no values, so the starts of the others cut the values without gaps.
        best = np.maximum.reduceat(Q.values @ K.values.T, K.offsets[:-1][answering], axis=1)
        S[np.ix_(asking, answering)] = np.add.reduceat(best, Q.offsets[:-1][asking], axis=0)
    return S


@final
@dataclass(frozen=True)
class MaxSim:
    """Late interaction of the token vectors of n queries and m keys.

    Beside the answer, memory is a tile of token products that holds at least one query and one key.

    >>> texts = Tokens.stack([np.array([[-1.0, 0.0]]), np.array([[0.6, 0.8], [0.0, 1.0]])])
    >>> MaxSim()(texts, texts)
    array([[ 1. ,  0. ],
           [-0.6,  2. ]])
    """

    scale: ClassVar[str] = "maxsim"
    tags: ClassVar[SimilarityTags] = SimilarityTags(symmetric=False, self_best=False, takes="tokens")

    def __call__(self, Q: Tokens, K: Tokens) -> Scores:
        """(n, m) sums of best products; `ShapeError` when the sides are not of the same space."""
        Q, K = _checked(Q, K)
        S: Scores = np.empty((len(Q), len(K)), np.result_type(Q.values, K.values))
        for rows in _tiles(Q):
            for columns in _tiles(K):
                S[rows, columns] = late_interaction(_items(Q, rows), _items(K, columns))
        return S

    def pairs(self, Q: Tokens, K: Tokens) -> PerItem:
        """(n,) sum of best products of item i and item i; `ShapeError` when the sides differ in length."""
        Q, K = _checked(Q, K)
        paired(len(Q), len(K))
        s: PerItem = np.empty(len(Q), np.result_type(Q.values, K.values))
        for i in range(len(Q)):
            one = slice(i, i + 1)
            s[i] = late_interaction(_items(Q, one), _items(K, one))[0, 0]
        return s


def _checked(Q: Tokens, K: Tokens) -> tuple[Tokens, Tokens]:
    for name, side in (("queries", Q), ("keys", K)):
        if not isinstance(side, Tokens):
            raise DataError(f"maxsim compares Tokens, got {name} of type {type(side).__name__}")
    q, k = both_sides(Q.values, K.values)
    return Tokens(q, Q.offsets), Tokens(k, K.offsets)


def _tiles(T: Tokens) -> Iterator[slice]:
    start = 0
    while start < len(T):
        end = T.offsets[start] + isqrt(blocks.BUDGET)
        stop = max(start + 1, int(np.searchsorted(T.offsets, end, side="right")) - 1)
        yield slice(start, stop)
        start = stop


def _items(T: Tokens, rows: slice) -> Tokens:
    bounds = T.offsets[rows.start : rows.stop + 1]
    return Tokens(T.values[bounds[0] : bounds[-1]], bounds - bounds[0])
