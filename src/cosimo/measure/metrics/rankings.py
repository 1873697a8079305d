r"""Numbers for ranked documents, one a query: how much of what is relevant comes early.

    nDCG@k = sum_{i <= k} g_i / log2(i + 1), over the same sum in the best order there is
    RR@k = 1 / place of the first relevant document, 0 beyond k
    AP@k = 1 / R sum_{relevant at place i <= k} (relevant among the first i) / i
    P@k = relevant among the first k, over k;        R-precision = P@R
    recall@k = relevant among the first k, over R;   success@k = 1 where there is one among the first k

Documents of equal score are taken in all orders, each as likely, and the mean is given in closed form; with
ties="trec" they come as trec_eval has them, and the values are trec_eval's. With block b of equal scores, after a
documents of which c are relevant, of size t with r relevant:

    sum of relevant at places up to k    r min(max(k - a, 0), t) / t
    sum of precisions at relevant ones   sum_{j=1..t} r / t (c + 1 + (j - 1) (r - 1) / (t - 1)) / (a + j)
    first relevant one behind place j    prod_{i=0..j-1} (t - r - i) / (t - i)

`truth` are grades by query and document (qrels), `pred` scores by query and document (a run), as
`cosimo.interchange` reads and writes them. Every judged query counts: one that the run lacks is 0, and so is one that
has no relevant document, which no system can answer; leave those out of the qrels if they should not count. Documents
that nobody judged, or judged 0 or below, are not relevant.

Symbols: g -> grade (linear gain, as in trec_eval), R -> relevant documents of the query, found or not; k -> `k`, None
for the whole ranking.
Pitfalls: mean over the queries of the run instead of the judged ones; precision divided by what was found
instead of k; the best order taken over what was found instead of all judged; ties broken in favour of the system, with
which a constant encoder has MRR 1.
Reference: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002,
https://doi.org/10.1145/582415.582418; McSherry and Najork 2008, https://doi.org/10.1007/978-3-540-78646-7_38
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import final

import numpy as np

from cosimo.contracts import MetricTags
from cosimo.errors import DataError
from cosimo.measure.metrics.ranked import Found, Judged, Ranked, Ties, ranked
from cosimo.types import PerItem


@dataclass(frozen=True)
class Ranking(ABC):
    """A number for each judged query.

    ties
        Documents of equal score in every order (`average`), or in trec_eval's (`trec`): float32, ids from z to a.
    """

    ties: Ties = field(default="average", kw_only=True)

    tags = MetricTags(bounds=(0.0, 1.0), takes="rankings")

    def __post_init__(self) -> None:
        if self.ties not in ("average", "trec"):
            raise DataError(f"ties is 'average' or 'trec', got {self.ties!r}")
        k = getattr(self, "k", None)
        if k is not None and (not isinstance(k, int | np.integer) or k < 1):
            raise DataError(f"k counts the first documents, from 1 on, got {k!r}")

    def __call__(self, truth: Judged, pred: Found) -> PerItem:
        """(n,) one value a judged query, in the order of `truth`.

        Raises
        ------
        DataError
            A score that is NaN, or none of the judged queries in the run.
        """
        return np.array([self.of(query) if len(query.before) else 0.0 for query in ranked(truth, pred, self.ties)])

    @abstractmethod
    def of(self, query: Ranked) -> float:
        """The value of a query that found something relevant."""


@final
@dataclass(frozen=True)
class NDCG(Ranking):
    """Discounted gain of the first k documents over that of the best order there is; for graded relevance.

    >>> NDCG(k=2)({"q": {"a": 1, "b": 2}}, {"q": {"a": 0.5, "b": -0.1, "c": 0.2}})
    array([0.38])
    """

    k: int | None = 10

    def of(self, query: Ranked) -> float:
        """The mean discounted gain over the best one."""
        end = query.before + query.size
        last = max(int(end.max()), len(query.ideal)) if self.k is None else self.k
        upto = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, last + 2)))])
        discounts = upto[np.minimum(end, last)] - upto[np.minimum(query.before, last)]
        ideal = query.ideal[:last]
        return min(float(query.gain / query.size @ discounts) / float(ideal @ np.diff(upto)[: len(ideal)]), 1.0)


@final
@dataclass(frozen=True)
class MRR(Ranking):
    """One over the place of the first relevant document, 0 where it is not among the first k.

    >>> MRR()({"q": {"b": 1}}, {"q": {"a": 0.5, "b": -0.1, "c": 0.2}})
    array([0.333])
    >>> MRR()({"q": {"b": 1}}, {"q": {"a": 0.5, "b": 0.5}})  # first or second
    array([0.75])
    """

    k: int | None = None

    def of(self, query: Ranked) -> float:
        """The mean of one over the place."""
        at = -np.diff(query.first_after())
        places = query.before[0] + np.arange(1, len(at) + 1)
        return float((at / places)[places <= (self.k or np.inf)].sum())


@final
@dataclass(frozen=True)
class MAP(Ranking):
    """Average precision: the precision at each relevant document, 0 for those not among the first k.

    >>> MAP()({"q": {"a": 1, "b": 1}}, {"q": {"a": 0.5, "b": -0.1, "c": 0.2}})
    array([0.833])
    """

    k: int | None = None

    def of(self, query: Ranked) -> float:
        """The mean sum of precisions over the number of relevant documents."""
        size = query.size
        j = np.arange(1, int(size.sum()) + 1) - np.repeat(np.cumsum(size) - size, size)
        earlier = np.cumsum(query.relevant) - query.relevant
        with_it = (query.relevant - 1) / np.maximum(size - 1, 1)  # relevant among the others of the block, each
        a, c, r, t, share = (np.repeat(x, size) for x in (query.before, earlier, query.relevant, size, with_it))
        precisions = r / t * (c + 1 + (j - 1) * share) / (a + j)
        return min(float(precisions[a + j <= (self.k or np.inf)].sum()) / len(query.ideal), 1.0)


@final
@dataclass(frozen=True)
class Recall(Ranking):
    """Share of a query's relevant documents that are among the first k.

    >>> Recall(k=2)({"q": {"a": 1, "b": 1}}, {"q": {"a": 0.5, "b": -0.1, "c": 0.2}})
    array([0.5])
    """

    k: int

    def of(self, query: Ranked) -> float:
        """The mean number among the first k, over all."""
        return _among(query, self.k) / len(query.ideal)


@final
@dataclass(frozen=True)
class Precision(Ranking):
    """Share of the first k documents that are relevant; where fewer were found the rest count as not relevant.

    >>> Precision(k=2)({"q": {"a": 1, "b": 1}}, {"q": {"a": 0.5, "b": -0.1, "c": 0.2}})
    array([0.5])
    """

    k: int

    def of(self, query: Ranked) -> float:
        """The mean number among the first k, over k."""
        return _among(query, self.k) / self.k


@final
@dataclass(frozen=True)
class Success(Ranking):
    """1 where at least one of the first k documents is relevant: the hit rate.

    >>> Success(k=2)({"q": {"b": 1}, "r": {"b": 1}}, {"q": {"a": 0.5, "b": -0.1}, "r": {"a": 0.5}})
    array([1., 0.])
    """

    k: int

    def of(self, query: Ranked) -> float:
        """The probability of one among the first k."""
        after = query.first_after()
        return 1.0 - float(after[min(max(self.k - int(query.before[0]), 0), len(after) - 1)])


@final
@dataclass(frozen=True)
class RPrecision(Ranking):
    """Share of the first R documents that are relevant, where R are in all.

    >>> RPrecision()({"q": {"a": 1, "b": 1}}, {"q": {"a": 0.5, "b": -0.1, "c": 0.2}})
    array([0.5])
    """

    def of(self, query: Ranked) -> float:
        """The mean number among the first R, over R."""
        return _among(query, len(query.ideal)) / len(query.ideal)


def _among(query: Ranked, k: int) -> float:
    """Mean number of relevant documents among the first k."""
    return float((query.relevant * np.clip(k - query.before, 0, query.size) / query.size).sum())
