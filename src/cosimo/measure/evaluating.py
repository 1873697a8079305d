"""Several systems on the same tasks: each is asked once a task, and all is kept, so that they can be compared.

    (system, task) -> `Report`: one number a metric with its interval, and what a later comparison needs of every item

Pitfalls: means over tasks of different metrics, which mean nothing; two systems compared by whether their intervals
overlap, where the difference on the same items is what counts; a winner among many called the best, where its rank is
one of several it may have.

Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from cosimo._progress import bar
from cosimo.errors import DataError
from cosimo.files.trec import Qrels, Run
from cosimo.measure.comparing import Standings, Versus, standings, versus
from cosimo.measure.metrics.ranked import Ties
from cosimo.measure.results import load_report, save_report
from cosimo.measure.tasks.pairs.pair_classification import PairClassification
from cosimo.measure.tasks.retrieval.retrieval import Retrieval
from cosimo.measure.tasks.task import LabelledTask, as_space
from cosimo.space import Space
from cosimo.types import Report


@final
@dataclass(frozen=True, eq=False)
class Evaluation:
    """Reports of M systems on T tasks.

    tasks
        In the order they were run.
    reports
        System -> task -> report.
    """

    tasks: Sequence[LabelledTask]
    reports: Mapping[str, Mapping[str, Report]]
    seed: int = 0

    @property
    def systems(self) -> list[str]:
        """Their names."""
        return list(self.reports)

    def compare(self, a: str | None = None, b: str | None = None) -> Versus:
        """Two systems on every task and over all of them: how much better the first is, and how sure that is.

        a, b
            The first two systems when None.

        Raises
        ------
        DataError
            A name that is not there, or fewer than two systems.
        """
        names = [a, b] if a is not None and b is not None else self.systems[:2]
        if len(names) < 2 or any(name not in self.reports for name in names):
            raise DataError(f"compare wants two of the systems {', '.join(self.systems)}, got {a!r} and {b!r}")
        return versus(self.tasks, *((name, self.reports[name]) for name in names), seed=self.seed)

    def standings(self) -> Standings:
        """All systems, with the ranks that each may have."""
        return standings(self.tasks, self.reports, seed=self.seed)


def evaluate(
    systems: Mapping[str, Any] | Any,
    tasks: Iterable[LabelledTask] | LabelledTask,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    progress: bool = False,
) -> Evaluation:
    """Run every system on every task.

    Pairs that were used to compare systems are noted in the ledger: they cannot certify a rule for the one that won.

    systems
        Spaces or encoders by name; a single one may come without.
    tasks
        With different names, from `load_suite` or made from your own data; a single one may come without a list.
    out
        A folder that keeps each report as `<system>/<task>.json`; what is there already is not run again, so an
        interrupted run goes on.

    Raises
    ------
    DataError
        No task, two of one name, or a kept report about another system, other data or another seed.

    >>> from cosimo.encode import FunctionEncoder
    >>> from cosimo.measure import STS
    >>> space = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> found = evaluate(space, STS(["a", "b", "c", "d"], ["a", "bb", "cccc", "ddd"], [5.0, 3.0, 1.0, 2.0]))
    >>> found.reports["<lambda>"]["sts"].metrics["spearman"].value
    1.0
    """
    listed = [tasks] if isinstance(tasks, LabelledTask) else list(tasks)
    names = [task.name for task in listed]
    if not listed or len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(
            f"evaluate wants tasks of different names, got {', '.join(twice) + ' twice' if twice else 'none'}"
        )
    spaces = (
        {name: as_space(system) for name, system in systems.items()} if isinstance(systems, Mapping) else named(systems)
    )
    reports: dict[str, dict[str, Report]] = {name: {} for name in spaces}
    with bar(progress, len(spaces) * len(listed), "evaluating") as advance:
        for name, space in spaces.items():
            for task in listed:
                kept = None if out is None else Path(out) / _slug(name) / f"{_slug(task.name)}.json"
                reports[name][task.name] = _report(space, task, kept, seed)
                advance(1)
    if len(spaces) > 1:
        _note(listed)
    return Evaluation(listed, reports, seed)


def evaluate_runs(runs: Mapping[str, Run], qrels: Qrels, *, ties: Ties = "average", seed: int = 0) -> Evaluation:
    """Score runs that were made elsewhere against the same judgements.

    runs
        Run by system, as `cosimo.interchange.read_run` gives them.
    ties
        `average` over the orders of documents that tie, or `trec` for the numbers of trec_eval.

    >>> runs = {"good": {"q": {"a": 0.9, "b": -0.2}}, "bad": {"q": {"a": -0.9, "b": 0.2}}}
    >>> found = evaluate_runs(runs, {"q": {"a": 1}})
    >>> [round(found.reports[name]["qrels"].metrics["mrr"].value, 2) for name in runs]
    [1.0, 0.5]
    """
    task = Retrieval({}, dict.fromkeys(qrels, ""), qrels, name="qrels", ties=ties)
    reports = {name: {task.name: task.score(run, system=name)} for name, run in runs.items()}
    return Evaluation([task], reports, seed)


def named(system: Any) -> dict[str, Space]:
    """A single system under its own name."""
    space = as_space(system)
    return {space.passport.name: space}


def _report(space: Space, task: LabelledTask, kept: Path | None, seed: int) -> Report:
    if kept is None:
        return task.run(space, seed=seed)
    if kept.is_file():
        report = load_report(kept)
        for what, here, there in (
            ("another space", space.passport.key, report.passport),
            ("other data", task.digest, report.items),
            ("another seed", seed, report.seed),
        ):
            if here != there:
                raise DataError(
                    f"{kept} holds a result of {what} ({there}, wanted {here}); remove it, or keep results elsewhere"
                )
        return report
    report = task.run(space, seed=seed)
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_report(report, kept)
    return report


def _slug(name: str) -> str:
    """A name as a file can have it."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "system"


def _note(tasks: Iterable[LabelledTask]) -> None:
    """Note in the ledger of spaces which labelled pairs helped to choose one."""
    import numpy as np

    from cosimo.rules.labels import LabelledPairs
    from cosimo.rules.ledger import FileLedger, note_use
    from cosimo.rules.of_pairs import ledger_path

    for task in tasks:
        if isinstance(task, PairClassification):
            pairs = LabelledPairs(task.name, list(task.a), list(task.b), np.asarray(task.labels, dtype=np.bool_))
            note_use(FileLedger(ledger_path()), pairs, "evaluate", {"bound": task.digest})
