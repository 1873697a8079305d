r"""Looks: what an attempt at a promise may spend when earlier attempts have failed.

Whoever is refused, labels some more and tries again at the same $\delta$ makes a false promise far more often than
$\delta$ says (17 % for 5 % with 20 looks at growing data). Two ways keep the promise true:

    $\delta_j = \delta / (j (j + 1))$     attempt j, on all labels old and new; the sum over all j is $\delta$
    $W \ge 1 / \delta$                   one cut fixed beforehand, betting on each label as it comes, stopping at will

Symbols: delta -> 1 - `confidence`, j -> `look`, W -> the wealth of `cosimo.statistics.log_wealth`.
Pitfalls: labels that are all fresh excuse no second attempt at the full $\delta$; another target is another
attempt; so is another encoder tried on the same labels.
Reference: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2024,
https://arxiv.org/abs/2010.09686
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from cosimo.decide.fitting.labelled import in_unit_interval
from cosimo.errors import DataError, ShapeError
from cosimo.statistics import log_wealth


def spent(confidence: float, look: int | None) -> float:
    """What this look may spend of delta = 1 - confidence.

    look
        Which attempt at this promise it is, 1 for the first; None where it is the only one there will ever be, which
        spends everything.

    Raises
    ------
    DataError
        A confidence outside (0, 1), or a look that is no count.

    >>> round(spent(0.95, None), 4), round(spent(0.95, 1), 4), round(spent(0.95, 2), 4)
    (0.05, 0.025, 0.0083)
    """
    in_unit_interval(confidence, "confidence")
    delta = round(1 - confidence, 15)  # 1 - 0.95 exceeds 0.05 by the rounding of a float
    if look is None:
        return delta
    if type(look) is not int or look < 1:
        raise DataError(f"look is 1 for the first attempt at a promise, 2 for the second, and so on; got {look!r}")
    return delta / (look * (look + 1))


def settled_after(right: ArrayLike, target: float, *, confidence: float = 0.95) -> int | None:
    """Labels after which one may stop with "more than `target` of them are right", None as long as one may not.

    Unlike a look it may be asked after every label, at the full delta, provided the cut was fixed before the first
    label and nobody chose the order of the labels.

    right
        (n,) 0 or 1 for each label of what the cut accepts, in the order in which they came.

    >>> settled_after([True] * 200, 0.95), settled_after([True] * 20, 0.95)
    (78, None)
    """
    in_unit_interval(target, "target")
    X = np.asarray(right, dtype=np.float64)
    if X.ndim != 1:
        raise ShapeError(f"right must have shape (n,), got {X.shape}")
    if not np.isin(X, (0, 1)).all():
        raise DataError("right must be 1 for a match and 0 for none")
    enough = np.flatnonzero(log_wealth(X, target) >= -math.log(spent(confidence, None)))
    return int(enough[0]) + 1 if len(enough) else None
