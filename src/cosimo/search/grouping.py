"""From the best parts to the best items: an item of several vectors is as near as its nearest one, and is found once.

How many parts the best items take up is not known before they are seen, so a few more are asked for than items are
wanted, and more again for the queries that did not get enough.

Pitfalls: asking for k parts and returning the fewer than k items they belong to; asking for a fixed multiple,
which one long item fills alone.
"""

from collections.abc import Callable

import numpy as np

from cosimo.types import Hits, Rows, Vectors

MORE = 4
"""Parts asked for at first for each item wanted, and the factor by which a next round asks for more."""


def best_items(
    search: Callable[[Vectors, int], Hits], Q: Vectors, k: int, rows: Rows, *, width: int | None = None
) -> Hits:
    """The k best items of each query, ties by row, whatever number of parts they have.

    search
        `search(Q, w)` gives the w best positions in `rows`, ties by position, fewer where there are no more.
    rows
        (p,) the item each position belongs to, sorted.
    width
        Parts asked for in the first round.
    """
    k = min(k, len(rows))
    width = min(width or MORE * k, len(rows))
    parts = search(Q, width)
    best = best_per_row(Hits(np.where(parts.rows >= 0, rows[parts.rows], -1), parts.scores, parts.scale), k)
    if parts.rows.shape[1] < width or width == len(rows):
        return best
    short = np.flatnonzero((best.rows[:, -1] < 0) & (parts.rows[:, -1] >= 0))
    if short.size:
        again = best_items(search, Q[short], k, rows, width=MORE * width)
        best.rows[short], best.scores[short] = again.rows, again.scores
    return best


def best_per_row(hits: Hits, k: int) -> Hits:
    """Keep each row's best score only, then the k best rows; `hits` is sorted already.

    >>> several = Hits(np.array([[7, 7, 3]]), np.array([[0.9, 0.8, -0.1]]), "cosine")
    >>> best_per_row(several, 2).rows
    array([[7, 3]])
    """
    order = np.argsort(hits.rows, axis=1, kind="stable")
    ascending = np.take_along_axis(hits.rows, order, axis=1)
    first = np.ones(hits.rows.shape, np.bool_)
    np.put_along_axis(first, order[:, 1:], ascending[:, 1:] != ascending[:, :-1], axis=1)
    first &= hits.rows >= 0
    place = np.cumsum(first, axis=1) - 1
    query, column = np.nonzero(first & (place < k))
    cells = query, place[query, column]
    rows = np.full((len(hits), k), -1, np.int64)
    scores = np.full((len(hits), k), -np.inf, hits.scores.dtype)
    rows[cells], scores[cells] = hits.rows[query, column], hits.scores[query, column]
    return Hits(rows, scores, hits.scale)
