"""Corpora, filters and recall for the tests of approximate indexes."""

import numpy as np

from cosimo.search import ExactIndex

N, D = 12_000, 32
IDS = np.random.default_rng(9).permutation(N) * 3


def corpus(kind):
    """(N + 100, D) vectors: isotropic noise, tight groups, or the few directions real embeddings mostly lie in."""
    rng = np.random.default_rng(0)
    match kind:
        case "random":
            X = rng.normal(size=(N + 100, D))
        case "clustered":
            X = rng.normal(size=(100, D))[rng.integers(100, size=N + 100)] + 0.4 * rng.normal(size=(N + 100, D))
        case _:
            X = rng.normal(size=(N + 100, 10)) @ rng.normal(size=(10, D)) + 0.1 * rng.normal(size=(N + 100, D))
    X = X.astype(np.float32)
    return X[:N], X[N:]


def unequal(spread):
    """(N, D) vectors whose lengths differ by about this factor, and (50, D) queries from none of their groups."""
    rng = np.random.default_rng(0)
    X = corpus("clustered")[0] * np.exp(spread * rng.normal(size=(N, 1))).astype(np.float32)
    return X, rng.normal(size=(50, D)).astype(np.float32)


def filtered(how, share, X, q):
    """Sorted allowed ids: a share of all, at random, the nearest to the query, or the farthest from it."""
    n = round(N * share)
    near = np.argsort(-(X @ q))
    chosen = {"random": np.random.default_rng(1).permutation(N)[:n], "near": near[:n], "far": near[-n:]}[how]
    return np.sort(IDS[chosen])


def recall(hits, exact):
    """Mean share of the exact answers that were found."""
    pairs = zip(hits.rows, exact.rows, strict=True)
    return np.mean([np.isin(e[e >= 0], h).mean() for h, e in pairs])


def exact_over(X, similarity):
    return ExactIndex.over(X, IDS, similarity=similarity)
