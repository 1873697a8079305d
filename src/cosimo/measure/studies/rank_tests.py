r"""Tests of models by their ranks within each of several data sets.

    r_ij = rank of model j on data set i, 1 the best, equal scores share their mean rank;    R_j = mean_i r_ij
    Q = n^2 (M - 1) sum_j (R_j - (M+1)/2)^2 / (A - n M (M+1)^2 / 4)  ~  chi^2_{M-1},  A = sum_ij r_ij^2     Friedman
    F = (n - 1) Q / (n (M - 1) - Q)  ~  F_{M-1, (n-1)(M-1)}                                           Iman-Davenport
    |R_j - R_l| / sqrt(2 (A - n sum_j R_j^2) / (n (n-1) (M-1)))  ~  |t| of (n-1)(M-1) degrees of freedom     Conover
    |R_j - R_l| / sqrt(M (M+1) / (12 n))  ~  range of M normal variables                                     Nemenyi

Conover's error is that of all models together. Models that are always first or always last have none, so that it is
too small for those in between.

Symbols: n -> data sets or families of them, M -> models, r -> `ranks` (n, M).
Pitfalls: Friedman's statistic without the correction for ties; Nemenyi's quantile taken for that of one pair.
Reference: Conover, Practical nonparametric statistics, 1999; Demsar, Statistical comparisons of classifiers over
multiple data sets, 2006, https://www.jmlr.org/papers/v7/demsar06a.html
"""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from cosimo.errors import DataError
from cosimo.statistics.units import ROUNDING, one_way
from cosimo.types import Floats

Results: TypeAlias = Any
"""A pandas DataFrame, a row a model and a column a data set, or a mapping model -> {data set: score}."""

DIGITS = 12
"""Digits of the largest score to which two must agree to share a rank."""


def score_table(results: Results) -> tuple[list[str], list[str], Floats]:
    """Models, data sets, and (data sets, models) finite scores.

    Raises
    ------
    DataError
        A model has no score on a data set.

    >>> score_table({"a": {"sts": 0.8, "nli": -0.5}})
    (['a'], ['sts', 'nli'], array([[ 0.8], [-0.5]]))
    """
    table = results.to_dict(orient="index") if hasattr(results, "to_dict") else results
    models = [str(model) for model in table]
    sets = list(dict.fromkeys(name for scores in table.values() for name in scores))
    X = np.array([[scores.get(name, math.nan) for scores in table.values()] for name in sets], dtype=np.float64)
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise DataError(f"{models[column]} has no score on {sets[row]}; run it, or leave out one of the two")
    return models, [str(name) for name in sets], X.reshape(len(sets), len(models))


def family_codes(names: list[str], families: Mapping[str, str] | None) -> tuple[np.ndarray[Any, Any], int]:
    """Codes of the families of `names`, and their number; a name without one is its own.

    >>> family_codes(["sts12", "nli", "sts13"], {"sts12": "sts", "sts13": "sts"})
    (array([1, 0, 1]), 2)
    """
    given = {} if families is None else families
    strange = sorted(set(given) - set(names))
    if strange:
        raise DataError(f"families has {', '.join(strange[:3])}, which the results do not; known: {', '.join(names)}")
    return one_way([f"of {given[name]}" if name in given else name for name in names], len(names))


def ranks_within(X: Floats, codes: np.ndarray[Any, Any] | None = None) -> Floats:
    """(n, M) ranks of M models within each row of scores `X`, 1 for the highest; equal ones share their mean rank.

    codes
        Family of each row: the ranks of a family's rows are averaged, and ranked again.

    >>> ranks_within(np.array([[0.8, 0.7, -0.2], [0.5, 0.5, 0.6]]))
    array([[1. , 2. , 3. ], [2.5, 2.5, 1. ]])
    """
    from scipy.stats import rankdata

    size = np.abs(X).max(axis=1, keepdims=True, initial=0.0)
    ranks: Floats = rankdata(-np.round(X / np.where(size > 0, size, 1.0), DIGITS), axis=1)
    if codes is not None and len(np.unique(codes)) < len(codes):
        means = [ranks[codes == code].mean(axis=0) for code in np.unique(codes)]
        ranks = rankdata(np.round(means, DIGITS), axis=1)
    return ranks


def friedman_p(ranks: Floats, *, iman_davenport: bool = False) -> float:
    """p-value of "all M models are equal".

    >>> friedman_p(np.array([[1.0, 2.0, 3.0]] * 4)), friedman_p(np.array([[1.5, 1.5]] * 4))
    (0.0183, 1.0)
    """
    from scipy.special import chdtrc, fdtrc

    n, M = ranks.shape
    spread = float((ranks**2).sum()) - n * M * (M + 1) ** 2 / 4
    if not spread > ROUNDING:
        return 1.0
    Q = n**2 * (M - 1) * float(((ranks.mean(axis=0) - (M + 1) / 2) ** 2).sum()) / spread
    if not iman_davenport:
        return float(chdtrc(M - 1, Q))
    rest = n * (M - 1) / Q - 1 if Q > 0 else math.inf
    return float(fdtrc(M - 1, (n - 1) * (M - 1), (n - 1) / rest)) if rest > ROUNDING else 0.0


def conover_p(ranks: Floats) -> Floats:
    """p-value of each of the M (M - 1) / 2 pairs, in the order of `numpy.triu_indices`, adjusted for nothing.

    >>> conover_p(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]]))
    array([0.0474, 0.0241, 0.5185])
    """
    from scipy.special import stdtr

    n, M = ranks.shape
    means = ranks.mean(axis=0)
    rest = max(float((ranks**2).sum()) - n * float(means @ means), 0.0)
    error = math.sqrt(2 * rest / (n * (n - 1) * (M - 1)))
    apart = _apart(means)
    t = np.divide(apart, error, out=np.where(apart > ROUNDING, np.inf, 0.0), where=error > ROUNDING)
    p: Floats = 2 * stdtr((n - 1) * (M - 1), -t)
    return p


def nemenyi_p(ranks: Floats) -> Floats:
    """p-value of each pair, in the order of `numpy.triu_indices`, which holds for all of them together.

    >>> nemenyi_p(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]]))
    array([0.2317, 0.1025, 0.9122])
    """
    from scipy.stats import studentized_range

    n, M = ranks.shape
    p: Floats = studentized_range.sf(_apart(ranks.mean(axis=0)) / _nemenyi_error(n, M), M, np.inf)
    return p


def critical_difference(n: int, M: int, *, alpha: float = 0.05) -> float:
    """Difference of two of M average ranks over n data sets from which on Nemenyi's p-value is at most alpha.

    >>> critical_difference(14, 4)
    1.254
    """
    from scipy.stats import studentized_range

    return float(studentized_range.isf(alpha, M, np.inf)) * _nemenyi_error(n, M)


def _nemenyi_error(n: int, M: int) -> float:
    return math.sqrt(M * (M + 1) / (12 * n))


def _apart(means: Floats) -> Floats:
    first, second = np.triu_indices(len(means), 1)
    apart: Floats = np.abs(means[first] - means[second])
    return apart
