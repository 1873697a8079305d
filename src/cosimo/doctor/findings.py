"""What the doctor says: findings, how bad they are, and what was tried against them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, final

from cosimo.contracts import Refiner
from cosimo.statistics import Comparison
from cosimo.types import Estimate

Severity: TypeAlias = Literal["serious", "minor", "unclear", "fine"]
EASY = 0.97
"""Mean reciprocal rank from which questions are too easy to show a gain."""
SEVERITIES: tuple[Severity, ...] = ("serious", "minor", "unclear", "fine")
"""From what matters most to what does not; `unclear` where there are too few items."""


@final
@dataclass(frozen=True, eq=False)
class Trial:
    """Remedies of one kind, the best chosen on some questions and its effect measured on others.

    tried
        Each remedy with its mean gain on the part where it was chosen.
    chosen
        The best of them, None where none gained anything there.
    advice
        What to do to have it.
    before, after
        What the chosen one changed, on the other part: the mean reciprocal rank of the right item.
    comparison
        The difference of the two, after minus before, with an interval that holds for all trials of an examination.
    question
        How questions were made, and how many there were.
    refiner
        What was measured, ready for `Space(encoder, refiner=...)`, where the remedy is one.
    """

    tried: tuple[tuple[str, float], ...]
    chosen: str | None
    advice: str
    before: Estimate
    after: Estimate | None
    comparison: Comparison | None
    question: str
    refiner: Refiner | None = field(default=None, repr=False)

    @property
    def helps(self) -> bool:
        """Whether the interval of the effect lies above 0."""
        found = None if self.comparison is None else self.comparison.interval
        return found is not None and found.low > 0

    @property
    def outcome(self) -> str:
        """In a sentence."""
        names = ", ".join(name for name, _ in self.tried)
        easy = "" if self.before.value < EASY else " The questions are too easy here to show one."
        if self.comparison is None or self.after is None:
            return f"Tried {names}: no gain.{easy}"
        found = self.comparison.interval
        reach = "" if found is None else f" ({found.level:.1%}: {found.low:+.3f} to {found.high:+.3f})"
        gain = f"reciprocal rank {self.before.value:.3f} to {self.after.value:.3f}, {self.comparison.difference:+.3f}"
        verdict = "" if self.helps else f" That is no gain beyond chance.{easy}"
        others = f" Best of {len(self.tried)} tried." if len(self.tried) > 1 else ""
        return f"Tried {self.chosen}: {gain}{reach}.{others}{verdict}"


@final
@dataclass(frozen=True, eq=False)
class Finding:
    """The outcome of one check.

    name
        What it is called.
    severity
        `serious`, `minor`, `unclear` (inconclusive, too few items) or `fine`.
    what, why, fix
        In words: what was seen, why it matters, and what mends it.
    otherwise
        What is left to do where remedies were tried without a gain.
    measured
        The number behind it, with its interval where there is one.
    remedies
        Which kind of remedies mends it, empty where none can be tried.
    tentative
        Whether they are tried though it is fine, and make it a minor finding where they help.
    trial
        What came of them.
    """

    name: str
    severity: Severity
    what: str
    measured: Estimate
    why: str = ""
    fix: str = ""
    otherwise: str = ""
    remedies: str = ""
    tentative: bool = False
    trial: Trial | None = None

    @property
    def matters(self) -> bool:
        """Whether something should be done about it."""
        return self.severity in ("serious", "minor")

    @property
    def advice(self) -> str:
        """The fix, or what came of trying: nothing is advised that was tried without a gain."""
        if self.trial is None:
            return self.fix
        if self.trial.helps:
            return f"{self.trial.advice} {self.trial.outcome}"
        return f"{self.trial.outcome} {self.otherwise}".rstrip()

    @property
    def next_step(self) -> str:
        """What a reader is told to do: the advice, or to examine more items where too few leave it open."""
        return "Inconclusive: examine more items." if self.severity == "unclear" else self.advice


def with_trial(finding: Finding, trial: Trial | None) -> Finding:
    """The finding with what came of its remedies, if there is something to be said of them."""
    if trial is None or not (finding.matters or (finding.tentative and trial.helps)):
        return finding
    return replace(finding, trial=trial, severity=finding.severity if finding.matters else "minor")


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """By how much they matter: the more severe first, then those whose remedy gained most."""

    def key(finding: Finding) -> tuple[int, float]:
        trial = finding.trial
        gained = 0.0 if trial is None or trial.comparison is None or not trial.helps else trial.comparison.difference
        return SEVERITIES.index(finding.severity), -gained

    return sorted(findings, key=key)


def grade(measured: Estimate, minor: float, serious: float) -> Severity:
    """How bad a number is that should be low, or high where `serious` is below `minor`, judged by its interval.

    It is bad where the whole interval is beyond the limit, and unclear where the interval reaches from what is fine to
    what would be serious.

    >>> from cosimo.statistics import rate_interval
    >>> few, many = Estimate(0.5, rate_interval(2, 4)), Estimate(0.5, rate_interval(500, 1000))
    >>> grade(few, 0.1, 0.4), grade(many, 0.1, 0.4), grade(many, 0.1, 0.6), grade(many, 0.6, 0.9)
    ('unclear', 'serious', 'minor', 'fine')
    """
    sign = 1.0 if serious >= minor else -1.0
    if math.isnan(measured.value):
        return "unclear"
    ends = (measured.value,) * 2 if measured.interval is None else (measured.interval.low, measured.interval.high)
    low, high = sorted(sign * end for end in ends)
    if low >= sign * serious:
        return "serious"
    if low >= sign * minor:
        return "minor"
    return "unclear" if high >= sign * serious else "fine"


def grade_any(measured: Estimate, serious: float) -> Severity:
    """How bad a share is that should be 0: any is a minor finding, and one that is surely more than so much is serious.

    >>> from cosimo.statistics import rate_interval
    >>> [grade_any(Estimate(k / 300, rate_interval(k, 300)), 0.05) for k in (0, 1, 60)]
    ['fine', 'minor', 'serious']
    """
    low = measured.value if measured.interval is None else measured.interval.low
    return "fine" if measured.value == 0 else "serious" if low >= serious else "minor"


def shown(measured: Estimate) -> str:
    """The number with its interval, in plain figures.

    >>> from cosimo.statistics import rate_interval
    >>> shown(Estimate(0.4, rate_interval(40, 100))), shown(Estimate(-2.0))
    ('0.4 (95 %: 0.309 to 0.498)', '-2')
    """
    if math.isnan(measured.value):
        return "not measured"
    if measured.interval is None:
        return f"{measured.value:.3g}"
    found = measured.interval
    return f"{measured.value:.3g} ({found.level:.0%}: {found.low:.3g} to {found.high:.3g})".replace("%", " %")
