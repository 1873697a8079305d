r"""Backgrounds without labels: what best scores may look like for queries that match nothing. Estimates, no promise.

    query log:        B_i = M(q_i), queries as they come, those that have a match among them
    topic left out:   B_i = max_{j not in the topic of i} s(x_i, x_j),      topics by k-means of the collection

Each stands in for queries known to match nothing, which alone support a promise (`NoMatch`). A query log errs towards
too little found: what does match is in it, too. Leaving topics out takes items for queries, so that items must be like
queries: measured on questions against questions (Banking77), 3 to 5 % false "found" for 5 %, with more than half of the
matches found; on short questions against abstracts (Cranfield), 0 % and 9 %. `length_mismatch` shows that kind of
difference; prompts that differ by side are another.

Symbols: X -> `X` (n, d), s -> cosine, k -> `topics`.

Pitfalls: scores of pairs of items (nearly all queries are "found"); each item's best other item, which is a near
duplicate (nearly none are).

Reference: Testing for outliers with conformal p-values (2023), https://arxiv.org/abs/2104.08279
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors, unit
from cosimo._random import Seed, generator
from cosimo.decide.conformal.no_match import NoMatch
from cosimo.errors import DataError, Refused
from cosimo.types import PerItem, Vectors

BLOCK = 2**24
"""Scores held at a time."""


def query_log_background(
    best_scores: ArrayLike, *, rate: float = 0.05, context: Mapping[str, Any] | None = None
) -> NoMatch:
    """An estimated `NoMatch` from the best scores (n,) of a query log, of which nobody knows what matches.

    >>> rule = query_log_background(np.linspace(-0.5, 0.9, 100))
    >>> rule.guarantee.kind, rule.predict([0.95, 0.5])
    ('estimate', array([1, 0], dtype=int8))
    """
    rule = NoMatch(rate, kind="estimate").fit(best_scores, context=context)
    return _said(rule, "none: a query log, in which there are queries that match, too")


def topic_out_background(
    X: ArrayLike, *, topics: int = 50, sample: int = 2000, rate: float = 0.05, seed: Seed = 0
) -> NoMatch:
    """An estimated `NoMatch` for cosine scores against a collection X (n, d), from its items outside their own topic.

    Only for a collection whose items are like the queries, in length and prompt: see `length_mismatch`.

    topics
        How many topics to look for.
    sample
        How many items stand in for queries, at most.

    Raises
    ------
    Refused
        There are fewer than ten items a topic.

    >>> X = np.random.default_rng(0).normal(size=(200, 8))
    >>> topic_out_background(X, topics=5).guarantee.kind
    'estimate'
    """
    X = unit(as_vectors(X))
    if topics < 2 or sample < 1:
        raise DataError(f"at least 2 topics and 1 sampled item are wanted, got {topics} and {sample}")
    if len(X) < 10 * topics:
        raise Refused(f"{len(X)} items are too few for {topics} topics: leaving one out needs ten items a topic")
    rng = generator(seed)
    labels = _topics(X, topics, int(rng.integers(2**31)))
    rows = np.sort(rng.choice(len(X), min(sample, len(X)), replace=False))
    rule = NoMatch(rate, kind="estimate").fit(_best_elsewhere(X, labels, rows), context={"scale": "cosine"})
    return _said(rule, f"none: items of the collection, each without the one of {topics} topics it belongs to")


def length_mismatch(query_lengths: ArrayLike, document_lengths: ArrayLike) -> float:
    """How far the lengths of queries (n,) and documents (m,) are apart: 0 alike, 1 where all documents are longer.

    |2 P(document longer) - 1|, ties counted half, so 1 as well where all are shorter. From about 0.5 on, items of the
    collection are no stand-in for queries.

    >>> length_mismatch([5, 7, 9], [5, 7, 9]), length_mismatch([5, 7, 9], [100, 200])
    (0.0, 1.0)
    """
    a, b = np.sort(np.asarray(query_lengths).ravel()), np.asarray(document_lengths).ravel()
    if not (len(a) and len(b)):
        raise DataError(f"lengths of both sides are wanted, got {len(a)} queries and {len(b)} documents")
    longer = (np.searchsorted(a, b, side="left") + np.searchsorted(a, b, side="right")).mean() / (2 * len(a))
    return float(abs(2 * longer - 1))


def _topics(X: Vectors, topics: int, seed: int) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(topics, n_init=1, random_state=seed).fit_predict(X)


def _best_elsewhere(X: Vectors, labels: Any, rows: Any) -> PerItem:
    """(m,) best score of each of `rows` (m,) against the items of other topics, a block at a time."""
    best = np.empty(len(rows), X.dtype)
    step = max(1, BLOCK // len(X))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        S = np.where(labels[block][:, None] == labels, -np.inf, X[block] @ X.T)
        best[start : start + step] = S.max(axis=1)
    return best


def _said(rule: NoMatch, sampling: str) -> NoMatch:
    rule.guarantee_ = replace(rule.guarantee_, sampling=sampling)
    return rule
