"""What looks at any arrow of the line: numbers with intervals, and reasons."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cosimo.types import Attribution, PerItem, Report, Vectors


@dataclass(frozen=True)
class MetricTags:
    """Range, direction and chance level of a metric."""

    bounds: tuple[float, float]
    higher_is_better: bool = True
    chance: float | None = None


@runtime_checkable
class ItemMetric(Protocol):
    """A metric that is a mean over items."""

    tags: MetricTags

    def __call__(self, truth: Any, pred: Any) -> "PerItem":
        """(n,) one value an item."""


@runtime_checkable
class SetMetric(Protocol):
    """A metric of the whole set. Optional `influence(truth, pred) -> (n,)`."""

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
