"""Candidate pairs: each item with its k nearest, found exactly and block by block.

All pairs of n items are never held: a block of keys is indexed, every query asks it for its k best, and answers of
several blocks are merged. Memory is that of one block and of k answers a query; vectors may stay on disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from cosimo._progress import bar
from cosimo.contracts import Similarity
from cosimo.search import ExactIndex
from cosimo.search.indexes.top import check_k, merge
from cosimo.types import Hits, PerItem, Rows, Vectors

QUERIES = 4096
"""Queries answered at a time."""
ELEMENTS = 1 << 24
"""Elements of a block of keys: 64 MB in float32, and about four times as much while it is searched."""

Found: TypeAlias = tuple[Rows, Rows, PerItem]
"""(p,) rows of one side, (p,) rows of the other, and (p,) scores."""


@dataclass(frozen=True, eq=False)
class Side:
    """Vectors `X[at]`, which stand for the items called `rows`."""

    X: Vectors
    at: Rows
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self, size: int) -> Iterator[tuple[Rows, Vectors]]:
        """Names and vectors of `size` items at a time."""
        for start in range(0, len(self), size):
            block = slice(start, start + size)
            yield self.rows[block], np.asarray(self.X[self.at[block]])


def across(
    left: Side, right: Side, k: int, *, similarity: Similarity, floor: float | None = None, progress: bool = False
) -> Found:
    """The k nearest on the right of each item on the left, in order of the left and by score.

    floor
        Lowest score worth keeping.
    """
    answers = _nearest(left, right, k, similarity, floor, progress)
    return _flat([(rows, hits, hits.rows >= 0) for (rows, _), hits in zip(left.blocks(QUERIES), answers, strict=True)])


def among(side: Side, k: int, *, similarity: Similarity, floor: float | None = None, progress: bool = False) -> Found:
    """Each item with its k nearest others, every pair once and the lower row first, in order of rows.

    A pair is there if either is among the k nearest of the other.
    """
    check_k(k)
    answers = _nearest(side, side, k + 1, similarity, floor, progress)
    found = []
    for (rows, _), hits in zip(side.blocks(QUERIES), answers, strict=True):
        others = (hits.rows >= 0) & (hits.rows != rows[:, None])
        found.append((rows, hits, others & (np.cumsum(others, axis=1) <= k)))
    a, b, scores = _flat(found)
    a, b = np.minimum(a, b), np.maximum(a, b)
    _, first = np.unique(a * (int(b.max(initial=0)) + 1) + b, return_index=True)
    return a[first], b[first], scores[first]


def _nearest(
    left: Side, right: Side, k: int, similarity: Similarity, floor: float | None, progress: bool
) -> list[Hits]:
    """The answers to each block of the left."""
    check_k(k)
    size = max(ELEMENTS // max(right.X.shape[1], 1), 1)
    answers = [Hits.empty(len(rows), similarity.scale) for rows, _ in left.blocks(QUERIES)]
    with bar(progress, len(left) * -(-len(right) // size), "comparing") as advance:
        for keys, K in right.blocks(size):
            index = ExactIndex(similarity)
            index.add(K, keys)
            for place, (rows, Q) in enumerate(left.blocks(QUERIES)):
                answers[place] = merge(answers[place], index.search(Q, k, min_score=floor), k)
                advance(len(rows))
    return answers


def _flat(found: list[tuple[Rows, Hits, np.ndarray]]) -> Found:
    """Chosen cells of several answers as pairs."""
    a = [np.repeat(rows, chosen.sum(axis=1)) for rows, _, chosen in found]
    b = [hits.rows[chosen] for _, hits, chosen in found]
    scores = [hits.scores[chosen] for _, hits, chosen in found]
    none = np.empty(0, np.int64)
    return (
        np.concatenate([none, *a]),
        np.concatenate([none, *b]),
        np.concatenate(scores or [np.empty(0, np.float32)]),
    )
