"""Findings about how a space is shaped, from one pass over its vectors."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cosimo._arrays import unit
from cosimo.doctor import limits
from cosimo.doctor.findings import Finding, Severity, grade, grade_any
from cosimo.doctor.looking import Evidence
from cosimo.statistics import rate_interval
from cosimo.types import Estimate


def of_vectors(seen: Evidence) -> Iterator[Finding]:
    """All of them."""
    for rule in (
        zeros,
        lengths,
        common_direction,
        dominating_dimension,
        few_directions,
        hubs,
        coarse_values,
        eight_bits,
    ):
        found = rule(seen)
        if seen.n < limits.LEAST and found.severity in ("serious", "minor"):
            found = replace(found, severity="unclear")
        yield found


def zeros(seen: Evidence) -> Finding:
    """Vectors without a direction."""
    found = seen.reports["Norms"].metrics["zero"]
    return Finding(
        name="zero vectors",
        severity=grade_any(found, limits.ZERO),
        what=f"{round(found.value * seen.n):,} of {seen.n:,} vectors are zero",
        measured=found,
        why="They have no direction: their cosine with everything is 0, and they are found at random or never.",
        fix="Look at their items: texts that are empty or hold no word the model knows, or values rounded to nothing.",
    )


def lengths(seen: Evidence) -> Finding:
    """Vectors of different length, where that counts."""
    metrics = seen.reports["Norms"].metrics
    counts = seen.subject.similarity.scale != "cosine" or seen.subject.assumed
    mean = max(metrics["mean"].value, 1e-300)
    spread = _over(metrics["sd"], mean)
    severity: Severity = grade(spread, *limits.LENGTHS) if counts else "fine"
    if seen.subject.assumed and severity == "serious":
        severity = "minor"
    said = f"lengths are {mean:.3g} on average, with a spread of {spread.value:.1%}"
    return Finding(
        name="unequal lengths",
        severity=severity,
        what=said if counts else f"{said}, which cosine does not see",
        measured=spread,
        why="Where vectors are compared by inner product, long ones come first whatever they say.",
        fix="Compare by cosine, or normalise.",
        remedies="lengths" if seen.subject.similarity.scale == "dot" else "",
    )


def _over(found: Estimate, size: float) -> Estimate:
    """The estimate in parts of `size`."""
    ends = found.interval
    part = None if ends is None else replace(ends, low=ends.low / size, high=ends.high / size)
    return Estimate(found.value / size, part)


def common_direction(seen: Evidence) -> Finding:
    """A mean that all vectors share."""
    found = seen.reports["BackgroundSimilarity"].metrics["mean"]
    return Finding(
        name="common direction",
        severity=grade(found, *limits.COMMON),
        what=f"anisotropy: the mean cosine of two random items is {found.value:.2f}",
        measured=found,
        why="All scores crowd together near the top, and a threshold that was right elsewhere accepts everything.",
        fix="Remove the mean (refiner Centre), and read scores against this level until then.",
        otherwise="Read scores against this level: a threshold from elsewhere does not fit here.",
        remedies="directions",
        tentative=found.value > limits.NOTABLE,
    )


def dominating_dimension(seen: Evidence) -> Finding:
    """A coordinate that decides scores, or never changes."""
    report = seen.reports["OutlierDimensions"]
    found, constant = report.metrics["largest_contribution"], report.settings.get("constant_dims", [])
    top = report.settings["contributions"][0][0] if report.settings.get("contributions") else 0
    severity = grade(found, *limits.DOMINATING)
    what = f"dimension {top} alone adds {found.value:.2f} to the mean cosine"
    steady = _steady(seen)
    if severity not in ("serious", "minor") and (len(steady) or (constant and len(constant) < seen.dim)):
        severity = "minor"
        which = sorted({*constant, *steady.tolist()})
        what = f"dimension {', '.join(map(str, which[:5]))} (hardly) ever changes; {what}"
    return Finding(
        name="dominating dimension",
        severity=severity,
        what=what,
        measured=found,
        why="It says the same of all items and takes room from what tells them apart; 8-bit ranges are wasted on it.",
        fix="Find out where it comes from (a bias, a padded column), and drop it.",
        otherwise="Find out where it comes from (a bias, a padded column).",
        remedies="directions",
    )


def _steady(seen: Evidence) -> np.ndarray:
    """Dimensions of directions that add to every cosine and hardly change."""
    U = unit(seen.X.astype(np.float64))
    mean, sd = U.mean(axis=0), U.std(axis=0)
    return np.flatnonzero((sd < limits.STEADY * np.abs(mean)) & (mean**2 > limits.STEADY_ADDS))


def few_directions(seen: Evidence) -> Finding:
    """A space that uses few of its dimensions."""
    found = seen.reports["EffectiveRank"].metrics["effective_rank"]
    most = max(min(seen.dim, seen.n - 1), 1)
    share = _over(found, most)
    return Finding(
        name="few directions",
        severity=grade(share, *limits.RANK),
        what=f"effective rank {found.value:.0f} of at most {most}",
        measured=share,
        why="Items that differ in other respects than these few cannot be told apart; memory is paid for the rest.",
        fix="Whiten, or keep fewer dimensions with a PCA; a model that collapsed has to be trained again.",
        otherwise="A model that collapsed has to be trained again.",
        remedies="directions",
    )


def hubs(seen: Evidence) -> Finding:
    """Items that are near everything."""
    report = seen.reports["Hubness"]
    listed = report.settings.get("hubs") or [[0, 0]]
    m, k = int(report.settings.get("sample", 0)), int(report.settings.get("k", 1))
    times, lists = int(listed[0][1]), max(m - 1, 1)
    found = Estimate(times / lists, rate_interval(min(times, lists), lists))
    names = [name for name, count in seen.hubs if count > 0.5 * times][:3]
    which = f"item{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else "one item"
    return Finding(
        name="hubs",
        severity=grade(found, *limits.HUB) if m > limits.LEAST else "unclear",
        what=f"{which}: among the {k} nearest of {times:,} of {lists:,} others in a sample",
        measured=found,
        why="It turns up in answers to questions it has nothing to do with, and pushes out what is right.",
        fix="Look at the item: boilerplate, or nearly no text? Delete it if it says nothing.",
        otherwise="Look at the item: boilerplate, or nearly no text? Delete it if it says nothing.",
        remedies="directions",
    )


def coarse_values(seen: Evidence) -> Finding:
    """Values rounded until little is left."""
    metrics = seen.reports["ValueLevels"].metrics
    found, zero = metrics["bits"], metrics["zeros"].value
    binary = bool(np.isin(seen.X[:100], (-1.0, 0.0, 1.0)).all() and not (seen.X[:100] == 0).all())
    # Of few vectors no value can hold many bits.
    most = float(np.log2(max(len(seen.X), 2)))
    minor, serious = (min(limit, share * most) for limit, share in zip(limits.BITS, (0.7, 0.4), strict=True))
    signs = binary and set(np.unique(seen.X[:100]).tolist()) in ({-1.0, 1.0}, {0.0, 1.0})
    return Finding(
        name="coarse values",
        severity="fine" if signs else grade(found, minor, serious),
        what=f"effective precision of {found.value:.1f} bits per value; {zero:.0%} of the values are exactly 0"
        + (" (codes of one bit, as they are meant to be)" if signs else ""),
        measured=found,
        why="Quantised with the wrong range, or cast to whole numbers: what told items apart was rounded away.",
        fix="Make the vectors anew, and quantise with ranges taken from many of them.",
        otherwise="The encoder itself gives such values: look at what it does last.",
        remedies="afresh" if seen.subject.stored else "",
    )


def eight_bits(seen: Evidence) -> Finding:
    """What 8-bit storage would cost."""
    report = seen.reports.get("int8_sensitivity")
    found = Estimate(float("nan")) if report is None else report.metrics["overlap"]
    severity = "fine" if report is None else grade(found, *limits.INT8)
    return Finding(
        name="8-bit storage",
        severity="fine" if severity == "unclear" else severity,
        what=f"stored in 8 bits, {found.value:.1%} of the nearest neighbours stay" if report else "not checked",
        measured=found,
        why="A few values out of range make the steps of all others coarse.",
        fix="Keep 32 bits, or take off outliers before quantising.",
    )
