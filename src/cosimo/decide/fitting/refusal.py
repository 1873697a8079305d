r"""Refusal: what to say, and what to do about it, when labels cannot carry a promise of precision.

    q = (k + 1/2) / (n + 1)                the share right at a cut, k of n units, with a doubt
    q <= p at every cut                    more labels will not help, a better score will
    min{n' : Pr(certified | n') >= 0.8}    otherwise: units that may do, of them n labelled already

The chance is counted in redraws of n' units, tried as the next look will. A redraw takes whole units, with replacement,
from those labelled and one more: one that the best cut accepts, right in half of all draws. n' grows in steps, so that
the number is rough.

Symbols: p -> `target`.
Pitfalls: the best cut taken for the first one (walks begin at cuts chosen beforehand, and end where *those*
fail); labels added and the same $\delta$ spent again; the number taken for more than an estimate: it rests on the next
labels being like these; "never" said after a few labels without an error.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cosimo._random import generator
from cosimo.decide.fitting.evidence import Evidence, ExactEvidence
from cosimo.decide.fitting.labelled import Labelled
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import counted
from cosimo.errors import NotEnoughLabels
from cosimo.types import Floats

POSITIVES = 10
"""Matches below which nothing is tried."""
FACTORS = (1.25, 1.6, 2, 3, 4, 6, 8, 12, 16)
REDRAWS, FAILURES = 40, 8
MOST_PAIRS, MOST_BETS, MOST_POOLED = 50_000, 12_000, 5_000
"""In one redraw; with more pairs or bets nothing is tried, and more unlabelled scores are thinned."""
SPOTLESS = 0.05
"""Share of the units that must be accepted without an error for nothing to be said against a target."""


def not_enough(
    evidence: Evidence,
    target: float,
    *,
    confidence: float,
    look: int | None,
    again: Callable[[Labelled], Evidence],
) -> NotEnoughLabels:
    """The refusal after a look at `evidence` that certified nothing; `again` makes such evidence of other labels."""
    j, good = _best(evidence, target)
    minimum = evidence.size(0, target, evidence.share(spent(confidence, look)))
    accepted, wrong, units = int(evidence.accepted[j]), int(evidence.wrong[j]), len(evidence.units(j, target))
    next_look = spent(confidence, look if look is None else look + 1)
    estimate, tried = _further(evidence, j, again, target, next_look) if good else (None, 1.0)
    reachable = good or (wrong == 0 and units >= SPOTLESS * evidence.n)
    unit = evidence.unit
    message = (
        f"{counted(evidence.n, f'labelled {unit}')} cannot carry a precision of {target:g} at confidence {confidence:g}"
        f"{'' if look is None else f', look {look}'}: the best cut accepts {counted(accepted, 'pair')}"
        f"{f' in {counted(units, unit)}' if unit == 'cluster' else ''}, {100 * (1 - wrong / accepted):.3g} % of them "
        f"right, and it takes at least {counted(minimum, unit)} without an error; "
        f"{_advice(reachable, estimate, tried, unit)}"
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
    cuts = np.flatnonzero(evidence.accepted)
    above = np.array([_above(evidence.units(j, target), target) for j in cuts.tolist()])
    if above.max() <= 0:
        return int(cuts[np.argmax(above)]), False
    cuts = cuts[above > 0]
    return int(cuts[np.argmin([*map(evidence.p_values(target), cuts.tolist())])]), True


def _above(X: Floats, target: float) -> float:
    """By how much the mean of the units `X` (n,) exceeds the target, with one more half right and half wrong.

    The one more weighs as much as the heaviest of them.

    >>> round(_above(np.ones(12), 0.9), 4)  # (12 + 1/2) / 13 - 0.9
    0.0615
    """
    weight = max((X - target).max() / (1 - target), (target - X).max() / target)
    return float(((X - target).sum() + weight * (0.5 - target)) / (len(X) + 1))


def _further(
    evidence: Evidence, j: int, again: Callable[[Labelled], Evidence], target: float, delta: float
) -> tuple[int | None, float]:
    """Further units with which the next look at delta probably certifies a cut, and how many times as many were tried.

    None where as many as were tried would not do.
    """
    labels, n, tried = evidence.labels, evidence.n, 1.0
    if labels.unlabelled is not None:
        pool = np.sort(labels.unlabelled)
        labels = replace(labels, unlabelled=pool[:: math.ceil(len(pool) / MOST_POOLED)])
    rng = generator(0)
    for factor in FACTORS:
        if factor * len(labels) > MOST_PAIRS or (factor * n > MOST_BETS and not isinstance(evidence, ExactEvidence)):
            break
        size, failures, tried = math.ceil(factor * n), 0, factor
        for _ in range(REDRAWS):
            failures += not again(_redrawn(labels, size, evidence.cuts[j], rng)).certifies(target, delta)
            if failures > FAILURES:
                break
        else:
            return _rounded(size - n), tried
    return None, tried


def _redrawn(labels: Labelled, size: int, cut: float, rng: np.random.Generator) -> Labelled:
    """So many units with replacement, one of them being in doubt: accepted at the cut, all right or all wrong."""
    codes = np.arange(len(labels)) if labels.clusters is None else labels.clusters
    sizes = np.bincount(codes)
    drawn = rng.integers(0, len(sizes) + 1, size)
    doubtful = drawn == len(sizes)
    drawn[doubtful] = rng.choice(codes[labels.scores >= cut], doubtful.sum())
    kept = sizes[drawn]
    unit = np.repeat(np.arange(size), kept)
    ends = np.cumsum(kept)
    pairs = np.argsort(codes, kind="stable")[(np.cumsum(sizes)[drawn] - ends)[unit] + np.arange(ends[-1])]
    y = np.where(doubtful[unit], rng.integers(0, 2, size).astype(bool)[unit], labels.y[pairs])
    return replace(
        labels,
        scores=labels.scores[pairs],
        y=y,
        clusters=None if labels.clusters is None else unit,
        names=[str(i) for i in range(size)],
        weights=None if labels.weights is None else labels.weights[pairs],
    )


def _rounded(n: float) -> int:
    """Up to two digits that mean something, and at least 1."""
    step = 10.0 ** max(0, math.floor(math.log10(max(n, 1))) - 1)
    return max(1, round(math.ceil(n / step) * step))


def _advice(reachable: bool, estimate: int | None, tried: float, unit: str) -> str:
    if not reachable:
        return "more labels will not help, a better score or a lower target will"
    if estimate is not None:
        return f"about {counted(estimate, f'more labelled {unit}')} may do (an estimate)"
    times = (
        f"more than {tried:g} times as many would be needed, all like these"
        if tried > 1
        else "how many more, no number can be given"
    )
    return f"label more {unit}s ({times})"
