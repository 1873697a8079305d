r"""Refusal: what to say, and what to do about it, when labels cannot carry a promise of precision.

    q = (k + 1/2) / (n + 1)                             the share right at a cut, k of n units, with a doubt
    q <= p at every cut                                 more labels will not help, a better score will
    min{n : Pr(Bin(n, q) >= crit(n, delta')) >= 0.8}    otherwise: pairs accepted at the best cut that may do

By betting n is counted in 100 redraws of the units at the best cut, in place of the binomial.

Symbols: p -> `target`, delta' -> what one walk of the next look may spend, of as many walks as there can be.
Often got wrong: labels added and the same $\delta$ spent again; the number taken for more than an estimate: it rests on
the best of many cuts, on the next labels being like these, and on higher cuts that pass as well; "never" said after a
few labels without an error.
"""

import math

import numpy as np
from numpy.typing import NDArray

from cosimo._random import generator
from cosimo.decide.thresholds.cuts import errors_to_allow
from cosimo.decide.thresholds.evidence import Evidence, ExactEvidence
from cosimo.decide.thresholds.looks import spent
from cosimo.errors import NotEnoughLabels
from cosimo.statistics import critical, exact_p_value, log_wealth
from cosimo.types import Floats

POSITIVES = 10
"""Matches below which nothing is tried."""
POWER = 0.8
REDRAWS = 100
MOST_PAIRS, MOST_UNITS = 10_000_000, 16_384
"""Beyond these no number is given."""
SPOTLESS = 0.05
"""Share of the units that must be accepted without an error for nothing to be said against a target."""


def not_enough(evidence: Evidence, target: float, *, confidence: float, look: int | None) -> NotEnoughLabels:
    """The refusal after a look at `evidence` that certified nothing."""
    j, good = _best(evidence, target)
    minimum = evidence.size(0, target, evidence.share(spent(confidence, look)))
    X = evidence.units(j, target)
    accepted, wrong = int(evidence.accepted[j]), int(evidence.wrong[j])
    wanted = None
    if good:
        next_look = spent(confidence, look if look is None else look + 1) / len(errors_to_allow(MOST_PAIRS))
        exact = isinstance(evidence, ExactEvidence)
        wanted = pairs_wanted(_drawn_in(X, target), target, next_look) if exact else units_wanted(X, target, next_look)
    reachable = good or (wrong == 0 and len(X) >= SPOTLESS * evidence.n)
    estimate = None if wanted is None else _rounded((wanted - len(X)) * evidence.n / len(X))
    unit = evidence.unit
    message = (
        f"{_count(evidence.n, f'labelled {unit}')} cannot carry a precision of {target:g} at confidence {confidence:g}"
        f"{'' if look is None else f', look {look}'}: the best cut accepts {_count(accepted, 'pair')}"
        f"{f' in {_count(len(X), unit)}' if unit == 'cluster' else ''}, {100 * (1 - wrong / accepted):.3g} % of them "
        f"right, and it takes at least {_count(minimum, unit)} without an error; {_advice(reachable, estimate, unit)}"
        f"{'; look=None left nothing for another attempt' if look is None else ''}"
    )
    return NotEnoughLabels(message, minimum=minimum, estimate=estimate, reachable=reachable)


def too_few_matches(matches: int, n: int, minimum: int) -> NotEnoughLabels:
    """The refusal of n labels with fewer than `POSITIVES` matches, where it takes `minimum` units without an error."""
    estimate = _rounded(max(minimum, POSITIVES) * n / matches - n)
    return NotEnoughLabels(
        f"only {matches} of {n:,} labels are matches, and a promise of precision wants at least {POSITIVES}; about "
        f"{estimate:,} more labels drawn like these may do (an estimate), fewer if a low cut first leaves out most of "
        "what is no match",
        minimum=minimum,
        estimate=estimate,
        reachable=True,
    )


def _best(evidence: Evidence, target: float) -> tuple[int, bool]:
    """The cut that speaks most for the target, and whether it looks good enough at all."""
    cuts = range(len(evidence.cuts))
    means = np.array([_drawn_in(evidence.units(j, target), target) for j in cuts])
    good = means > target
    if not good.any():
        return int(np.argmax(means)), False
    p_values = np.array([*map(evidence.p_values(target), cuts)])
    return int(np.argmin(np.where(good, p_values, np.inf))), True


def _drawn_in(X: Floats, target: float) -> float:
    """The mean of the units and of one that is half right and half wrong."""
    units, chances = _with_doubt(X, target)
    return float(units @ chances)


def _with_doubt(X: Floats, target: float) -> tuple[Floats, NDArray[np.float64]]:
    """Units, one as good and one as bad as those seen can be among them, and chances, half for each of those two."""
    reach = max(np.max(X - target, initial=0) / (1 - target), np.max(target - X, initial=0) / target)
    units = np.append(X, [target + reach * (1 - target), target - reach * target])
    chances = np.append(np.ones(len(X)), [0.5, 0.5])
    return units, chances / chances.sum()


def _rounded(n: float) -> int:
    """Up to two digits that mean something, and at least 1."""
    step = 10.0 ** max(0, math.floor(math.log10(max(n, 1))) - 1)
    return max(1, round(math.ceil(n / step) * step))


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _advice(reachable: bool, estimate: int | None, unit: str) -> str:
    if not reachable:
        return "more labels will not help, a better score or a lower target will"
    if estimate is None:
        return f"label more {unit}s (how many more, no number can be given)"
    return f"about {_count(estimate, f'more labelled {unit}')} may do (an estimate)"


def pairs_wanted(q: float, target: float, delta: float) -> int | None:
    """Fewest pairs, to 1 %, of which a share q right rejects "at most `target`" at delta with probability 0.8.

    >>> pairs_wanted(0.97, 0.95, 0.025), pairs_wanted(0.94, 0.95, 0.025)
    (810, None)
    """
    if q <= target:
        return None
    n = np.unique(np.ceil(1.01 ** np.arange(int(math.log(MOST_PAIRS) / math.log(1.01)))).astype(np.int64))
    enough = exact_p_value(critical(n, target, delta), n, q) >= POWER
    return int(n[np.argmax(enough)]) if enough.any() else None


def units_wanted(X: Floats, target: float, delta: float) -> int | None:
    """Fewest units like `X` (n,) on which betting rejects "the mean is at most `target`" at delta, in 0.8 of redraws.

    >>> units_wanted(np.ones(60), 0.9, 0.025)
    71
    >>> units_wanted(np.full(60, 0.85), 0.9, 0.025) is None
    True
    """
    units, chances = _with_doubt(X, target)
    if units @ chances <= target:
        return None
    rng, n = generator(0), 256
    while n <= MOST_UNITS:
        reached = log_wealth(rng.choice(units, (REDRAWS, n), p=chances), target) >= -math.log(delta)
        first = np.sort(np.where(reached.any(axis=1), reached.argmax(axis=1), n))[round(POWER * REDRAWS) - 1]
        if first < n:
            return int(first) + 1
        n *= 4
    return None
