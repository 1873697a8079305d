"""Cuts to decisions: +1 accept, 0 ask, -1 reject."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import ShapeError
from cosimo.types import PerItem

ACCEPT, ASK, REJECT = 1, 0, -1


def decide(
    scores: PerItem, *, accept: float, reject: float = -np.inf, veto: NDArray[np.bool_] | None = None
) -> NDArray[np.int8]:
    """(n,) int8: accept where a score reaches `accept`, reject where it stays below `reject`, ask between.

    A score that is NaN, and a pair that is vetoed, is asked. Where the cuts cross, accepting wins.

    >>> decide(np.array([0.9, 0.5, -0.2, np.nan]), accept=0.8, reject=0.0)
    array([ 1,  0, -1,  0], dtype=int8)
    """
    decision = (scores >= accept).astype(np.int8)
    if reject > -np.inf:
        decision -= (scores < min(reject, accept)).astype(np.int8)
    if veto is not None:
        if veto.shape != decision.shape:
            raise ShapeError(f"veto must have shape {decision.shape} like the scores, got {veto.shape}")
        decision[veto] = ASK
    return decision


def above(score: float, dtype: np.dtype[Any]) -> float:
    """The next score above `score` in the scores' own dtype, so that `>=` means strictly more.

    >>> above(0.5, np.dtype(np.float32)) > 0.5
    True
    """
    return float(np.nextafter(dtype.type(score), dtype.type(np.inf)))
