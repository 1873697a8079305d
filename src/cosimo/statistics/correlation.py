r"""Correlations of two columns, and how sure they are.

    Pearson r;  Spearman = r of mid-ranks;  Kendall tau-b = (concordant - discordant) / sqrt(untied in x, untied in y)
    atanh r +- t_{C-1} SE_jackknife(atanh r), turned back by tanh        or BCa over pairs, or over clusters of them
    SE(atanh Spearman) = sqrt((1 + r^2 / 2) / (n - 3))                   Bonett and Wright's, as a cross-check
    r = 1: n / 2 disjoint pairs were all concordant, so tau >= 2 L - 1 (L: Clopper and Pearson's lower end), and
           Spearman >= (3 tau - 1) / 2

Symbols: x, y -> `x`, `y` (n,), one row a scored pair of items; C -> rows, or clusters of them.
Pitfalls: Fisher's sqrt(1 / (n - 3)) for ranks (true coverage .90 to .93 for a stated .95); pairs that share a
sentence counted as independent; an interval of width zero at r = 1.
Reference: Bonett and Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations, 2000,
https://doi.org/10.1007/BF02294183; Daniels, Rank correlation and population models, 1950
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.statistics.binomial import clopper_pearson
from cosimo.statistics.jackknife import jackknife_t, left_out_values
from cosimo.statistics.resampling import bootstrap_interval
from cosimo.statistics.units import ROUNDING, as_values, interval, tail
from cosimo.types import Interval, PerItem, Rows

Coefficient = Literal["pearson", "spearman", "kendall"]


def correlation(x: ArrayLike, y: ArrayLike, *, coefficient: Coefficient = "spearman") -> float:
    """Correlation of `x` (n,) and `y` (n,); NaN where one of them is constant.

    >>> correlation([1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 8.0, 7.0])
    0.8
    """
    return _coefficient(*_columns(x, y), coefficient)


def correlation_interval(
    x: ArrayLike,
    y: ArrayLike,
    *,
    coefficient: Coefficient = "spearman",
    method: Literal["jackknife", "bca"] = "jackknife",
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    seed: Seed = 0,
) -> Interval:
    """Interval of the correlation of `x` (n,) and `y` (n,), one row a pair.

    method
        The jackknife of atanh r, or the BCa bootstrap.
    clusters
        (n,) cluster of each pair, such as a sentence it shares; (n, 2) where pairs share items on both sides, which
        only the jackknife can take.

    Raises
    ------
    Refused
        A constant column, too few pairs, or Pearson's r = 1, of which no data say how far from 1 the true one may be.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=100)
    >>> found = correlation_interval(x, x + rng.normal(size=100))
    >>> round(found.low, 2), round(found.high, 2)
    (0.64, 0.82)
    """
    x, y = _columns(x, y)
    r = _coefficient(x, y, coefficient)
    if math.isnan(r):
        raise Refused("a constant column is correlated with nothing; look at where it comes from")
    if 1 - abs(r) < ROUNDING:
        return _perfect(x, y, coefficient, clusters=clusters, level=level)

    def statistic(rows: Rows) -> float:
        return _coefficient(x[rows], y[rows], coefficient)

    if method == "bca":
        return bootstrap_interval(statistic, len(x), clusters=clusters, level=level, unit="pair", seed=seed)
    unit = "pair" if clusters is None else "cluster"
    left_out, count = left_out_values(statistic, len(x), clusters=clusters, seed=seed)
    if np.abs(left_out).max() < 1 - ROUNDING:
        found = jackknife_t(math.atanh(r), np.arctanh(left_out), level=level, unit=unit, n_units=count)
        ends, name = (math.tanh(found.low), math.tanh(found.high)), "jackknife t of atanh r"
    else:  # without one unit the correlation is perfect, and atanh infinite
        found = jackknife_t(r, left_out, level=level, unit=unit, n_units=count)
        ends, name = (found.low, found.high), found.method
    return interval(ends, level=level, method=name, unit=unit, n_units=count, bounds=(-1.0, 1.0))


def bonett_wright_interval(r: float, n: int, *, level: float = 0.95) -> Interval:
    """Interval of a Spearman correlation `r` of n independent pairs from nothing but these two.

    >>> found = bonett_wright_interval(-0.6, 50)
    >>> round(found.low, 3), round(found.high, 3)
    (-0.763, -0.365)
    """
    from scipy.special import ndtri

    if not -1 < r < 1 or n < 4:
        raise DataError(f"wanted a correlation strictly between -1 and 1 of at least 4 pairs, got {r:g} of {n}")
    reach = -float(ndtri(tail(level))) * math.sqrt((1 + r**2 / 2) / (n - 3))
    ends = math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach)
    return interval(ends, level=level, method="Bonett-Wright", unit="pair", n_units=n)


def _columns(x: ArrayLike, y: ArrayLike) -> tuple[PerItem, PerItem]:
    first, second = as_values(x, name="x"), as_values(y, name="y")
    if first.shape != second.shape:
        raise ShapeError(f"x and y must be equally long, got {len(first)} and {len(second)}")
    return first, second


def _coefficient(x: PerItem, y: PerItem, coefficient: Coefficient) -> float:
    """The correlation of checked columns."""
    from scipy.stats import kendalltau, rankdata

    if not len(x) or x.min() == x.max() or y.min() == y.max():
        return math.nan
    if coefficient == "kendall":
        return float(kendalltau(x, y).statistic)
    if coefficient == "spearman":
        x, y = rankdata(x), rankdata(y)
    u, v = x - x.mean(), y - y.mean()
    u, v = u / np.abs(u).max(), v / np.abs(v).max()  # squares of tiny numbers would vanish
    return float(np.clip(u @ v / math.sqrt(float(u @ u) * float(v @ v)), -1.0, 1.0))


def _perfect(x: PerItem, y: PerItem, coefficient: Coefficient, *, clusters: ArrayLike | None, level: float) -> Interval:
    """The interval that reaches 1, or -1, where every pair of rows is ordered alike."""
    tied = len(np.unique(x)) < len(x) or len(np.unique(y)) < len(y)
    if coefficient == "pearson" or clusters is not None or tied or len(x) < 4:
        raise Refused(
            f"the {coefficient} correlation of these {len(x)} pairs is perfect, and nothing in them says how far from "
            "it the true one may be; give more pairs"
        )
    trials = len(x) // 2
    end = 2 * clopper_pearson(trials, trials, level=level)[0] - 1
    if coefficient == "spearman":
        end = (3 * end - 1) / 2
    rising = correlation(x, y, coefficient="kendall") > 0
    ends = (end, 1.0) if rising else (-1.0, -end)
    name = f"Clopper-Pearson, {trials} disjoint pairs of pairs"
    return interval(ends, level=level, method=name, unit="pair", n_units=len(x), kind="confident", bounds=(-1.0, 1.0))
