r"""How well clusters agree with classes, whatever their names: v-measure, adjusted Rand, adjusted mutual information.

    n_ij items of class i in cluster j, n_i and n_j those of the class and of the cluster, n all;  H entropies
    homogeneity h = 1 - H(class | cluster) / H(class),  completeness c = 1 - H(cluster | class) / H(cluster)
    V = 2 h c / (h + c)
    ARI = (sum_ij C(n_ij, 2) - E) / ((sum_i C(n_i, 2) + sum_j C(n_j, 2)) / 2 - E),
          E = sum_i C(n_i, 2) sum_j C(n_j, 2) / C(n, 2)
    AMI = (I - E I) / ((H(class) + H(cluster)) / 2 - E I),   I mutual information, E I its mean over random clusters

Clusters from R seeds are R columns; the value is the mean over them. The interval leaves out one of 40 random groups
of items at a time and adds the variance over seeds, over R. Two systems are compared over the same groups and seeds.

Symbols: class -> `truth` (n,), cluster -> `pred` (n,) or (n, R); C(m, 2) = m (m - 1) / 2.
Pitfalls: the bootstrap, to which a duplicated item is information (true coverage 0 to .70 for a stated .95);
one k-means run reported as if it were the encoder's; v-measures compared at different n, on which they depend (.84
at 500 items of Banking77, .78 at 13,083): compare at equal n, or by the other two, which chance does not move.
Reference: Rosenberg and Hirschberg, V-measure, 2007, https://aclanthology.org/D07-1043; Hubert and Arabie, Comparing
partitions, 1985, https://doi.org/10.1007/BF01908075; Vinh, Epps and Bailey, Information theoretic measures for
clusterings comparison, 2010, https://jmlr.org/papers/v11/vinh10a.html
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed
from cosimo.contracts import MetricTags
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.estimating import pseudo_values
from cosimo.measure.metrics.columns import as_weights, counted
from cosimo.measure.metrics.mutual_information import expected_mutual_information
from cosimo.statistics import Comparison, delete_group_interval, detectable_difference, jackknife, random_groups
from cosimo.statistics.means import t_quantile
from cosimo.statistics.paired import two_sided_p
from cosimo.statistics.units import one_way
from cosimo.types import Floats, Interval, PerItem, Rows

GROUPS = 40


@dataclass(frozen=True, eq=False)
class Partitions:
    """Classes (n,) and clusters (R, n) by number."""

    classes: Rows
    clusters: Rows

    def tables(self, weights: PerItem) -> list[Floats]:
        """R tables (classes, clusters) of the weight of the items in both."""
        shape = (int(self.classes.max()) + 1, int(self.clusters.max()) + 1)
        cells = self.classes * shape[1] + self.clusters
        flat = (np.bincount(cell, weights, math.prod(shape)).astype(np.float64) for cell in cells)
        return [table.reshape(shape) for table in flat]


def partitions(truth: ArrayLike, pred: ArrayLike) -> Partitions:
    """Classes and clusters of any name, by number.

    Raises
    ------
    ShapeError, DataError
        Not (n,) and (n,) or (n, R), n at least 1, or a NaN for a name.
    """
    classes, clusters = np.asarray(truth), np.asarray(pred)
    if classes.ndim != 1 or not classes.size or clusters.shape[:1] != classes.shape or clusters.ndim > 2:
        raise ShapeError(
            f"wanted truth (n,) and pred (n,) or (n, R), n at least 1; got {classes.shape}, {clusters.shape}"
        )
    for name, names in (("truth", classes), ("pred", clusters)):
        if names.dtype.kind == "f" and np.isnan(names).any():
            raise DataError(f"{name} contains NaN, which is no name of a class or cluster")
    return Partitions(_numbered(classes), np.atleast_2d(_numbered(clusters).T))


def _numbered(names: NDArray[np.generic]) -> Rows:
    numbers: Rows = np.unique(names, return_inverse=True)[1].reshape(names.shape)
    return numbers


@dataclass(frozen=True)
class Agreement(ABC):
    """A number for the table of classes and clusters."""

    tags = MetricTags(bounds=(0.0, 1.0), takes="clusters")

    @abstractmethod
    def of(self, table: Floats) -> float:
        """The number of a table (classes, clusters) of items without empty rows or columns."""

    def __call__(self, truth: ArrayLike, pred: ArrayLike, weights: PerItem | None = None) -> float:
        """Agreement of clusters `pred`, (n,) or one column a seed (n, R), with classes `truth` (n,); mean over seeds.

        Raises
        ------
        ShapeError, DataError
            Columns that are not equally long or hold NaN.
        """
        given = partitions(truth, pred)
        return float(self._each(given, as_weights(weights, len(given.classes))).mean())

    def interval(
        self,
        truth: ArrayLike,
        pred: ArrayLike,
        *,
        clusters: ArrayLike | None = None,
        level: float = 0.95,
        seed: Seed = 0,
    ) -> Interval:
        """Student's interval from leaving out groups of items, or of clusters of them, and from the seeds."""
        found = partitions(truth, pred)
        return self._interval([found], clusters, level, seed)

    def compare(
        self,
        truth: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        *,
        clusters: ArrayLike | None = None,
        level: float = 0.95,
        seed: Seed = 0,
    ) -> Comparison:
        """The difference by the same groups, and the same seeds: column r of a and b belong together."""
        both = [partitions(truth, a), partitions(truth, b)]
        if both[0].clusters.shape != both[1].clusters.shape:
            raise ShapeError(f"both systems want as many seeds, got {[len(one.clusters) for one in both]}")
        test = "paired delete-group jackknife"
        ones = np.ones(len(both[0].classes))
        difference = float(self._each(both[0], ones).mean() - self._each(both[1], ones).mean())
        try:
            found = self._interval(both, clusters, level, seed)
        except Refused:
            if difference:
                raise
            return Comparison(0.0, None, 1.0, test)
        df = min(GROUPS, found.n_units) - 1
        error = (found.high - found.low) / 2 / t_quantile(level, df)
        detectable = detectable_difference(error, df, level=level)
        return Comparison(difference, found, two_sided_p(difference / error, df), test, detectable=detectable)

    def unit_values(
        self, truth: ArrayLike, pred: ArrayLike, *, clusters: ArrayLike | None = None, seed: Seed = 0
    ) -> PerItem:
        """(40,) pseudo-values of the groups of items."""
        given = partitions(truth, pred)
        n = len(given.classes)
        codes, count = one_way(clusters, n)
        groups = random_groups(count, groups=GROUPS, seed=seed)[codes]
        left_out = jackknife(lambda rows: float(self._each(given, counted(rows, n)).mean()), n, clusters=groups)
        return pseudo_values(float(self._each(given, np.ones(n)).mean()), left_out)

    def _each(self, given: Partitions, weights: PerItem) -> PerItem:
        """(R,) the number of each seed; NaN without items."""
        if not weights.any():
            return np.full(len(given.clusters), math.nan)
        tables = given.tables(weights)
        return np.array([self.of(table[table.any(axis=1)][:, table.any(axis=0)]) for table in tables])

    def _interval(self, given: list[Partitions], clusters: ArrayLike | None, level: float, seed: Seed) -> Interval:
        """Interval of the first, or of the first less the second."""
        n, seeds = len(given[0].classes), len(given[0].clusters)
        codes, count = one_way(clusters, n)

        def each(weights: PerItem) -> PerItem:
            values = [self._each(one, weights) for one in given]
            return values[0] if len(values) == 1 else values[0] - values[1]

        def without(kept: Rows) -> float:
            return float(each(counted(kept, count)[codes]).mean())

        between = float(each(np.ones(n)).var(ddof=1)) / seeds if seeds > 1 else 0.0
        unit = "item" if clusters is None else "cluster"
        found = delete_group_interval(
            without, count, groups=GROUPS, added_variance=between, level=level, unit=unit, seed=seed
        )
        if seeds == 1:
            return found
        return replace(found, method=f"{found.method}, and {seeds} seeds", scope=found.scope.replace("seeds, ", "", 1))


