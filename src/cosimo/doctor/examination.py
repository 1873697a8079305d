"""The outcome of an examination: findings by how much they matter, what was fine, the figures of both, and a page."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from cosimo.doctor.findings import SEVERITIES, Finding, Severity, Trial, shown
from cosimo.report import svg
from cosimo.report.html import (
    Html,
    badge,
    card,
    element,
    facts,
    figure,
    grid,
    page,
    paragraph,
    section,
    show,
    table,
)
from cosimo.types import Estimate, PerItem, Report

KINDS: Mapping[Severity, str] = {"serious": "bad", "minor": "warn", "unclear": "unsure", "fine": "good"}
WORDS: Mapping[Severity, str] = {"unclear": "inconclusive (too few items)"}
"""Severities that go by other words on a page."""
EQUAL = 1e-4
"""Lengths that differ by less, relatively, are the same but for rounding, and not drawn."""


@final
@dataclass(frozen=True, eq=False)
class Examination:
    """What the doctor found; `findings` come first to last by how much they matter.

    target
        What was examined.
    n, dim
        Vectors and their dimensions.
    findings
        `serious`, `minor`, and `unclear` where too few items make it inconclusive.
    fine
        The checks that passed.
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
            told.append(f"{counts['unclear']} inconclusive (too few items)")
        found = f"Issues: {', '.join(told)}" if self.findings else "No issues found"
        return f"{self.n:,} vectors of {self.dim:,} dimensions. {found}; {len(self.fine)} checks passed."

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
        return _page_of(self)


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


def _page_of(found: Examination) -> str:
    """The whole page."""
    parts = [paragraph(found.summary, kind="lead"), *(paragraph(note, kind="note") for note in found.remarks)]
    cards = [_card(finding) for finding in found.findings]
    parts.append(section("Findings", *(cards or [paragraph("No issues found.")])))
    drawings = list(_drawings(found))
    if drawings:
        parts.append(section("The space in pictures", grid(*drawings)))
    fine = [(finding.name, finding.what, shown(finding.measured)) for finding in found.fine]
    if fine:
        parts.append(section("Checks passed", table(("check", "what was seen", "measured"), fine)))
    parts.append(
        section("All figures", table(("diagnostic", "figure", "value", "95 % interval"), list(_figures(found))))
    )
    told = {"seed": found.seed, "passport": found.passport or "none"}
    parts.append(section("How to make this again", facts(told)))
    return page(f"cosimo doctor: {found.target}", *parts)


def _card(finding: Finding) -> Html:
    """One finding."""
    kind = KINDS[finding.severity]
    heading = Html(show(finding.name) + " " + badge(WORDS.get(finding.severity, finding.severity), kind))
    told = {"measured": shown(finding.measured), "why it matters": finding.why, "what to do": finding.next_step}
    parts = [paragraph(finding.what), facts(told)]
    if finding.trial is not None and finding.trial.after is not None:
        parts.append(_trial_drawn(finding.trial))
    return card(heading, *parts, kind=kind)


def _trial_drawn(trial: Trial) -> Html:
    """Before and after, with their intervals."""
    both = (("as it is", trial.before), (str(trial.chosen), trial.after))
    drawn = [(name, found.value, *svg.ends(found.interval)) for name, found in both if found is not None]
    title = "mean reciprocal rank of the right item, before and after"
    return figure(svg.forest(drawn, title=title, label="mean reciprocal rank"), trial.question)


def _drawings(found: Examination) -> Iterator[Html]:
    """Background similarity, spectrum, lengths, hubs."""
    background = _histogram(found.reports.get("BackgroundSimilarity"))
    if background is not None:
        counts, edges = _zoomed(*background)
        mean = found.reports["BackgroundSimilarity"].metrics["mean"].value
        drawn = svg.histogram(counts, edges, title="cosines of random pairs", label="cosine", mark=mean)
        yield figure(drawn, f"Cosines of random pairs; the dashed line is their mean, {mean:.2f}")
    if (found.variances > 0).sum() > 1:
        share = found.variances / found.variances.sum()
        drawn = svg.curve(share.tolist(), title="spectrum", label="direction", logarithmic=True)
        yield figure(drawn, "Share of the variance along each principal direction, largest first")
    lengths = _histogram(found.reports.get("Norms"))
    if lengths is not None and lengths[1][-1] - lengths[1][0] > EQUAL * lengths[1][-1]:
        yield figure(svg.histogram(*lengths, title="lengths of vectors", label="length"), "Lengths of the vectors")
    if found.hubs:
        rows = [(f"item {name}", float(times)) for name, times in found.hubs]
        drawn = svg.bars(rows, title="largest hubs", label="times among the nearest")
        yield figure(drawn, "Items that are most often among the nearest of another, in a sample")


def _histogram(report: Report | None) -> tuple[list[float], list[float]] | None:
    """Shares and edges, from the counts in a report's settings."""
    held = None if report is None else report.settings.get("histogram")
    if held is None or not sum(held["counts"]):
        return None
    return [count / sum(held["counts"]) for count in held["counts"]], list(held["edges"])


def _zoomed(counts: list[float], edges: list[float]) -> tuple[list[float], list[float]]:
    """Without the empty ends."""
    used = np.flatnonzero(counts)
    if not len(used):
        return counts, edges
    low, high = int(used[0]), int(used[-1]) + 1
    return counts[low:high], edges[low : high + 1]


def _figures(found: Examination) -> Iterator[tuple[object, ...]]:
    for name, report in found.reports.items():
        for place, (figured, estimate) in enumerate(report.metrics.items()):
            reach = estimate.interval
            ends = "" if reach is None else f"{reach.low:.4g} to {reach.high:.4g}".replace("-", "−")
            yield (element("code", name) if place == 0 else "", figured, estimate.value, ends)
