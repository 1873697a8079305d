r"""Model similarity: how alike embedding models are, by their spaces and by what they retrieve.

By the vectors that two models give the same n documents, centred, with Gram matrices K = X X^T and L = Y Y^T:

$$ \mathrm{CKA} = \frac{\lVert Y^\top X \rVert_F^2}{\lVert X^\top X \rVert_F \, \lVert Y^\top Y \rVert_F}, \qquad
   \mathrm{HSIC}_u \propto \lVert Y^\top X \rVert_F^2 - \tfrac{n}{n-2} \textstyle\sum_i K_{ii} L_{ii}
   + \tfrac{\operatorname{tr} K \operatorname{tr} L}{(n-1)(n-2)} $$

and RSA, the Spearman correlation of their similarities of all pairs of documents. By the first k documents C and C'
they retrieve for a query, at ranks r and r', with c = |C and C'| and H(c) = 1 + 1/2 + ... + 1/c:

$$ \mathrm{Jaccard} = \frac{|C \cap C'|}{|C \cup C'|}, \qquad
   \mathrm{ranksim} = \frac{1}{H(c)} \sum_{j \in C \cap C'} \frac{2}{(1 + |r_j - r'_j|)(r_j + r'_j)} $$

CKA as published (`cka-plain`) grows with d / n until unrelated models look alike; the default puts HSIC_u in place of
each norm, a cosine of U-centred Gram matrices, and may be below 0.

Symbols: X, Y -> vectors (n, d), (n, d') of the same documents; C, r -> rows of `a` and `b`, best first.

Pitfalls: documents in another order on either side; columns that were not centred; ranksim divided by H(k)
instead of H(c); documents drawn with replacement, whose copies are likeness that is not there; a CKA near 1 taken for
equal retrieval; models of one family counted as independent.

Reference: Beyond Benchmarks: Evaluating Embedding Model Similarity for Retrieval Augmented Generation Systems (2024),
https://arxiv.org/abs/2407.08275; Kornblith et al., Similarity of Neural Network Representations Revisited, 2019,
https://arxiv.org/abs/1905.00414 (CKA); Song et al., Supervised feature selection via dependence estimation, 2007 (HSIC)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, combinations_with_replacement
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import unit
from cosimo._random import Seed, generator
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.studies.model_trees import cut, drawn, tree
from cosimo.measure.studies.model_vectors import compact, read_models, same_rows
from cosimo.statistics import mean_interval, random_groups
from cosimo.statistics.jackknife import jackknife_t
from cosimo.types import Estimate, Floats, Interval, PerItem, Rows, Vectors

SPACES, LISTS = ("cka", "cka-plain", "rsa"), ("jaccard", "ranksim")
"""Measures of vectors, and of retrieved documents; the latter are written with their k, such as `jaccard@10`."""


def linear_cka(X: ArrayLike, Y: ArrayLike, *, debiased: bool = True) -> float:
    """Linear centred kernel alignment of X (n, d) and Y (n, d'), two models' vectors of the same items.

    debiased
        Whether what n items in many dimensions share by chance is taken out; unrelated models are about 0 then.

    Raises
    ------
    ShapeError
        Different numbers of rows.
    DataError
        Fewer than 4 rows, or all alike.

    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(20, 30)), rng.normal(size=(20, 40))
    >>> linear_cka(X, Y), linear_cka(X, Y, debiased=False)
    (-0.05, 0.59)
    """
    return float(_alike("cka" if debiased else "cka-plain", same_rows([X, Y]))[0, 1])


def rsa(X: ArrayLike, Y: ArrayLike) -> float:
    """Representational similarity of X (n, d) and Y (n, d'): Spearman of two models' cosines of all pairs of items.

    >>> X = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.5]])
    >>> rsa(X, -2 * X), rsa(X, X[:, :1])
    (1.0, 0.88)
    """
    return float(_alike("rsa", same_rows([X, Y]))[0, 1])


def jaccard_at_k(a: Rows, b: Rows, *, k: int | None = None) -> PerItem:
    """(n,) share of the documents retrieved for each query that two models have in common.

    a, b
        (n, m) row numbers, best first, padded with -1; each document once.
    k
        How many of them count; all when None.

    Queries for which neither model finds anything score 0.

    >>> jaccard_at_k(np.array([[3, 1, 2]]), np.array([[1, 4, -1]]))
    array([0.25])
    """
    return np.array([len(r) / max(retrieved, 1) for r, _, retrieved in _shared(a, b, k)])


def rank_similarity(a: Rows, b: Rows, *, k: int | None = None) -> PerItem:
    """(n,) how alike two models rank the documents that both retrieve for a query; 0 where there is none.

    a, b, k
        As in `jaccard_at_k`.

    >>> rank_similarity(np.array([[3, 1, 2]]), np.array([[1, 4, -1]])), rank_similarity([[3, 1]], [[3, 1]])
    (array([0.33]), array([1.]))
    """
    alike = []
    for r, s, _ in _shared(a, b, k):
        harmonic = (1 / np.arange(1, len(r) + 1)).sum()
        alike.append((2 / ((1 + np.abs(r - s)) * (r + s))).sum() / harmonic if len(r) else 0.0)
    return np.array(alike)


@final
class ModelSimilarity:
    """Compares embedding models with each other on a user's own documents and queries.

    measures
        Of `cka`, `cka-plain`, `rsa`, `jaccard@K` and `ranksim@K`.
    sample
        Documents, drawn at random, on which the first three are computed; None for all. RSA takes all pairs of them.
    groups
        Random groups of documents that are left out in turn for their intervals.

    After `fit`: `names_`, `matrices_` (one (M, M) array a measure), and `estimates_` with value and interval of each
    pair of models, no interval for vectors that are alike without exception.

    >>> rng = np.random.default_rng(0)
    >>> X, Y, Q = rng.normal(size=(200, 8)), rng.normal(size=(200, 8)), rng.normal(size=(50, 8))
    >>> found = ModelSimilarity(("cka", "jaccard@5")).fit({"one": (X, Q), "turned": (-X, -Q), "other": (Y, Q)})
    >>> found.matrices_["jaccard@5"]
    array([[1.  , 1.  , 0.01],
           [1.  , 1.  , 0.01],
           [0.01, 0.01, 1.  ]])
    >>> found.estimates_["cka"]["one", "other"].interval.low < 0
    True
    >>> found.cluster(2)
    {'one': 1, 'turned': 1, 'other': 2}
    """

    names_: tuple[str, ...]
    matrices_: dict[str, Floats]
    estimates_: dict[str, dict[tuple[str, str], Estimate]]

    def __init__(
        self,
        measures: Sequence[str] = ("cka", "jaccard@10", "ranksim@10"),
        *,
        sample: int | None = 1000,
        groups: int = 40,
        level: float = 0.95,
        seed: Seed = 0,
    ) -> None:
        self.measures, self.sample, self.groups, self.level, self.seed = measures, sample, groups, level, seed

    def fit(
        self, models: Mapping[str, Any], docs: Sequence[Any] | None = None, queries: Sequence[Any] | None = None
    ) -> Self:
        """Compare all pairs of models.

        models
            Under its name a space or an encoder; or the vectors it gave the documents, (n, d), or the documents and
            the queries, a pair. A space retrieves by its own similarity, everything else by cosine.
        docs, queries
            The items that spaces and encoders read.

        Raises
        ------
        DataError
            Fewer than two models, an unknown measure, documents or queries that are missing or too few.
        ShapeError
            Models with different numbers of documents or queries.
        """
        wanted = [_parsed(measure) for measure in self.measures]
        if len(models) < 2 or not wanted:
            raise DataError(f"wanted two models and one measure at least, got {len(models)} and {len(wanted)}")
        self.names_ = tuple(models)
        X, lists = read_models(models, docs, queries, k=max(k for _, k in wanted))
        self.matrices_, self.estimates_ = {}, {}
        for measure, (kind, k) in zip(self.measures, wanted, strict=True):
            self.matrices_[measure], self.estimates_[measure] = np.eye(len(models)), {}
            for (i, j), estimate in (self._of_lists(kind, lists, k) if k else self._of_spaces(kind, X)).items():
                for first, second in ((i, j), (j, i)):
                    self.matrices_[measure][first, second] = estimate.value
                    self.estimates_[measure][self.names_[first], self.names_[second]] = estimate
        return self

    def cluster(self, n_clusters: int = 2, *, measure: str | None = None) -> dict[str, int]:
        """The cluster of each model, from 1, where the tree of models is cut into `n_clusters`.

        measure
            One of those that were fitted; the first when None.
        """
        labels = cut(tree(self._matrix(measure)), n_clusters)
        return dict(zip(self.names_, labels, strict=True))

    def plot(self, measure: str | None = None) -> Any:
        """A matplotlib `Figure` of the tree above the matrix, models in the tree's order (extra `plots`)."""
        S = self._matrix(measure)
        return drawn(self.names_, S, tree(S), title=measure or self.measures[0])

    def _matrix(self, measure: str | None) -> Floats:
        if not hasattr(self, "matrices_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this ModelSimilarity is not fitted yet; call fit with models, documents and queries")
        name = self.measures[0] if measure is None else measure
        if name not in self.matrices_:
            raise DataError(f"{name} was not measured; measured were {', '.join(self.matrices_)}")
        return self.matrices_[name]

    def _of_spaces(self, kind: str, X: Sequence[Vectors]) -> dict[tuple[int, int], Estimate]:
        """Estimates of all pairs i < j of a measure of vectors, from leaving out groups of documents."""
        rng = generator(self.seed)
        rows = np.sort(rng.permutation(len(X[0]))[: self.sample])
        X, n = [compact(x[rows]) for x in X], len(rows)
        whole = _alike(kind, X)
        group = random_groups(n, groups=min(self.groups, n), seed=rng)
        left_out = np.stack([_alike(kind, [x[group != g] for x in X]) for g in range(group.max() + 1)])
        return {
            (i, j): Estimate(float(whole[i, j]), self._interval(whole[i, j], left_out[:, i, j], n))
            for i, j in combinations(range(len(X)), 2)
        }

    def _interval(self, value: float, left_out: PerItem, n: int) -> Interval | None:
        try:
            found = jackknife_t(float(value), left_out, level=self.level, unit="document", n_units=n)
        except Refused:  # the same space under two names
            return None
        method = f"delete-group jackknife, {len(left_out)} groups"
        return replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0), method=method)

    def _of_lists(self, kind: str, lists: Sequence[Rows], k: int) -> dict[tuple[int, int], Estimate]:
        """Estimates of all pairs i < j of a measure of retrieved documents, one value a query."""
        measure = jaccard_at_k if kind == "jaccard" else rank_similarity
        per_query = {(i, j): measure(lists[i], lists[j], k=k) for i, j in combinations(range(len(lists)), 2)}
        return {
            pair: Estimate(float(values.mean()), mean_interval(values, level=self.level, unit="query"), values)
            for pair, values in per_query.items()
        }


