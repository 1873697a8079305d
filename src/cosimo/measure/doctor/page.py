"""An examination as one HTML page."""

from collections.abc import Iterator, Mapping

import numpy as np

from cosimo.measure.doctor.examination import Examination
from cosimo.measure.doctor.findings import Finding, Severity, Trial, shown
from cosimo.measure.pages import svg
from cosimo.measure.pages.html import (
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
from cosimo.types import Report

KINDS: Mapping[Severity, str] = {"serious": "bad", "minor": "warn", "unclear": "unsure", "fine": "good"}
WORDS: Mapping[Severity, str] = {"unclear": "not enough to tell"}
"""Severities that go by other words on a page."""
EQUAL = 1e-4
"""Lengths that differ by less, relatively, are the same but for rounding, and not drawn."""


def page_of(found: Examination) -> str:
    """The whole page."""
    parts = [paragraph(found.summary, kind="lead"), *(paragraph(note, kind="note") for note in found.remarks)]
    cards = [_card(finding) for finding in found.findings]
    parts.append(section("Findings", *(cards or [paragraph("Nothing that was looked at gives cause for concern.")])))
    drawings = list(_drawings(found))
    if drawings:
        parts.append(section("The space in pictures", grid(*drawings)))
    fine = [(finding.name, finding.what, shown(finding.measured)) for finding in found.fine]
    if fine:
        parts.append(section("Looked at, and fine", table(("", "what was seen", "measured"), fine)))
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
    told = {"measured": shown(finding.measured), "why it matters": finding.why, "what to do": finding.advice}
    parts = [paragraph(finding.what), facts(told)]
    if finding.trial is not None and finding.trial.after is not None:
        parts.append(_trial(finding.trial))
    return card(heading, *parts, kind=kind)


def _trial(trial: Trial) -> Html:
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
