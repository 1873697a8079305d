r"""Evidence: what labelled scores say against "the precision above this cut is at most p", cut by cut.

Independent pairs, k of the n_t that reach t right:            P = Pr(Bin(n_t, p) >= k)

Clusters c, independent of each other and arbitrary inside, by betting on one X_c in [0, 1] of each with a pair at t:

    per cluster     X = p + (w_c / w_max) (U_c - p),                   U = share right among the cluster's pairs at t
    per pair        X = p + sum_{i in c, S_i >= t} (w_i / w_max) (y_i - p) / M,      M >= pairs at t in any cluster

Both have E X <= p exactly where the hypothesis is true. Pairs drawn with unequal probabilities are clusters of one.

Symbols: w -> `weights` = 1 / inclusion probability, M -> `at_most`; the largest weight given counts as the largest
there is.
Pitfalls: the two estimands taken for one (they differ where big clusters are worse); a design effect or a
cluster bootstrap in place of a test; a walk that starts after so many *items*, where items
of a quarter of the largest weight (or of a quarter of the cap M) tell a quarter each, so that nothing can be rejected.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from cosimo.decide.fitting.cuts import (
    Counts,
    betting_size,
    counts_above,
    errors_to_allow,
    exact_size,
    grid,
    starts,
    walk,
)
from cosimo.decide.fitting.labelled import Labelled
from cosimo.errors import DataError, Refused
from cosimo.statistics import betting_p_value, exact_p_value, hashed_order
from cosimo.types import Floats

Per = Literal["cluster", "pair"]


@dataclass(frozen=True, eq=False)
class Evidence(ABC):
    """Labelled pairs and the cuts (m,), falling, at which they are looked at."""

    labels: Labelled
    cuts: Floats

    unit: ClassVar[Literal["pair", "cluster"]]

    @cached_property
    def accepted(self) -> Counts:
        """(m,) labelled pairs that reach each cut."""
        return counts_above(self.labels.scores, self.cuts)

    @cached_property
    def wrong(self) -> Counts:
        """(m,) how many of them are no match."""
        return counts_above(self.labels.scores[~self.labels.y], self.cuts)

    @property
    @abstractmethod
    def n(self) -> int:
        """Independent units."""

    @property
    @abstractmethod
    def expected(self) -> Floats | Counts:
        """(m,) full units at each cut, as far as scores and weights tell: where a walk may start."""

    @abstractmethod
    def units(self, j: int, p: float) -> Floats:
        """One X in [0, 1] for each unit that cut j accepts, of mean at most p where the hypothesis is true."""

    @abstractmethod
    def p_values(self, p: float) -> Callable[[int], float]:
        """The p-value of "the precision above cut j is at most p" for each j, computed when it is asked for."""

    @abstractmethod
    def size(self, errors: int, p: float, delta: float) -> int:
        """Fewest units that reject at delta with so many errors among them."""

    def share(self, delta: float) -> float:
        """What each walk may spend of delta."""
        return delta / len(errors_to_allow(self.n))

    def certified(self, p: float, delta: float) -> NDArray[np.bool_]:
        """(m,) the cuts of which, with probability 1 - delta, all have a precision of more than p."""
        rejects, begin = self._walks(p, delta)
        return walk(rejects, begin, len(self.cuts))

    def certifies(self, p: float, delta: float) -> bool:
        """Whether any cut is certified: whether a walk gets over its start."""
        rejects, begin = self._walks(p, delta)
        return any(map(rejects, begin))

    def _walks(self, p: float, delta: float) -> tuple[Callable[[int], bool], tuple[int, ...]]:
        each = self.share(delta)
        sizes = [self.size(errors, p, each) for errors in errors_to_allow(self.n)]
        p_value = self.p_values(p)
        return lambda j: p_value(j) <= each, starts(self.expected, sizes)


@final
class ExactEvidence(Evidence):
    """Independent pairs, all equally likely to have been labelled."""

    unit = "pair"

    @property
    def n(self) -> int:
        """Labelled pairs."""
        return len(self.labels)

    @property
    def expected(self) -> Floats | Counts:
        """(m,) pairs at each cut; by the share of unlabelled ones where a grid from those must stay fixed."""
        pool = self.labels.unlabelled
        if pool is None:
            return self.accepted
        expected: Floats = self.n / len(pool) * counts_above(pool, self.cuts)
        return expected

    def units(self, j: int, p: float) -> Floats:
        """1 for a match, 0 for none."""
        X: Floats = self.labels.y[self.labels.scores >= self.cuts[j]].astype(np.float64)
        return X

    def p_values(self, p: float) -> Callable[[int], float]:
        """Exact binomial, of all cuts at once."""
        return exact_p_value(self.accepted - self.wrong, self.accepted, p).__getitem__

    def size(self, errors: int, p: float, delta: float) -> int:
        """Fewest pairs."""
        return exact_size(errors, p, delta)


@final
@dataclass(frozen=True, eq=False)
class BettingEvidence(Evidence):
    """Clusters, or pairs of unequal weight.

    codes, order
        (n,) cluster of each pair, and the clusters in the order in which they are bet on.
    weights
        (n,) in (0, 1], the largest being 1.
    at_most
        The declared cap of pairs at a cut in any cluster; None for the promise per cluster.
    """

    codes: NDArray[np.int64]
    order: NDArray[np.int64]
    weights: Floats
    at_most: int | None

    @property
    def unit(self) -> Literal["pair", "cluster"]:  # type: ignore[override]
        """What is independent."""
        return "pair" if self.labels.clusters is None else "cluster"

    @property
    def n(self) -> int:
        """Clusters."""
        return len(self.order)

    @cached_property
    def expected(self) -> Floats:
        """(m,) full units at each cut: clusters by weight, or what pairs of their weights make of the cap."""
        scores, weights = self.labels.scores, self.weights / (self.at_most or 1)
        if self.at_most is None:
            scores = np.full(self.n, -np.inf, scores.dtype)
            np.maximum.at(scores, self.codes, self.labels.scores)
            weights = np.bincount(self.codes, self.weights) / np.bincount(self.codes)
        falling = np.argsort(scores, kind="stable")[::-1]
        total: Floats = np.concatenate([[0.0], np.cumsum(weights[falling])])
        return total[counts_above(scores, self.cuts)]

    def units(self, j: int, p: float) -> Floats:
        """X of every cluster that has a pair at cut j, in the order of their hashed names."""
        at = self.labels.scores >= self.cuts[j]
        codes, right, weights = self.codes[at], self.labels.y[at], self.weights[at]
        sizes = np.bincount(codes, minlength=self.n)
        excess = np.bincount(codes, weights * (right - p), minlength=self.n)
        X: Floats = p + excess / (np.maximum(sizes, 1) if self.at_most is None else self.at_most)
        return X[self.order][sizes[self.order] > 0]

    def p_values(self, p: float) -> Callable[[int], float]:
        """By betting, cut by cut."""
        return lambda j: float(betting_p_value(self.units(j, p), p))

    def size(self, errors: int, p: float, delta: float) -> int:
        """Fewest clusters."""
        return betting_size(errors, p, delta)


def gather(labels: Labelled, *, per: Per, at_most: int | None) -> Evidence:
    """The evidence that fits how the labels came about; decided before any label is looked at.

    Raises
    ------
    DataError
        `per` or `at_most` do not fit each other or the clusters.
    Refused
        Weights that differ inside a cluster, with a promise per cluster.
    """
    if per not in ("cluster", "pair"):
        raise DataError(f"per is 'cluster' or 'pair', got {per!r}")
    if at_most is not None and (per == "cluster" or at_most < 1):
        raise DataError(f"at_most is a cap of at least 1 that per='pair' needs; got {at_most} with per={per!r}")
    pool = labels.scores if labels.unlabelled is None else labels.unlabelled.astype(labels.scores.dtype)
    if labels.clusters is None and labels.weights is None:
        return ExactEvidence(labels, grid(pool, 0.05))
    n = len(labels)
    weights = np.ones(n) if labels.weights is None else labels.weights / labels.weights.max()
    order = hashed_order(labels.names)
    if labels.clusters is None:
        return BettingEvidence(labels, grid(pool, 0.05), np.arange(n), order, weights, 1)
    sizes = np.bincount(labels.clusters)
    if per == "pair" and (at_most is None or at_most < sizes.max()):
        raise DataError(
            "per='pair' with clusters needs at_most: the most pairs of one cluster that can ever be accepted; got "
            f"{at_most}, and a cluster has {sizes.max()} labels"
        )
    if per == "cluster" and not np.allclose(weights, (np.bincount(labels.clusters, weights) / sizes)[labels.clusters]):
        raise Refused(
            "weights that differ inside a cluster tell nothing exact of the share right in it; draw whole clusters, "
            "or use per='pair' with at_most"
        )
    return BettingEvidence(labels, grid(pool, 0.1), labels.clusters, order, weights, at_most)
