"""Scores of pairs, each text encoded once, and which pairs depend on each other."""

from collections.abc import Sequence

import numpy as np

from cosimo.encode.items import distinct
from cosimo.space import Space
from cosimo.types import PerItem, Rows

LARGEST = 1 / 20
"""Share of all pairs that one cluster of them may hold."""


def score_pairs(space: Space, a: Sequence[str], b: Sequence[str], *, progress: bool = False) -> PerItem:
    """(n,) float64 scores of text i of `a` with text i of `b`."""
    texts, rows = distinct([*a, *b])
    X = space.encode(texts, progress=progress)
    return space.similarity_pairwise(X[rows[: len(a)]], X[rows[len(a) :]]).astype(np.float64)


def shared_items(a: Sequence[str], b: Sequence[str]) -> Rows | None:
    """What makes pairs depend on each other, None where no item is in two pairs.

    Pairs that hang together by shared items are one cluster, (n,) numbers; where that would put more than a twentieth
    of all pairs into one, the two items of each pair, (n, 2) numbers, are left out one at a time instead.

    >>> shared_items(["x", "y"], ["z", "w"]) is None
    True
    >>> shared_items(["x", "x"], ["z", "w"])
    array([[0, 1],
           [0, 2]])
    >>> shared_items([f"question {i // 2}" for i in range(80)], [f"answer {i}" for i in range(80)])[:4]
    array([0, 0, 1, 1])
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes = numbered([item for pair in zip(a, b, strict=True) for item in pair]).reshape(-1, 2)
    count = int(codes.max(initial=-1)) + 1
    same = int((codes[:, 0] == codes[:, 1]).sum())  # a text beside itself is in one pair
    if count == codes.size - same:
        return None
    edges = coo_array((np.ones(len(codes)), tuple(codes.T)), shape=(count, count))
    _, parts = connected_components(edges, directed=False)
    of_pair: Rows = parts[codes[:, 0]].astype(np.int64)
    return of_pair if np.bincount(of_pair).max() <= LARGEST * len(codes) else codes


def first_items(a: Sequence[str]) -> Rows | None:
    """(n,) numbers of the first items of pairs, None where each is in one pair only.

    >>> first_items(["x", "y", "x"]), first_items(["x", "y"])
    (array([0, 1, 0]), None)
    """
    codes = numbered(a)
    return codes if codes.max(initial=-1) + 1 < len(codes) else None


def numbered(items: Sequence[str]) -> Rows:
    """(n,) a number for each item, the same for equal ones, in the order they come.

    >>> numbered(["x", "y", "x"])
    array([0, 1, 0])
    """
    return distinct(items)[1]
