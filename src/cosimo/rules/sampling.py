r"""Sampling: which pairs to label, so that what is learned from the labels is true of all pairs.

A promise holds for the population the labels were drawn from. A design here draws from a pool of candidates with a
known inclusion probability $\pi_i$, before any label is seen, and a weight of $1 / \pi_i$ makes up for it:

    random          $m$ hits of each of some random queries, every candidate equally likely: $\pi = n / N$
    strata          candidates in strata of their scores, as many expected from each:       $\pi_h = \min(1, n / H N_h)$
    node-disjoint   pairs of which no two share an item, in a random order that does not look at scores

Pitfalls: labelling only pairs near the cut, only first hits, or as many matches as non-matches: a precision
counted on such labels is that of another population (Abt-Buy labelled 1:1 certifies 0.80 where it is 0.42).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cosimo._random import Seed, generator
from cosimo.errors import DataError
from cosimo.types import PerItem, Scores

Design = Literal["random", "strata"]


@dataclass(frozen=True, eq=False)
class Draw:
    """Candidates that were drawn, in the order in which they are to be labelled.

    queries, places
        (n,) query of each and its place among the query's hits.
    probability
        (n,) with which it was drawn.
    per_query
        Most candidates drawn of one query.
    """

    queries: NDArray[np.int64]
    places: NDArray[np.int64]
    probability: PerItem
    per_query: int

    def __len__(self) -> int:
        return len(self.queries)


def draw_hits(scores: Scores, n: int, *, design: Design = "random", seed: Seed = 0) -> Draw:
    """About n of the hits with scores (queries, k); -inf where a query has fewer hits.

    One hit of each query as long as there are enough queries, since hits of one query are not independent; otherwise
    the same number of each. `strata` wants more queries than labels, and spreads the labels over the scores.

    >>> draw = draw_hits(np.array([[0.9, 0.1], [0.8, -0.2], [0.7, -np.inf]]), 2)
    >>> len(draw), len(set(draw.queries.tolist())), draw.per_query
    (2, 2, 1)
    """
    if n < 1:
        raise DataError(f"n must be at least 1, got {n}")
    if design not in ("random", "strata"):
        raise DataError(f"design is random or strata, got {design!r}")
    if not np.isfinite(scores).any():
        raise DataError("no query has any hit, so there is nothing to label")
    rng = generator(seed)
    if design == "strata":
        return _by_strata(scores, n, rng)
    queries, k = scores.shape
    each = min(k, -(-n // queries))
    order = rng.permutation(queries)
    places = np.argsort(rng.random((queries, k)), axis=1)[:, :each]
    chosen = np.stack([np.repeat(order, each), places[order].ravel()], axis=1)
    chosen = chosen[np.isfinite(scores[chosen[:, 0], chosen[:, 1]])]
    kept = chosen[:n] if each == 1 else chosen  # a query is never cut in two
    total = int(np.isfinite(scores).sum())
    return Draw(kept[:, 0], kept[:, 1], np.full(len(kept), min(1.0, len(kept) / total)), each)


def _by_strata(scores: Scores, n: int, rng: np.random.Generator, strata: int = 10) -> Draw:
    queries, k = scores.shape
    if queries < n:
        raise DataError(f"design='strata' draws one hit a query: {n} labels want at least {n} queries, got {queries}")
    rows = rng.permutation(queries)
    places = rng.integers(0, k, size=(queries,))
    S = scores[rows, places]
    rows, places, S = rows[np.isfinite(S)], places[np.isfinite(S)], S[np.isfinite(S)]
    edges = np.linspace(S.min(), S.max(), strata + 1)[1:-1]
    stratum = np.searchsorted(edges, S, side="right")
    sizes = np.bincount(stratum, minlength=strata)
    chance = np.minimum(1.0, n / (strata * np.maximum(sizes, 1)))[stratum]
    drawn = rng.random(len(S)) < chance
    total = int(np.isfinite(scores).sum())
    return Draw(rows[drawn], places[drawn], chance[drawn] * len(S) / total, 1)


def node_disjoint(left: Sequence[Hashable], right: Sequence[Hashable], *, seed: Seed = 0) -> NDArray[np.int64]:
    """Sorted places of pairs (left[i], right[i]) of which no two share an item, chosen without a look at any score.

    Items on both sides are one set where they are equal. A pair of few neighbours is likelier chosen than one of many,
    so what is learned is true of pairs drawn this way.

    >>> len(node_disjoint(["a", "a"], ["x", "y"]))
    1
    """
    if len(left) != len(right):
        raise DataError(f"pairs want two sides of equal length, got {len(left)} and {len(right)}")
    taken: set[Any] = set()
    chosen = []
    for i in generator(seed).permutation(len(left)).tolist():
        a, b = left[i], right[i]
        if a not in taken and b not in taken:
            taken |= {a, b}
            chosen.append(i)
    return np.sort(np.asarray(chosen, dtype=np.int64))
