"""Exact search against faiss.IndexFlatIP on 2 threads: 100,000 keys of 384 dimensions, top 10.

The peer is FAISS in its best configuration here: inner products through BLAS, all threads, default blocks. Ids are
compared after sorting FAISS's answer by score and id, since FAISS leaves ties in any order.
"""

import faiss
import numpy as np
from pairs import ratio, report

from cosimo.search import ExactIndex

N, D, K, QUERIES, RANK = 100_000, 384, 10, 500, 48


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def corpora():
    """Pure noise, and vectors of low rank with repeated rows, as texts make them."""
    rng = np.random.default_rng(0)
    noise = unit(rng.standard_normal((N, D), dtype=np.float32))
    basis = (
        rng.standard_normal((RANK, D), dtype=np.float32) / np.sqrt(np.arange(1, RANK + 1, dtype=np.float32))[:, None]
    )
    low_rank = unit(rng.standard_normal((N, RANK), dtype=np.float32) @ basis)
    low_rank[-N // 10 :] = low_rank[: N // 10]
    return {"noise": noise, "low rank, 10 % repeated": low_rank}


def same_ids(hits, scores, ids):
    """Share of queries whose ids equal FAISS's, ties by id; a tie at the cut may hold any of the tied."""
    equal = []
    for row in range(len(ids)):
        order = np.lexsort((ids[row], -scores[row].round(5)))
        theirs, ours = ids[row][order], hits.rows[row]
        inner = scores[row][order].round(5) > scores[row].min().round(5)
        equal.append(set(theirs[inner]) <= set(ours.tolist()))
    return float(np.mean(equal))


def main():
    figures = {}
    for name, X in corpora().items():
        rng = np.random.default_rng(1)
        Q = unit(X[rng.integers(N, size=QUERIES)] + 0.3 * unit(rng.standard_normal((QUERIES, D), dtype=np.float32)))
        ours = ExactIndex.over(X, np.arange(N), prepared=True)
        peer = faiss.IndexFlatIP(D)
        peer.add(X)
        figures[name] = {
            "500 queries": ratio(lambda: ours.search(Q, K), lambda: peer.search(Q, K), rounds=15),  # noqa: B023
            "one query": ratio(lambda: ours.search(Q[:1], K), lambda: peer.search(Q[:1], K), rounds=41),  # noqa: B023
            "queries with the same ids": same_ids(ours.search(Q, K), *peer.search(Q, K)),
        }
    report(figures, about=__doc__)


if __name__ == "__main__":
    main()
