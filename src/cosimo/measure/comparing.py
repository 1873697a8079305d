"""Two systems over several tasks, and many systems in ranks that the data allow.

Two scopes are kept apart (STS of these very sentences; tasks like these): the first grows sure with items, the second
only with families of tasks. Ranks come as sets; a mean and a Borda count only describe.

    Borda(i) = mean over tasks of the share of other systems that i beats, ties half

Pitfalls: ranks 1 to N read off means; tasks of one family counted as independent; a difference that no outcome
on so few tasks could have shown, printed with stars.
Reference: Demsar 2006, Statistical comparisons of classifiers over multiple data sets,
https://www.jmlr.org/papers/v7/demsar06a.html; Mogstad et al. 2024, Inference for ranks,
https://doi.org/10.1093/restud/rdad006
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from cosimo.errors import DataError, Refused
from cosimo.measure.estimating import compare, unit_values
from cosimo.measure.results import kept
from cosimo.measure.tasks.task import LabelledTask
from cosimo.statistics import (
    Comparison,
    RankSets,
    holm,
    over_tasks_like_these,
    over_these_tasks,
    rank_sets,
    smallest_sign_flip_p,
)
from cosimo.types import Estimate, Floats, PerItem, Report

ALPHA = 0.05


@final
@dataclass(frozen=True, eq=False)
class OnTask:
    """Two systems on one task, by the metric it quotes.

    comparison
        First minus second.
    p_adjusted
        Holm's, over all tasks compared.
    """

    task: str
    metric: str
    family: str
    a: Estimate
    b: Estimate
    comparison: Comparison
    p_adjusted: float
    n: int


@final
@dataclass(frozen=True, eq=False)
class Versus:
    """Two systems on the same tasks.

    these, like_these
        The mean difference, for other items of these tasks, and for other tasks like them; None with a single task.
    families
        How many families the tasks belong to: the units of `like_these`.
    """

    a: str
    b: str
    tasks: Sequence[OnTask]
    these: Comparison | None
    like_these: Comparison | None
    families: int

    @property
    def verdict(self) -> str:
        """What may be said, in a sentence."""
        if len(self.tasks) == 1:
            return _on_one(self.a, self.b, self.tasks[0])
        return _on_many(self)

    def to_json(self) -> dict[str, Any]:
        """All of it in plain values."""
        return {
            "a": self.a,
            "b": self.b,
            "tasks": [
                {
                    **{name: getattr(row, name) for name in ("task", "metric", "family", "n", "p_adjusted")},
                    "a": row.a.value,
                    "b": row.b.value,
                    **asdict(row.comparison),
                }
                for row in self.tasks
            ],
            "these_tasks": None if self.these is None else asdict(self.these),
            "tasks_like_these": None if self.like_these is None else asdict(self.like_these),
            "families": self.families,
            "verdict": self.verdict,
        }


@final
@dataclass(frozen=True, eq=False)
class Standings:
    """M systems over T tasks.

    systems
        Best mean first.
    means, borda
        (M,) mean of the quoted metrics, and mean share of other systems beaten; they describe, and prove nothing.
    values
        (M, T) the quoted metric of each system on each task.
    ranks
        Which ranks each system may have, for other items of these tasks; systems in the order given here.
    """

    systems: Sequence[str]
    tasks: Sequence[str]
    means: Floats
    borda: Floats
    values: Floats
    ranks: RankSets

    @property
    def top(self) -> list[str]:
        """The systems that may be best: the best one is among them in about 95 of 100 repetitions."""
        return [name for name, first in zip(self.systems, self.ranks.top, strict=True) if first]

    def to_json(self) -> dict[str, Any]:
        """All of it in plain values."""
        return {
            "systems": list(self.systems),
            "tasks": list(self.tasks),
            "means": self.means.tolist(),
            "borda": self.borda.tolist(),
            "values": self.values.tolist(),
            "ranks": np.stack([self.ranks.lowest, self.ranks.highest], axis=1).tolist(),
            "top": self.top,
            "method": self.ranks.method,
        }


Reports = Mapping[str, Report]


def versus(tasks: Sequence[LabelledTask], a: tuple[str, Reports], b: tuple[str, Reports], *, seed: int = 0) -> Versus:
    """Compare system `a` with system `b`, each a name and its reports by task.

    Raises
    ------
    DataError
        Reports of a task about different data.
    """
    (first, of_first), (second, of_second) = a, b
    found = [(task, *_of_both(task, of_first, of_second)) for task in tasks]
    comparisons = [_compared(task, one, other, seed) for task, one, other in found]
    adjusted = holm([comparison.p_value for comparison in comparisons])
    rows = [
        OnTask(task.name, m, task.family or task.name, one.metrics[m], other.metrics[m], comparison, float(p), one.n)
        for (task, one, other), comparison, p in zip(found, comparisons, adjusted, strict=True)
        for m in [task.headline]
    ]
    families = [row.family for row in rows]
    these = like = None
    if len(rows) > 1:
        D = [row.comparison.difference for row in rows]
        errors = [_error(task, one, other, seed) for task, one, other in found]
        these = over_these_tasks(D, errors) if any(errors) else None
        like = over_tasks_like_these(D, families=families, seed=seed)
    return Versus(first, second, rows, these, like, len(set(families)))


def standings(tasks: Sequence[LabelledTask], reports: Mapping[str, Reports], *, seed: int = 0) -> Standings:
    """Rank systems by the mean of what each task quotes.

    Raises
    ------
    DataError
        A single system, or reports of a task about different data.
    """
    names = list(reports)
    if len(names) < 2:
        raise DataError(f"a ranking wants two systems at least, got {', '.join(names) or 'none'}")
    values = np.array([[reports[name][task.name].metrics[task.headline].value for task in tasks] for name in names])
    beaten = (np.sign(values[:, None] - values[None]).sum(axis=1) + len(names) - 1) / (2 * (len(names) - 1))
    order = np.argsort(-values.mean(axis=1), kind="stable")
    blocks = []
    for task in tasks:
        of_task = [reports[names[i]][task.name] for i in order]
        for other in of_task[1:]:
            _same_items(task, of_task[0], other)
        blocks.append(np.stack([_units(task, report, seed) for report in of_task], axis=1))
    strata = np.repeat(np.arange(len(tasks)), [len(block) for block in blocks])
    return Standings(
        systems=[names[i] for i in order],
        tasks=[task.name for task in tasks],
        means=values.mean(axis=1)[order],
        borda=beaten.mean(axis=1)[order],
        values=values[order],
        ranks=rank_sets(np.concatenate(blocks), strata=strata, seed=seed),
    )


def _of_both(task: LabelledTask, a: Reports, b: Reports) -> tuple[Report, Report]:
    one, other = a[task.name], b[task.name]
    _same_items(task, one, other)
    return one, other


def _same_items(task: LabelledTask, one: Report, other: Report) -> None:
    if one.items != other.items:
        raise DataError(
            f"the two results of {task.name} are about different data and cannot be compared; run both anew"
        )


def _compared(task: LabelledTask, one: Report, other: Report, seed: int) -> Comparison:
    name = task.headline
    metric, truth, a = kept(one, name, task.metrics[name])
    _, _, b = kept(other, name, task.metrics[name])
    try:
        return compare(metric, truth, a, b, clusters=one.clusters, unit=task.unit, seed=seed)
    except Refused as reason:  # they differ, and nothing says how sure that is
        apart = one.metrics[name].value - other.metrics[name].value
        return Comparison(apart, None, 1.0, f"none: {reason}")


def _units(task: LabelledTask, report: Report, seed: int) -> PerItem:
    name = task.headline
    return unit_values(*kept(report, name, task.metrics[name]), clusters=report.clusters, seed=seed)


def _error(task: LabelledTask, one: Report, other: Report, seed: int) -> float:
    """Standard error of a difference, from the units that both have."""
    apart = _units(task, one, seed) - _units(task, other, seed)
    return float(apart.std(ddof=1)) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0


def _on_one(a: str, b: str, row: OnTask) -> str:
    found = row.comparison
    ends = found.interval
    between = "" if ends is None else f" ({ends.low:+.3f} to {ends.high:+.3f}, {ends.level:.0%})"
    told = f"on {row.task}: {found.difference:+.3f}{between}, p = {found.p_value:.2g}"
    if found.p_value <= ALPHA:
        better, worse = (a, b) if found.difference > 0 else (b, a)
        return f"{better} is better than {worse} {told}"
    seen = "" if found.detectable is None else f"; a true difference of {found.detectable:.3f} would likely be seen"
    return f"{a} and {b} cannot be told apart {told}{seen}"


def _on_many(found: Versus) -> str:
    if all(row.comparison.difference == 0 for row in found.tasks):
        return f"{found.a} and {found.b} have the same value on every task"
    parts = []
    for scope, comparison in (("on these tasks", found.these), ("on tasks like these", found.like_these)):
        if comparison is None:
            continue
        told = f"{comparison.difference:+.3f} on average, p = {comparison.p_value:.2g}"
        if comparison.p_value <= ALPHA:
            better, worse = (found.a, found.b) if comparison.difference > 0 else (found.b, found.a)
            parts.append(f"{scope} {better} is better than {worse} ({told})")
        elif comparison is found.like_these and smallest_sign_flip_p(found.families) > ALPHA:
            parts.append(f"{scope} nothing can be shown by {found.families} families, whatever their outcome")
        else:
            parts.append(f"{scope} they cannot be told apart ({told})")
    return "; ".join(parts)
