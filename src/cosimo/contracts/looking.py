"""What looks at any arrow of the line: numbers with intervals, and reasons."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cosimo.types import Attribution, PerItem, Report, Vectors


@dataclass(frozen=True)
class MetricTags:
    """What is true of a metric by its definition; the contract tests choose their checks by it.

    bounds
        Lowest and highest possible value.
    higher_is_better
        Whether a greater value is a better one.
    chance
        Expected value of answers that know nothing of the truth, None where it depends on the data.
    takes
        What it compares, `truth` with `pred`: classes (n,) with classes; graded items by query with scores by query
        (rankings); numbers (n,) with scores (n,); labels 0 or 1 (n,) with scores (n,); labels (n,) with clusters (n,)
        or (n, R); nothing with the scores (n, 2) of a right and a wrong candidate (pairs); n lists of numbers with n
        lists of scores.
    """

    bounds: tuple[float, float]
    higher_is_better: bool = True
    chance: float | None = None
    takes: Literal["classes", "rankings", "numbers", "labels", "clusters", "pairs", "lists"] = "classes"


@runtime_checkable
class ItemMetric(Protocol):
    """A metric that is a mean over items."""

    tags: MetricTags

    def __call__(self, truth: Any, pred: Any) -> "PerItem":
        """(n,) one value an item."""


@runtime_checkable
class SetMetric(Protocol):
    """A metric of the whole set.

    `weights` (n,) say how often each item counts; where they leave nothing that the metric is defined on, it is NaN.
    A metric may have `interval`, `compare` and `unit_values` of its own: see `cosimo.measure.estimating`.
    """

    tags: MetricTags

    def __call__(self, truth: Any, pred: Any, weights: "PerItem | None" = None) -> float:
        """One number."""


@runtime_checkable
class Diagnostic(Protocol):
    """Looks at a space in one pass."""

    def update(self, X: "Vectors") -> None:
        """Take in the next block of vectors."""

    def result(self) -> "Report":
        """What was seen."""


@runtime_checkable
class Task(Protocol):
    """A measured job on labelled data."""

    def run(self, system: Any, *, seed: int = 0) -> "Report":
        """Run `system` (a Space or a Collection) and report with intervals."""


@runtime_checkable
class Explainer(Protocol):
    """Says why a score is what it is."""

    def explain(self, system: Any, items: tuple[Any, Any]) -> "Attribution":
        """Weights of the units of a pair that add up to its score."""