@final
class VMeasure(Agreement):
    """Harmonic mean of homogeneity and completeness; not corrected for chance, and dependent on the number of items.

    >>> VMeasure()([0, 0, 1, 1], [5, 5, -7, 5])
    0.344
    """

    def of(self, table: Floats) -> float:
        """V, in which a single class is homogeneous and a single cluster complete."""
        entropy, of_classes, of_clusters = _entropies(table)
        shared = of_classes + of_clusters - entropy
        h = shared / of_classes if of_classes > 0 else 1.0
        c = shared / of_clusters if of_clusters > 0 else 1.0
        return min(max(2 * h * c / (h + c), 0.0), 1.0) if h + c > 0 else 0.0


@final
class AdjustedRand(Agreement):
    """Share of pairs of items that are together in both, or apart in both, corrected for chance.

    >>> AdjustedRand()([0, 0, 1, 1], [5, 5, -7, 5])
    0.0
    """

    tags = MetricTags(bounds=(-0.5, 1.0), chance=0.0, takes="clusters")

    def of(self, table: Floats) -> float:
        """ARI, 1 where classes and clusters are the same trivial ones."""
        both, classes, clusters, every = (_pairs(x) for x in (table, table.sum(1), table.sum(0), table.sum()))
        expected = classes * clusters / every if every > 0 else 0.0
        best = (classes + clusters) / 2
        return (both - expected) / (best - expected) if best != expected else 1.0


@final
class AdjustedMutualInformation(Agreement):
    """Mutual information of classes and clusters, corrected for chance; weights are whole numbers.

    >>> AdjustedMutualInformation()([0, 0, 1, 1], [5, 5, -7, 5])
    0.0
    """

    tags = MetricTags(bounds=(-1.0, 1.0), chance=0.0, takes="clusters")

    def of(self, table: Floats) -> float:
        """AMI, 1 where classes and clusters are the same trivial ones."""
        if (table != np.floor(table)).any():
            raise DataError("this metric counts items, and takes whole numbers as weights only")
        if min(table.shape) == max(table.shape) == 1 or min(table.shape) == max(table.shape) == table.sum():
            return 1.0
        entropy, of_classes, of_clusters = _entropies(table)
        expected = expected_mutual_information(*(table.sum(axis=axis).astype(np.int64) for axis in (1, 0)))
        room = (of_classes + of_clusters) / 2 - expected
        return min((of_classes + of_clusters - entropy - expected) / room, 1.0) if room else 0.0


def _entropies(table: Floats) -> tuple[float, float, float]:
    """Entropies of the cells, of the rows and of the columns."""

    def entropy(counts: Floats) -> float:
        shares = counts[counts > 0] / counts.sum()
        return -float(shares @ np.log(shares))

    return entropy(table.ravel()), entropy(table.sum(axis=1)), entropy(table.sum(axis=0))


def _pairs(counts: Floats) -> float:
    return float((counts * (counts - 1)).sum() / 2)
