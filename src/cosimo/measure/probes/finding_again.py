r"""Finding an item again from a faulty or shortened text of its own: a job that needs no labels.

Each of m texts made from known items is scored against n items; where the right one comes:

    RR = mean over the orders of ties of 1 / rank,      hit = mean over them of [rank = 1]

Items that say the same as the right one are as right as it is.

It says how well the space tells its items apart, and no more: a text that shares words with its own item is an easier
question than people ask, and a space may be good at one and poor at the other.

Symbols: S -> `S` (m, n).
Pitfalls: ties counted in one's favour, so that a space in which all vectors are equal finds everything.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosimo.apply.jobs.duplicates import plain
from cosimo.measure.tasks.places import Hits, ReciprocalRank
from cosimo.types import PerItem, Rows, Scores


def same_texts(texts: Sequence[str]) -> Rows:
    """(n,) a number for each text that it shares with those that say the same but for case and white space.

    >>> same_texts(["A cat", "a  cat", "a dog"])
    array([0, 0, 2])
    """
    first: dict[str, int] = {}
    return np.array([first.setdefault(plain(text), row) for row, text in enumerate(texts)], np.int64)


def reciprocal_ranks(S: Scores, right: NDArray[np.bool_]) -> PerItem:
    """(m,) reciprocal rank of the best right item of each row of S (m, n), the mean over the orders of ties.

    >>> S = np.array([[0.9, 0.1, -0.3], [0.5, 0.5, 0.5]])
    >>> reciprocal_ranks(S, np.eye(3, dtype=bool)[[1, 0]])
    array([0.5  , 0.611])
    """
    return ReciprocalRank(S.shape[1])(right, _before(S, right))


def hits(S: Scores, right: NDArray[np.bool_]) -> PerItem:
    """(m,) chance that a right item comes first in each row of S (m, n), over the orders of ties.

    >>> hits(np.array([[0.9, 0.1, -0.3], [0.5, 0.5, 0.5]]), np.eye(3, dtype=bool)[:2])
    array([1.   , 0.333])
    """
    return Hits(1, S.shape[1])(right, _before(S, right))


def _before(S: Scores, right: NDArray[np.bool_]) -> Rows:
    """(m, 2) wrong items above the best right one, and wrong ones that tie with it."""
    best = np.where(right, S, -np.inf).max(axis=1)[:, None]
    return np.stack([(~right & (best < S)).sum(axis=1), (~right & (best == S)).sum(axis=1)], axis=1)
