r"""ROC-AUC: how often a positive outscores a negative, and how sure that is.

    A = mean over positives i and negatives j of 1{s_i > s_j} + 1/2 1{s_i = s_j}
    v_i = mean over negatives for positive i,    w_j = mean over positives for negative j
    SE^2 = var(v) / n1 + var(w) / n0                                         DeLong, items independent
    SE^2 = C / (C - 1) sum_c (sum_{i in c} (v_i - A) / n1 + sum_{j in c} (w_j - A) / n0)^2      clusters (Obuchowski)
    logit A +- z SE / (A (1 - A)), turned back; with t_{C-1} for clusters

With fewer than 20 positives or negatives, or A = 0 or 1, random disjoint positive-negative pairs are counted instead,
each from clusters of its own: independent 0/1 trials whose rate is A, with Clopper and Pearson's interval.

Symbols: s -> `scores` (n,), n1, n0 -> positives and negatives in `y` (n,), C -> clusters.
Pitfalls: all n1 n0 pairs taken for independent; [1, 1] where no error was seen; the difference of two systems
judged by their two intervals.
Reference: DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
characteristic curves, 1988, https://doi.org/10.2307/2531595; Obuchowski, Nonparametric analysis of clustered ROC curve
data, 1997, https://doi.org/10.2307/2533958
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed, generator
from cosimo.errors import Refused
from cosimo.statistics.binomial import clopper_pearson
from cosimo.statistics.means import betting_interval, t_quantile
from cosimo.statistics.paired import Comparison, detectable_difference, sign_flip_test, two_sided_p
from cosimo.statistics.units import FEW, ROUNDING, Kind, as_labels, as_values, interval, one_way
from cosimo.types import Interval, PerItem, Rows


def placements(scores: ArrayLike, y: ArrayLike) -> PerItem:
    """(n,) share of the other class that each item is on the right side of; ties count half.

    The mean over positives, and that over negatives, is the AUC.

    >>> placements([0.9, 0.4, 0.4, -0.1], [1, 1, 0, 0])
    array([1.  , 0.75, 0.75, 1.  ])
    """
    from scipy.stats import rankdata

    s = as_values(scores, name="scores")
    positive = as_labels(y, len(s))
    ranks = rankdata(s)
    own = np.empty(len(s))
    for of_class in (positive, ~positive):
        own[of_class] = rankdata(s[of_class])
    below = ranks - own  # items of the other class that score less, ties half
    right: PerItem = np.where(positive, below / (~positive).sum(), 1 - below / positive.sum())
    return right


def roc_auc(scores: ArrayLike, y: ArrayLike) -> float:
    """Probability that a positive outscores a negative, ties half.

    >>> roc_auc([0.9, 0.4, 0.4, -0.1], [1, 1, 0, 0])
    0.875
    """
    return float(placements(scores, y)[np.asarray(y) == 1].mean())


def auc_interval(
    scores: ArrayLike, y: ArrayLike, *, clusters: ArrayLike | None = None, level: float = 0.95, seed: Seed = 0
) -> Interval:
    """Interval of the AUC of `scores` (n,) against labels `y` (n,).

    clusters
        (n,) cluster of each item, where items of one cluster may depend on each other.

    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(200) % 2
    >>> found = auc_interval(rng.normal(size=200) + y, y)
    >>> round(found.low, 2), round(found.high, 2)
    (0.74, 0.86)
    >>> auc_interval(y, y).low
    0.964
    """
    from scipy.special import expit

    influence = placements(scores, y)
    positive = as_labels(y, len(influence))
    codes, count = one_way(clusters, len(influence))
    A = float(influence[positive].mean())
    error, df = _error(influence, positive, None if clusters is None else codes)
    unit = "item" if clusters is None else "cluster"
    if _rarer(positive, codes) < FEW or not (error > ROUNDING and 0 < A < 1):
        return _of_disjoint(as_values(scores), positive, codes, level=level, unit=unit, seed=seed)
    reach = t_quantile(level, df) * error / (A * (1 - A))
    centre = math.log(A / (1 - A))
    ends = float(expit(centre - reach)), float(expit(centre + reach))
    method = "DeLong, logit scale" if clusters is None else "Obuchowski, logit scale"
    return interval(ends, level=level, method=method, unit=unit, n_units=count)


def compare_auc(
    a: ArrayLike, b: ArrayLike, y: ArrayLike, *, clusters: ArrayLike | None = None, level: float = 0.95, seed: Seed = 0
) -> Comparison:
    """Difference of the AUCs of scores `a` (n,) and `b` (n,) of the same items against labels `y` (n,).

    Raises
    ------
    Refused
        Items of a single cluster.

    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(200) % 2
    >>> better, worse = rng.normal(size=(2, 200)) + np.outer([1.5, 0.5], y)
    >>> found = compare_auc(better, worse, y)
    >>> round(found.difference, 2), round(found.interval.low, 2), round(found.interval.high, 2)
    (0.23, 0.14, 0.32)
    """
    influence = placements(a, y) - placements(b, y)
    positive = as_labels(y, len(influence))
    codes, count = one_way(clusters, len(influence))
    difference = float(influence[positive].mean())
    error, df = _error(influence, positive, None if clusters is None else codes)
    if not influence.any():
        return Comparison(0.0, None, 1.0, "paired DeLong")
    unit = "item" if clusters is None else "cluster"
    if _rarer(positive, codes) < FEW or not error > ROUNDING:
        pairs = disjoint_pairs(positive, codes, seed=seed)
        if not len(pairs[0]):
            raise Refused("all items lie in one cluster, which says nothing about others; give items of more clusters")
        apart = _won(as_values(a), *pairs) - _won(as_values(b), *pairs)
        found = betting_interval(apart, bounds=(-1.0, 1.0), level=level, unit=unit)
        low, high = min(found.low, difference), max(found.high, difference)
        found = replace(found, low=low, high=high, kind=_kind(unit))
        return Comparison(difference, found, sign_flip_test(apart, seed=seed), "sign flip over disjoint pairs")
    reach = t_quantile(level, df) * error
    ends = (difference - reach, difference + reach)
    found = interval(ends, level=level, method="paired DeLong", unit=unit, n_units=count, bounds=(-1.0, 1.0))
    detectable = detectable_difference(error, df, level=level)
    return Comparison(difference, found, two_sided_p(difference / error, df), "paired DeLong", detectable=detectable)


def disjoint_pairs(positive: NDArray[np.bool_], codes: Rows, *, seed: Seed = 0) -> tuple[Rows, Rows]:
    """Rows of random positives and, as many, negatives of which no two share a cluster.

    >>> disjoint_pairs(np.array([True, False, True, False]), np.array([0, 0, 1, 2]))
    (array([2]), array([3]))
    """
    rng = generator(seed)
    chosen: tuple[list[int], list[int]] = ([], [])  # negatives, positives
    order = rng.permutation(len(codes))
    order = order[np.argsort(rng.permutation(int(codes.max()) + 1)[codes[order]], kind="stable")]
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        shorter = len(chosen[1]) < len(chosen[0])
        wanted = rows[positive[rows] == shorter]  # the class of which there are fewer, where the cluster has it
        row = int((wanted if len(wanted) else rows)[0])
        chosen[int(positive[row])].append(row)
    trials = min(len(chosen[0]), len(chosen[1]))
    return np.array(chosen[1][:trials], dtype=np.int64), np.array(chosen[0][:trials], dtype=np.int64)


def _rarer(positive: NDArray[np.bool_], codes: Rows) -> int:
    """Clusters that hold an item of the class of which fewer do."""
    return min(len(np.unique(codes[side])) for side in (positive, ~positive))


def _won(scores: PerItem, better: Rows, worse: Rows) -> PerItem:
    """1 where the first of a pair of rows scores more, 1/2 where they tie."""
    won: PerItem = (np.sign(scores[better] - scores[worse]) + 1.0) / 2
    return won


def _error(influence: PerItem, positive: NDArray[np.bool_], codes: Rows | None) -> tuple[float, float]:
    """Standard error of an AUC, or a difference of two, from placements; and degrees of freedom."""
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if codes is None:
        sides = (influence[positive], influence[~positive])
        return math.sqrt(sum(float(side.var(ddof=1)) / len(side) for side in sides if len(side) > 1)), math.inf
    A = float(influence[positive].mean())
    shares = np.bincount(codes, (influence - A) / np.where(positive, n1, n0)).astype(np.float64)
    C = len(shares)
    return math.sqrt(C / (C - 1) * float(shares @ shares)) if C > 1 else 0.0, C - 1


def _of_disjoint(
    scores: PerItem, positive: NDArray[np.bool_], codes: Rows, *, level: float, unit: str, seed: Seed
) -> Interval:
    """Clopper and Pearson's interval from disjoint pairs, widened to hold the AUC of all pairs."""
    rng = generator(seed)
    won = _won(scores, *disjoint_pairs(positive, codes, seed=rng))
    trials = len(won)
    right = int((won + rng.uniform(-0.5, 0.5, trials) > 0.5).sum())  # a coin for ties: they are right half the time
    low, high = clopper_pearson(right, trials, level=level)
    A = roc_auc(scores, positive)
    method = f"Clopper-Pearson, {trials} disjoint pairs"
    ends = min(low, A), max(high, A)
    return interval(ends, level=level, method=method, unit=unit, n_units=trials, kind=_kind(unit))


def _kind(unit: str) -> Kind:
    """Clusters that differ have an AUC of their own kind: one item of each counts as much as all of another's."""
    return "confident" if unit == "item" else "estimate"
