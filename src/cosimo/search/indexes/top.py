"""The best k of many scores, exactly: equal scores are ordered by id, also where k cuts through them.

`argpartition` alone keeps an arbitrary choice of the scores that tie at the cut. So the k-th best score is found
first, everything not below it is kept, and only that little is sorted, by score and then by id.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cosimo.errors import DataError, Refused
from cosimo.types import Floats, Hits, PerItem, Rows, Scores


def check_k(k: int | None) -> None:
    """Refuse to look for fewer than one."""
    if k is not None and k < 1:
        raise DataError(f"k must be at least 1, got {k}")


def top_k(S: Scores, ids: Rows, k: int) -> tuple[Rows, Scores]:
    """The k best ids (n, k) of each row of S (n, m), and their scores; ties by ascending id.

    Fewer columns when m < k.

    >>> rows, scores = top_k(np.array([[0.5, -1.0, 0.5]]), np.array([9, 8, 7]), k=2)
    >>> rows, scores
    (array([[7, 9]]), array([[0.5, 0.5]]))

    Raises
    ------
    DataError
        k < 1.
    """
    check_k(k)
    k = min(k, S.shape[1])
    query, column = np.nonzero(kth_best(S, k)[:, None] <= S)
    return ranked(query, ids[column], S[query, column], len(S), k)


def kth_best(S: Scores, k: int) -> PerItem:
    """(n,) the k-th best score of each row of S (n, m); -inf where m < k."""
    n, m = S.shape
    if m < k:
        return np.full(n, -np.inf, S.dtype)
    best: PerItem = np.partition(S, m - k, axis=1)[:, m - k] if k else np.full(n, np.inf, S.dtype)
    return best


def ranked(query: Rows, ids: Rows, scores: PerItem, n: int, k: int | None = None) -> tuple[Rows, Scores]:
    """Scored pairs in any order as sorted answers to n queries, at most k each, ties by id, padded -1 and -inf.

    query, ids, scores
        (p,) each: which query, which key, how close.
    """
    order = np.lexsort((ids, -scores, query))
    query = query[order]
    place = np.arange(len(query)) - np.searchsorted(query, np.arange(n))[query]
    kept = place < (len(query) if k is None else k)
    cells = query[kept], place[kept]
    width = int(cells[1].max(initial=-1)) + 1
    rows = np.full((n, width), -1, np.int64)
    best = np.full((n, width), -np.inf, scores.dtype)
    rows[cells], best[cells] = ids[order][kept], scores[order][kept]
    return rows, best


def stacked(answers: Sequence[tuple[Rows, Scores]]) -> tuple[Rows, Scores]:
    """Answers to some queries after the other, padded to the longest."""
    width = max(rows.shape[1] for rows, _ in answers)
    n = sum(len(rows) for rows, _ in answers)
    rows = np.full((n, width), -1, np.int64)
    scores = np.full((n, width), -np.inf, answers[0][1].dtype)
    start = 0
    for found, close in answers:
        block = slice(start, start + len(found)), slice(found.shape[1])
        rows[block], scores[block] = found, close
        start += len(found)
    return rows, scores


def merge(a: Hits, b: Hits, k: int | None) -> Hits:
    """The k best of two answers to the same queries, from disjoint sets of keys; all of both when k is None.

    >>> old = Hits(np.array([[3, 1]]), np.array([[0.9, -0.2]]), "cosine")
    >>> new = Hits(np.array([[7]]), np.array([[0.4]]), "cosine")
    >>> merge(old, new, k=2).rows
    array([[3, 7]])

    Raises
    ------
    Refused
        The scores are on different scales.
    DataError
        The answers are to different numbers of queries, or k < 1.
    """
    check_k(k)
    if a.scale != b.scale:
        raise Refused(
            f'scores on the scale "{a.scale}" cannot be ranked among scores on "{b.scale}"; fuse ranks instead'
        )
    if len(a) != len(b):
        raise DataError(f"answers to {len(a)} queries cannot be merged with answers to {len(b)}")
    rows, scores = np.hstack([a.rows, b.rows]), np.hstack([a.scores, b.scores])
    query, column = np.nonzero(rows >= 0)
    best = ranked(query, rows[query, column], scores[query, column], len(a), k)
    return Hits(*best, a.scale, items={**a.items, **b.items})


@final
class Running:
    """The k best keys of each of n queries so far, while more are offered.

    k
        None keeps all that reach the floor.
    floor
        Lowest score worth keeping.

    >>> best = Running(n=1, k=1)
    >>> best.offer(np.array([0, 0]), np.array([4, 2]), np.array([-0.5, -0.5]))
    >>> best.result()[0], best.bar
    (array([[2]]), array([-0.5]))
    """

    def __init__(self, n: int, k: int | None, *, floor: float | None = None, dtype: DTypeLike = np.float64) -> None:
        self.n = n
        self.k = k
        self.bar: Floats = np.full(n, -np.inf if floor is None else floor, dtype)
        """(n,) a key that scores lower can no longer matter."""
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._waiting = 0

    def offer(self, query: Rows, ids: Rows, scores: PerItem) -> None:
        """Take in scored pairs (p,); those below the bar are dropped."""
        kept = (scores >= self.bar[query]) & (scores > -np.inf)
        self._parts.append((query[kept], ids[kept], scores[kept].astype(self.bar.dtype, copy=False)))
        self._waiting += int(kept.sum())
        # Sorting lifts the bar and costs about as much for few pairs as for many, so it waits for some.
        if self.k is not None and 4 * self._waiting >= self.n * self.k:
            self.result()

    def result(self) -> tuple[Rows, Scores]:
        """The answers (n, width) so far; raises the bar to the k-th best."""
        none = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, self.bar.dtype)
        query, ids, scores = (np.concatenate(column) for column in zip(none, *self._parts, strict=True))
        rows, best = ranked(query, ids, scores, self.n, self.k)
        if rows.shape[1] == self.k:
            self.bar = np.maximum(self.bar, best[:, -1])
        cells = np.nonzero(rows >= 0)
        self._parts, self._waiting = [(cells[0], rows[cells], best[cells])], 0
        return rows, best
