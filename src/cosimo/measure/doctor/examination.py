"""The outcome of an examination: findings by how much they matter, what was fine, and the figures behind both."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from cosimo.measure.doctor.findings import SEVERITIES, Finding, Severity, Trial
from cosimo.types import Estimate, PerItem, Report


@final
@dataclass(frozen=True, eq=False)
class Examination:
    """What the doctor found; `findings` come first to last by how much they matter.

    target
        What was examined.
    n, dim
        Vectors and their dimensions.
    findings
        `serious`, `minor`, and `unclear` where there was not enough to tell.
    fine
        What was looked at and gives no cause.
    reports
        The figures of each diagnostic, by its name.
    variances
        (dim,) of the directions of the vectors along their principal axes, largest first.
    hubs
        Ids of items that are most often among the nearest of another, and how often they are in a sample.
    remarks
        What the reader should know of how it was done.
    seed, passport
        What else it depends on.
    """

    target: str
    n: int
    dim: int
    findings: tuple[Finding, ...]
    fine: tuple[Finding, ...]
    reports: Mapping[str, Report] = field(repr=False)
    variances: PerItem = field(repr=False)
    hubs: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    remarks: tuple[str, ...] = ()
    seed: int = 0
    passport: str = field(default="", repr=False)

    @property
    def worst(self) -> Severity:
        """The severity of the worst finding, `fine` where there is none."""
        return min((finding.severity for finding in self.findings), key=SEVERITIES.index, default="fine")

    @property
    def summary(self) -> str:
        """In a sentence."""
        counts = {kind: sum(finding.severity == kind for finding in self.findings) for kind in SEVERITIES[:3]}
        told = [f"{counts['serious']} serious", f"{counts['minor']} minor"]
        if counts["unclear"]:
            told.append(f"{counts['unclear']} where there is not enough to tell")
        found = ", ".join(told) if self.findings else "nothing"
        return f"{self.n:,} vectors of {self.dim:,} dimensions. Found: {found}; {len(self.fine)} things are fine."

    def __getitem__(self, name: str) -> Finding:
        """The finding of that name, fine or not."""
        for finding in (*self.findings, *self.fine):
            if finding.name == name:
                return finding
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(finding.name == name for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Everything but the figures of single items, in plain values."""
        return {
            "target": self.target,
            "vectors": self.n,
            "dimensions": self.dim,
            "worst": self.worst,
            "findings": [_finding(finding) for finding in self.findings],
            "fine": [_finding(finding) for finding in self.fine],
            "figures": {
                name: {figure: _estimate(found) for figure, found in report.metrics.items()}
                for name, report in self.reports.items()
            },
            "remarks": list(self.remarks),
            "seed": self.seed,
            "passport": self.passport,
        }

    def to_html(self) -> str:
        """One page that needs nothing from elsewhere."""
        from cosimo.measure.doctor.page import page_of

        return page_of(self)


def _finding(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": finding.name,
        "severity": finding.severity,
        "what": finding.what,
        "measured": _estimate(finding.measured),
    }
    if finding.severity != "fine":
        told |= {"why": finding.why, "fix": finding.advice}
    if finding.trial is not None:
        told["trial"] = _trial(finding.trial)
    return told


def _trial(trial: Trial) -> dict[str, Any]:
    found = trial.comparison
    return {
        "tried": {name: _number(gain) for name, gain in trial.tried},
        "chosen": trial.chosen,
        "helps": trial.helps,
        "question": trial.question,
        "before": _estimate(trial.before),
        "after": None if trial.after is None else _estimate(trial.after),
        "gain": None if found is None else _estimate(Estimate(found.difference, found.interval)),
    }


def _estimate(found: Estimate) -> dict[str, Any]:
    """A value with the ends of its interval, and what kind of interval that is."""
    told: dict[str, Any] = {"value": _number(found.value)}
    if found.interval is not None:
        interval = found.interval
        told |= {"low": _number(interval.low), "high": _number(interval.high), "level": _number(interval.level)}
        told |= {"method": interval.method, "unit": interval.unit, "n": interval.n_units}
    return told


def _number(value: float) -> float | None:
    """Six significant digits; None for what no JSON can hold."""
    return float(np.format_float_positional(value, 6, fractional=False)) if math.isfinite(value) else None
