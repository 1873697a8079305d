"""Remedies tried: of each kind the best is chosen on one part, and its effect measured on another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosimo._random import Seed
from cosimo.doctor.findings import Trial
from cosimo.doctor.job import Parts
from cosimo.doctor.remedies import Remedy, remedies
from cosimo.errors import DataError
from cosimo.statistics import compare_paired, mean_interval
from cosimo.types import Estimate, PerItem, Rows


@dataclass(frozen=True)
class _Chosen:
    tried: tuple[tuple[str, float], ...]
    best: Remedy | None


def try_all(kinds: Sequence[str], parts: Parts, *, level: float = 0.95, seed: Seed = 0) -> dict[str, Trial]:
    """What came of the remedies of each kind.

    level
        Of all intervals together: each has a share of what may go wrong (Bonferroni), over the kinds of which a remedy
        gained something where it was chosen.
    """
    chosen = {kind: _choose(kind, parts) for kind in kinds}
    measured = sum(found.best is not None for found in chosen.values())
    each = 1 - (1 - level) / max(measured, 1)
    return {kind: _measured(found, parts, each, seed) for kind, found in chosen.items() if found.tried}


def _choose(kind: str, parts: Parts) -> _Chosen:
    """The remedy with the largest mean gain, if any gains."""
    gains: list[tuple[Remedy, float]] = []
    for remedy in remedies(kind, parts.learn):
        try:
            after = remedy.ranks(parts.learn, parts.choose)
        except DataError:  # too little to learn from
            continue
        gains.append((remedy, float(after.mean() - parts.choose.before.mean())))
    best = max(gains, key=lambda pair: pair[1], default=None)
    tried = tuple((remedy.name, gain) for remedy, gain in gains)
    return _Chosen(tried, best[0] if best is not None and best[1] > 0 else None)


def _measured(found: _Chosen, parts: Parts, level: float, seed: Seed) -> Trial:
    before = parts.measure.before
    question = f"{len(before):,} {parts.question}, {len(parts.measure.X):,} candidates"
    if found.best is None:
        return Trial(found.tried, None, "", _mean(before), None, None, question)
    after = found.best.ranks(parts.learn, parts.measure)
    clusters = None if len(np.unique(_answers(parts))) == len(before) else _answers(parts)
    comparison = compare_paired(after, before, clusters=clusters, level=level, unit="question", seed=seed)
    return Trial(
        tried=found.tried,
        chosen=found.best.name,
        advice=found.best.advice,
        before=_mean(before),
        after=_mean(after),
        comparison=comparison,
        question=question,
        refiner=None if found.best.learn is None else found.best.learn(parts.learn.X.astype(np.float64)),
    )


def _answers(parts: Parts) -> Rows:
    """(m,) the first right answer of each question: questions that share it depend on each other."""
    first: Rows = np.argmax(parts.measure.right, axis=1)
    return first


def _mean(values: PerItem) -> Estimate:
    return Estimate(float(values.mean()), mean_interval(values, unit="question"), values)
