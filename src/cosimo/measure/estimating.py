r"""A metric on data, with its interval; two systems on the same data; and the values of single units.

    metric of items (n,)       value = mean;  interval and test of a mean, or of a mean over clusters
    metric of the whole set    BCa bootstrap of the whole number, and of the difference, the same rows for both systems
    pseudo-values              theta_c = theta + (C - 1) (mean of the leave-one-out values - the one without c)
                               of a mean over clusters:  R + (s_c - R n_c) C / n

The pseudo-values of C units have the metric for their mean and its error for that of the mean, so that many systems
can be compared at once by what is made for means.

A metric that has an `interval`, a `compare` or a `unit_values` of its own, with the arguments of the functions here
but the first and `unit`, is asked for them: some numbers (areas under curves, correlations, clusterings) have better
ones than the bootstrap. One that splits the items has `keeping_together(clusters)`, itself with clusters left whole.

Symbols: theta -> the metric's value, C -> units: items, or clusters of them; s_c, n_c -> sum and size of cluster c.
Pitfalls: two intervals compared instead of one interval of the difference; items dropped that one system lacks;
items counted as independent that share a query, a topic or a sentence.
Reference: Tukey, Bias and confidence in not-quite large samples, 1958; see `cosimo.statistics` for each interval
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed
from cosimo.contracts import ItemMetric, SetMetric
from cosimo.errors import DataError, Refused
from cosimo.measure.metrics.columns import counted
from cosimo.statistics import (
    Comparison,
    bootstrap_interval,
    compare_paired,
    compare_statistics,
    detectable_difference,
    jackknife_error,
    jackknife_interval,
    mean_interval,
)
from cosimo.statistics.jackknife import Statistic, jackknife_t, left_out_values
from cosimo.statistics.paired import two_sided_p
from cosimo.statistics.units import as_values, cluster_sums
from cosimo.types import Estimate, Interval, PerItem, Rows

Metric: TypeAlias = ItemMetric | SetMetric


def estimate(
    metric: Metric,
    truth: Any,
    pred: Any,
    *,
    clusters: ArrayLike | None = None,
    unit: str = "item",
    level: float = 0.95,
    seed: Seed = 0,
) -> Estimate:
    """The metric of answers `pred` against `truth`, with its interval, and per item where it is a mean of items.

    The interval is None where nothing in the data says how far the value may be off.

    clusters
        (n,) cluster of each item, where items of one cluster may depend on each other; (n, 2) where pairs share items
        on both sides, for which the jackknife over items is used.
    unit
        What an item is called in the interval.

    Raises
    ------
    DataError
        No item, or whatever the metric refuses.

    >>> from cosimo.measure import Accuracy
    >>> found = estimate(Accuracy(), [1, -1, 1, 1, -1, 1], [1, -1, -1, 1, -1, 1])
    >>> round(found.value, 3), found.interval.method, round(found.interval.low, 2), round(found.interval.high, 2)
    (0.833, 'Clopper-Pearson', 0.36, 1.0)
    """
    metric = _keeping_together(metric, clusters)
    value, values = _values(metric, truth, pred)
    own = getattr(metric, "interval", None)
    try:
        if own is not None:
            found = own(truth, pred, clusters=clusters, level=level, seed=seed)
        elif values is None or _two_way(clusters):
            statistic = _mean(values) if values is not None else on_rows(metric, truth, pred)
            found = _resampled(statistic, len(truth), clusters=clusters, unit=unit, level=level, seed=seed)
        else:
            found = mean_interval(values, clusters=clusters, bounds=metric.tags.bounds, level=level, unit=unit)
    except Refused:
        return Estimate(value, None, values)
    low, high = np.clip((found.low, found.high), *metric.tags.bounds)
    return Estimate(value, replace(found, low=float(low), high=float(high)), values)


def compare(
    metric: Metric,
    truth: Any,
    a: Any,
    b: Any,
    *,
    clusters: ArrayLike | None = None,
    unit: str = "item",
    level: float = 0.95,
    seed: Seed = 0,
) -> Comparison:
    """How much more system `a` has of the metric than system `b`, on the same items.

    The difference is a minus b, also where lower is better; `better` and `worse` are shares of items on which a did
    better and worse.

    clusters
        (n,) or (n, 2), as for `estimate`.

    Raises
    ------
    Refused
        The systems differ, and nothing in the data says by how much they might not.

    >>> from cosimo.measure import Accuracy
    >>> found = compare(Accuracy(), [1, 1, 1, -1], [1, 1, 1, 1], [-1, -1, 1, -1])
    >>> found.difference, found.better, found.worse, found.p_value
    (0.25, 0.5, 0.25, 1.0)
    """
    metric = _keeping_together(metric, clusters)
    own = getattr(metric, "compare", None)
    if own is not None:
        found: Comparison = own(truth, a, b, clusters=clusters, level=level, seed=seed)
        return found
    (_, first), (_, second) = _values(metric, truth, a), _values(metric, truth, b)
    if first is None or second is None or _two_way(clusters):
        one, other = (
            on_rows(metric, truth, pred) if values is None else _mean(values)
            for pred, values in ((a, first), (b, second))
        )
        if clusters is not None and _two_way(clusters):
            return compare_two_way(one, other, len(truth), clusters=clusters, level=level, seed=seed)
        return compare_statistics(one, other, len(truth), clusters=clusters, level=level, unit=unit, seed=seed)
    found = compare_paired(
        first, second, clusters=clusters, bounds=metric.tags.bounds, level=level, unit=unit, seed=seed
    )
    return found if metric.tags.higher_is_better else replace(found, better=found.worse, worse=found.better)


def unit_values(metric: Metric, truth: Any, pred: Any, *, clusters: ArrayLike | None = None, seed: Seed = 0) -> PerItem:
    """(C,) one value a unit, an item or a cluster, whose mean is the metric and whose spread gives its error.

    Many units of a metric of the whole set are taken together in 200 random groups, the same ones for every system
    that gets the same `seed`.

    >>> from cosimo.measure import Accuracy
    >>> unit_values(Accuracy(), [1, 1, -1, -1], [1, -1, -1, -1], clusters=["a", "a", "a", "b"])
    array([0.625, 0.875])
    """
    metric = _keeping_together(metric, clusters)
    own = getattr(metric, "unit_values", None)
    if own is not None:
        found: PerItem = own(truth, pred, clusters=clusters, seed=seed)
        return found
    value, values = _values(metric, truth, pred)
    if values is None:
        left_out, _ = left_out_values(on_rows(metric, truth, pred), len(truth), clusters=clusters, seed=seed)
        return pseudo_values(value, left_out)
    if clusters is None:
        return values
    if _two_way(clusters):
        return pseudo_values(value, left_out_values(_mean(values), len(values), clusters=clusters, seed=seed)[0])
    sums, sizes = cluster_sums(values, clusters)
    return value + (sums - value * sizes) * (len(sums) / len(values))


def on_rows(metric: Metric, truth: Any, pred: Any) -> Statistic:
    """A metric of the whole set as a function of rows, told by how often each is among them: copies stay one item.

    One that has `on(truth, pred)`, itself as a function of the weights, does most of its work only once.

    >>> from cosimo.measure import Spearman
    >>> on_rows(Spearman(), [1.0, 2.0, 3.0], [-1.0, 5.0, 2.0])(np.array([0, 0, 1]))
    1.0
    """
    prepared, n = getattr(metric, "on", None), len(truth)
    whole = partial(cast("SetMetric", metric), truth, pred) if prepared is None else prepared(truth, pred)
    return lambda rows: float(whole(counted(rows, n)))


def compare_two_way(
    first: Statistic, second: Statistic, n: int, *, clusters: ArrayLike, level: float = 0.95, seed: Seed = 0
) -> Comparison:
    """Compare two statistics of n rows of which each belongs to two of the `clusters`, leaving out one at a time.

    >>> x = np.array([0.3, -0.1, 0.2, 0.4])
    >>> names = [["a", "b"], ["a", "c"], ["b", "c"], ["c", "d"]]
    >>> found = compare_two_way(lambda rows: x[rows].mean(), lambda rows: 0.0, 4, clusters=names)
    >>> found.difference, found.test
    (0.2, 'paired jackknife over items')
    """

    def apart(rows: Rows) -> float:
        return float(first(rows) - second(rows))

    test = "paired jackknife over items"
    left_out, count = left_out_values(apart, n, clusters=clusters, seed=seed)
    value = apart(np.arange(n))
    if not left_out.any() and value == 0:
        return Comparison(0.0, None, 1.0, test)
    found = jackknife_t(value, left_out, level=level, unit="cluster", n_units=count)
    error, df = jackknife_error(left_out), len(left_out) - 1
    detectable = detectable_difference(error, df, level=level)
    return Comparison(value, found, two_sided_p(value / error, df), test, detectable=detectable)


def pseudo_values(value: float, left_out: PerItem) -> PerItem:
    """(C,) values whose mean is `value`, from what it is without each unit in turn (C,).

    >>> pseudo_values(2.0, np.array([3.0, 2.0, 1.0]))
    array([0., 2., 4.])
    """
    values: PerItem = value + (len(left_out) - 1) * (left_out.mean() - left_out)
    return values


def _keeping_together(metric: Metric, clusters: ArrayLike | None) -> Metric:
    """The metric, told what it must not split where it splits the items."""
    told = getattr(metric, "keeping_together", None)
    return metric if told is None or clusters is None else cast("Metric", told(clusters))


def _values(metric: Metric, truth: Any, pred: Any) -> tuple[float, PerItem | None]:
    """The metric's value, and the values (n,) it averages; None for a metric of the whole set."""
    if not len(truth):
        raise DataError("there is no item, and a metric of none means nothing; give at least one")
    found = metric(truth, pred)
    if np.ndim(found) == 0:
        return float(found), None
    values = as_values(found, name="the metric's values")
    return float(values.mean()), values


def _mean(values: PerItem) -> Statistic:
    return lambda rows: float(values[rows].mean()) if len(rows) else math.nan


def _two_way(clusters: ArrayLike | None) -> bool:
    return clusters is not None and np.ndim(clusters) == 2


def _resampled(
    statistic: Statistic, n: int, *, clusters: ArrayLike | None, unit: str, level: float, seed: Seed
) -> Interval:
    way = jackknife_interval if _two_way(clusters) else bootstrap_interval
    return way(statistic, n, clusters=clusters, level=level, unit=unit, seed=seed)
