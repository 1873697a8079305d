"""What an approximate index misses, measured: the share of the best that exact search finds and the index finds too.

Pitfalls: counting ids, so that an equally good answer counts as a miss where vectors are equal; asking for
stored vectors and counting that each finds itself; taking what holds for stored vectors for what holds for queries,
which lie elsewhere and are answered worse.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from cosimo.contracts import Index
from cosimo.types import Hits, Vectors

K = 10
SAMPLE = 200


@final
@dataclass(frozen=True)
class Recall:
    """Recall@10 over `n` queries: their mean, and the lowest of any of them."""

    mean: float
    lowest: float
    n: int


def recall_of(index: Index, exact: Index, Q: Vectors) -> Recall:
    """How much of what the exact index finds for queries (n, d) the other one finds."""
    return _shares(index.search(Q, K), exact.search(Q, K))


def recall_of_stored(index: Index, exact: Index, X: Vectors, *, seed: int = 0) -> Recall:
    """The same for a sample of the stored vectors X (m, d), whose ids are 0..m-1, none of which may find itself."""
    from cosimo._random import generator  # numpy's random part, which searching does without

    own = np.sort(generator(seed).permutation(len(X))[:SAMPLE]) if len(X) > 1 else np.empty(0, np.int64)
    found, best = (_without(side.search(X[own], K + 1), own) for side in (index, exact))
    return _shares(found, best)


def _without(hits: Hits, own: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Hits:
    """Hits in which row i is without the id `own[i]`, or without its last where that was not found."""
    last = np.broadcast_to(np.arange(hits.rows.shape[1]) == hits.rows.shape[1] - 1, hits.rows.shape)
    dropped = hits.rows == own[:, None]
    dropped |= last & ~dropped.any(axis=1, keepdims=True)
    kept = len(hits), max(hits.rows.shape[1] - 1, 0)
    return Hits(hits.rows[~dropped].reshape(kept), hits.scores[~dropped].reshape(kept), hits.scale)


def _shares(found: Hits, best: Hits) -> Recall:
    """What was found counts when it is as near as the last of the best."""
    n, k = best.rows.shape
    if not n or not k:
        return Recall(1.0, 1.0, 0)
    shares = (found.scores[:, :k] >= best.scores[:, -1:]).sum(axis=1) / k
    return Recall(float(shares.mean()), float(shares.min()), n)
