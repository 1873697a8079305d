r"""One difference from several tasks, about these tasks or about tasks like them.

    these tasks          mean_t D_t,    SE^2 = sum_t SE_t^2 / T^2             new items, the same tasks
    tasks like these     mean of the families' means, signs flipped by family    new tasks

The first says how sure the average on this benchmark is; the second how far it carries beyond it, which many items a
task do nothing for.

Symbols: D_t -> `differences` (T,), SE_t -> `errors` (T,), families of tasks (one source, several years) -> `families`.
Pitfalls: either taken for the other; tasks of one family counted as independent; stars for a difference that no
outcome on so few tasks could have earned (`smallest_sign_flip_p`).
Reference: Demsar, Statistical comparisons of classifiers over multiple data sets, 2006,
https://www.jmlr.org/papers/v7/demsar06a.html
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cosimo._random import Seed
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.statistics.means import t_interval
from cosimo.statistics.paired import Comparison, sign_flip_test
from cosimo.statistics.units import as_values, cluster_sums, interval, tail


def over_these_tasks(differences: ArrayLike, errors: ArrayLike, *, level: float = 0.95) -> Comparison:
    """Mean difference over T tasks, for new items of the same tasks.

    differences, errors
        (T,) difference on each task and its standard error.

    >>> found = over_these_tasks([0.02, -0.01, 0.05], [0.01, 0.01, 0.02])
    >>> round(found.difference, 3), round(found.p_value, 3)
    (0.02, 0.014)
    """
    from scipy.special import ndtr, ndtri

    D, SE = as_values(differences, name="differences"), as_values(errors, name="errors")
    if D.shape != SE.shape:
        raise ShapeError(f"each difference wants its error, got {len(D)} and {len(SE)}")
    if SE.min() < 0 or not SE.any():
        raise DataError("errors must not be negative, nor all 0")
    T, value = len(D), float(D.mean())
    error = math.sqrt(float(SE @ SE)) / T
    reach = -float(ndtri(tail(level))) * error
    found = interval((value - reach, value + reach), level=level, method="normal", unit="task", n_units=T)
    scope = "other items of these same tasks; not other tasks, seeds, trainings or annotators"
    return Comparison(value, replace(found, scope=scope), float(2 * ndtr(-abs(value) / error)), "normal, these tasks")


def over_tasks_like_these(
    differences: ArrayLike, *, families: ArrayLike | None = None, level: float = 0.95, seed: Seed = 0
) -> Comparison:
    """Mean difference over families of tasks, for other tasks like them.

    families
        (T,) family of each task; None where each is its own.

    >>> found = over_tasks_like_these([0.02, -0.01, 0.05, 0.04], families=["sts", "sts", "nli", "news"])
    >>> round(found.difference, 3), found.p_value, smallest_sign_flip_p(3)
    (0.032, 0.25, 0.25)
    """
    sums, sizes = cluster_sums(as_values(differences, name="differences"), families)
    D = sums / sizes
    try:
        found = t_interval(D, level=level, unit="family")
        found = replace(found, scope="other tasks like these; not other seeds, trainings or annotators")
    except Refused:  # a single family, or no spread
        found = None
    return Comparison(
        difference=float(D.mean()),
        interval=found,
        p_value=sign_flip_test(D, seed=seed),
        test="sign flip over families of tasks",
        better=float(np.mean(D > 0)),
        equal=float(np.mean(D == 0)),
        worse=float(np.mean(D < 0)),
    )


def smallest_sign_flip_p(n: int) -> float:
    """The p-value of a sign flip test when all n differences point one way: none can be smaller.

    >>> smallest_sign_flip_p(10)
    0.00195
    """
    return min(1.0, 0.5 ** (n - 1))