def _parsed(measure: str) -> tuple[str, int]:
    """Kind and k of a measure; k is 0 for one of vectors."""
    kind, at, k = measure.partition("@")
    if kind in SPACES and not at:
        return kind, 0
    if kind in LISTS and k.isdigit() and int(k) > 0:
        return kind, int(k)
    raise DataError(f'no measure is called "{measure}"; there are {", ".join(SPACES)}, jaccard@K and ranksim@K')


def _alike(kind: str, X: Sequence[Vectors]) -> Floats:
    """(M, M) values of a measure of vectors, each of the same items."""
    if kind == "rsa":
        ranks = [_ranked_pairs(x) for x in X]
        return _to_unit_diagonal(np.array([[u @ v for v in ranks] for u in ranks]))
    centred = [x.astype(np.float64) - x.mean(axis=0, dtype=np.float64) for x in X]
    S = np.zeros((len(X), len(X)))
    for i, j in combinations_with_replacement(range(len(X)), 2):
        S[i, j] = S[j, i] = _hsic(centred[i], centred[j], debiased=kind == "cka")
    return _to_unit_diagonal(S)


def _hsic(X: Vectors, Y: Vectors, *, debiased: bool) -> float:
    """Inner product of the Gram matrices of centred vectors, double-centred or U-centred."""
    n = len(X)
    product = float(np.linalg.norm(X.T @ Y)) ** 2
    if not debiased:
        return product
    K, L = np.einsum("nd,nd->n", X, X), np.einsum("nd,nd->n", Y, Y)
    return product - n / (n - 2) * float(K @ L) + float(K.sum() * L.sum()) / ((n - 1) * (n - 2))


def _ranked_pairs(X: Vectors) -> PerItem:
    """Mid-ranks of the cosines of all pairs of items, centred."""
    from scipy.stats import rankdata

    V = unit(X.astype(np.float64))
    ranks = rankdata((V @ V.T)[np.triu_indices(len(X), 1)])
    centred: PerItem = ranks - ranks.mean()
    return centred


def _to_unit_diagonal(S: Floats) -> Floats:
    own = np.sqrt(np.diag(S))
    if not own.all():
        raise DataError("the items of a model are all alike, or all but one; nothing can be said of their geometry")
    return S / own[:, None] / own


def _shared(a: Rows, b: Rows, k: int | None) -> Iterator[tuple[Rows, Rows, int]]:
    """For each query the ranks on either side of what both retrieve, and how many rows they retrieve together."""
    first, second = np.asarray(a), np.asarray(b)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise ShapeError(f"wanted rows (n, m) for the same n queries, got {first.shape} and {second.shape}")
    for x, y in zip(first[:, :k], second[:, :k], strict=True):
        x, y = x[x >= 0], y[y >= 0]
        _, r, s = np.intersect1d(x, y, return_indices=True)
        yield r + 1, s + 1, len(x) + len(y) - len(r)
