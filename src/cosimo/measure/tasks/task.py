"""What every task does: ask a system, score its answers, and report with all that is needed to do it again.

A task holds its data and its metrics. `answer` asks the system; nothing else in a task sees it. Metrics that average
over items keep a value for each item in the report, all others what they were computed from, so that two reports can
be compared item by item later.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosimo.contracts import Encoder, ItemMetric, SetMetric
from cosimo.encode import tally
from cosimo.errors import DataError
from cosimo.measure.estimating import estimate
from cosimo.passport import fingerprint
from cosimo.space import Space, with_cache
from cosimo.types import Report

Metric = ItemMetric | SetMetric


@dataclass(frozen=True, eq=False)
class Answers:
    """What a system answered.

    given
        Truth and prediction for each metric, by its name.
    n
        How many items were judged.
    clusters
        (n,) or (n, 2) names; items that share one depend on each other. None where all are independent.
    settings
        What the answers depend on besides data and system.
    """

    given: Mapping[str, tuple[Any, Any]]
    n: int
    clusters: NDArray[Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class LabelledTask(ABC):
    """A measured job on labelled data; `run` is the same for all.

    Subclasses are frozen dataclasses of their data, with these attributes:

    name, family
        What it is called, and what it counts as where tasks of one origin are counted once.
    unit
        What its metrics average over.
    """

    name: str
    family: str
    unit: str = "item"

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """Its metrics by name, the one to quote first."""

    @property
    @abstractmethod
    def content(self) -> Any:
        """The data as JSON, for the digest by which a result is known to be about them."""

    @abstractmethod
    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """Ask the system."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the kind of task and its data."""
        return fingerprint([type(self).__name__, self.content])

    @property
    def headline(self) -> str:
        """The metric to quote."""
        return next(iter(self.metrics))

    def run(self, system: Any, *, seed: int = 0, progress: bool = False) -> Report:
        """Ask a system, and report every metric with its interval; vectors of transformers are cached.

        system
            A `Space`, or an `Encoder`, which is compared by cosine.

        Raises
        ------
        DataError
            Neither, or data that the task has no answer for.
        """
        space = with_cache(as_space(system))
        with tally() as seen:
            answers = self.answer(space, seed=seed, progress=progress)
        if seen.cut:
            told = f"{seen.cut:,} texts were longer than {seen.limit} tokens and were cut"
            answers = replace(answers, warnings=(*answers.warnings, told))
        return self.report(answers, passport=space.passport.key, seed=seed)

    def report(self, answers: Answers, *, passport: str, seed: int) -> Report:
        """Every metric of these answers, with its interval."""
        metrics = {
            name: estimate(metric, *answers.given[name], clusters=answers.clusters, unit=self.unit, seed=seed)
            for name, metric in self.metrics.items()
        }
        of_sets = {name: answers.given[name] for name, found in metrics.items() if found.per_item is None}
        return Report(
            metrics=metrics,
            n=answers.n,
            items=self.digest,
            seed=seed,
            passport=passport,
            settings={"task": self.name, "kind": type(self).__name__, "family": self.family, **answers.settings},
            warnings=answers.warnings,
            answers={name: (np.asarray(truth), np.asarray(pred)) for name, (truth, pred) in of_sets.items()},
            clusters=answers.clusters,
        )


def as_space(system: Any) -> Space:
    """The system as a space.

    >>> as_space("minilm")
    Traceback (most recent call last):
    cosimo.errors.DataError: a task asks a Space or an Encoder, got str; load it first: cosimo.Space.load(...)
    """
    if isinstance(system, Space):
        return system
    if isinstance(system, Encoder):
        return Space(system)
    raise DataError(
        f"a task asks a Space or an Encoder, got {type(system).__name__}; load it first: cosimo.Space.load(...)"
    )
