r"""Where two encoders of sentences differ: rank correlation by the source of a pair and by how alike its texts look.

$$\rho_c = \mathrm{corr}\big(\mathrm{rank}_{i \in c}\, s(a_i, b_i), \; \mathrm{rank}_{i \in c}\, y_i\big)$$

$c$ -> a cell: the pairs of one source, or those between two quantiles of a covariate such as the words shared. Ranks
are taken inside a cell, and the mean over cells is one of correlations, not the correlation of all pairs together.

Systems are compared in every cell on the same pairs; p-values are adjusted for all cells and comparisons by Holm's
method. Encoders that win in different cells are worth combining: see `cosimo.encode.EnsembleEncoder`.

Symbols: s -> scores of a system, y -> scores of people.
Pitfalls: cells pooled although their scores lie on different levels; pairs that share a sentence counted as
independent; the best of many cells reported without adjustment; a cell narrow in y read as one that is hard.
Reference: Tsukagoshi, Sasano and Takeda 2022, Comparison and Combination of Sentence Embeddings Derived from Different
Supervision Signals, https://arxiv.org/abs/2202.02990. The similarity of the surface is taken to be Dice's over words,
in fifths; any other can be given.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.datasets.overlap import OVERLAPS
from cosimo.measure.estimating import compare
from cosimo.measure.metrics.correlations import Spearman
from cosimo.measure.tasks.pairing import numbered, score_pairs, shared_items
from cosimo.measure.tasks.pairs.sts import STS
from cosimo.measure.tasks.task import as_space
from cosimo.statistics import Comparison, correlation, correlation_interval, holm
from cosimo.types import Estimate, PerItem, Rows

Covariate = str | Callable[[str, str], float]

LEAST = 4
"""Pairs of which a correlation means something."""


@dataclass(frozen=True, eq=False)
class PartitionCell:
    """Some of the pairs, and how each system orders them.

    partition, name
        What the pairs are divided by (`all`, `source`, or the covariate's name), and which part this is.
    rows
        (n,) which pairs.
    spread
        Standard deviation of people's scores: where it is small, correlations are.
    correlations
        Spearman's by system; NaN where scores are constant or pairs fewer than 4.
    comparisons
        The first of two systems minus the second; left out where nothing can be said.
    p_adjusted
        Holm's p-values of the same, over all cells but `all`; absent for that.
    """

    partition: str
    name: str
    rows: Rows
    spread: float
    correlations: Mapping[str, Estimate]
    comparisons: Mapping[tuple[str, str], Comparison] = field(default_factory=dict)
    p_adjusted: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def winner(self) -> str:
        """The system of the greatest correlation."""
        return max(self.correlations, key=lambda system: self.correlations[system].value)


@dataclass(frozen=True, eq=False)
class PartitionReport:
    """How systems order pairs in every cell; the first cell is of all pairs.

    systems
        In the order given.
    covariate
        (n,) what the pairs were divided by, None where they were not.

    >>> print(PartitionReport(("a", "b"), (PartitionCell("all", "all", np.arange(9), 1.2, {"a": Estimate(0.5)}),)))
    all: all (9 pairs)  a 0.500
    """

    systems: tuple[str, ...]
    cells: tuple[PartitionCell, ...]
    covariate: PerItem | None = None

    @property
    def means(self) -> Mapping[str, Mapping[str, float]]:
        """Mean correlation over the cells of each partition by system, cells where it is undefined left out."""
        found: dict[str, dict[str, float]] = {}
        for partition in dict.fromkeys(cell.partition for cell in self.cells):
            cells = [cell for cell in self.cells if cell.partition == partition]
            rows = np.array([[cell.correlations[system].value for system in self.systems] for cell in cells])
            there = rows[np.isfinite(rows).all(axis=1)]
            means = there.mean(axis=0) if len(there) else np.full(len(self.systems), math.nan)
            found[partition] = dict(zip(self.systems, means.tolist(), strict=True))
        return found

    def records(self) -> list[dict[str, Any]]:
        """One row for each cell and system, as for a table: its correlation, with the ends of its interval."""
        return [
            {
                **{name: getattr(cell, name) for name in ("partition", "name", "spread")},
                "n": len(cell.rows),
                "system": system,
                "spearman": found.value,
                "low": math.nan if found.interval is None else found.interval.low,
                "high": math.nan if found.interval is None else found.interval.high,
            }
            for cell in self.cells
            for system, found in cell.correlations.items()
        ]

    def __str__(self) -> str:
        lines = []
        for cell in self.cells:
            told = "  ".join(f"{system} {_said(found)}" for system, found in cell.correlations.items())
            apart = [f"{a} - {b}: p = {p:.2g}" for (a, b), p in cell.p_adjusted.items()]
            lines.append(f"{cell.partition}: {cell.name} ({len(cell.rows)} pairs)  " + "  ".join([told, *apart]))
        return "\n".join(lines)


def sts_by_partition(
    systems: Mapping[str, Any],
    task: STS,
    *,
    source: Sequence[str] | None = None,
    covariate: Covariate | None = "dice",
    bins: int = 5,
    level: float = 0.95,
    seed: int = 0,
    progress: bool = False,
) -> PartitionReport:
    """How well systems order the pairs of a task that come from one source, or look equally alike, and which is better.

    systems
        Name -> `Space` or `Encoder`.
    source
        (n,) where each pair comes from.
    covariate
        `dice` or `jaccard` of words, `edit` of characters, or a function of two texts; None for none.
    bins
        Parts of about equal size, along the covariate; pairs of equal value are in one part.

    Raises
    ------
    DataError
        No system, fewer than two bins, another name of a covariate, or one that is NaN.

    >>> from cosimo.encode import FunctionEncoder
    >>> task = STS(["sea"] * 8, ["sky", "lake", "ocean", "waters"] * 2, [0, 1, 2, 3, 3, 2, 1, 0])
    >>> length = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> report = sts_by_partition({"length": length}, task, source=["news"] * 4 + ["chat"] * 4, covariate=None)
    >>> [(cell.name, round(cell.correlations["length"].value, 2)) for cell in report.cells]
    [('all', 0.0), ('news', -1.0), ('chat', 1.0)]
    """
    if not systems:
        raise DataError("a partition wants at least one system, got none")
    values = None if covariate is None else _covariate(covariate, task)
    cells = [("all", "all", np.arange(len(task.scores)))]
    if source is not None:
        cells += _by_source(source, len(task.scores))
    if values is not None:
        cells += [(_name(covariate), *part) for part in _by_value(values, bins)]
    scores = {name: score_pairs(as_space(one), task.a, task.b, progress=progress) for name, one in systems.items()}
    found = [_cell(cell, scores, task, level=level, seed=seed) for cell in cells]
    return PartitionReport(tuple(systems), _adjusted(found), values)


def _covariate(covariate: Covariate, task: STS) -> PerItem:
    if isinstance(covariate, str) and covariate not in OVERLAPS:
        raise DataError(f"covariate is one of {', '.join(OVERLAPS)}, or a function of two texts, got {covariate!r}")
    measure = OVERLAPS[covariate] if isinstance(covariate, str) else covariate
    values = np.array([measure(a, b) for a, b in zip(task.a, task.b, strict=True)], dtype=np.float64)
    if not np.isfinite(values).all():
        i = int(np.argmin(np.isfinite(values)))
        raise DataError(f"the covariate is {values[i]} for pair {i}; every pair wants a number to be sorted by")
    return values


def _name(covariate: Covariate | None) -> str:
    return covariate if isinstance(covariate, str) else str(getattr(covariate, "__name__", "covariate"))


def _by_source(source: Sequence[str], n: int) -> Iterator[tuple[str, str, Rows]]:
    if len(source) != n:
        raise ShapeError(f"each pair wants a source, got {len(source)} for {n} pairs")
    codes = numbered(source)
    for code, name in enumerate(dict.fromkeys(source)):
        yield "source", str(name), np.flatnonzero(codes == code)


def _by_value(values: PerItem, bins: int) -> Iterator[tuple[str, Rows]]:
    """Name and rows of about equally many values each, from low to high."""
    if bins < 2:
        raise DataError(f"wanted two bins at least, got {bins}; covariate=None divides by nothing")
    ends = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf"))
    codes = np.searchsorted(ends, values)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        yield f"{values[rows].min():.2f} to {values[rows].max():.2f}", rows


def _cell(
    cell: tuple[str, str, Rows], scores: Mapping[str, PerItem], task: STS, *, level: float, seed: int
) -> PartitionCell:
    """One cell, p-values not adjusted yet."""
    partition, name, rows = cell
    y = np.asarray(task.scores, dtype=np.float64)[rows]
    clusters = shared_items([task.a[i] for i in rows], [task.b[i] for i in rows])
    found = {system: _correlated(y, s[rows], clusters, level=level, seed=seed) for system, s in scores.items()}
    comparisons = {}
    for a, b in combinations(scores, 2):
        try:
            comparisons[a, b] = compare(
                Spearman(), y, scores[a][rows], scores[b][rows], clusters=clusters, unit="pair", level=level, seed=seed
            )
        except (DataError, Refused):  # too little to compare anything by
            continue
    return PartitionCell(partition, name, rows, float(y.std()), found, comparisons)


def _correlated(y: PerItem, s: PerItem, clusters: ArrayLike | None, *, level: float, seed: int) -> Estimate:
    value = correlation(s, y) if len(y) >= LEAST else math.nan
    try:
        return Estimate(value, correlation_interval(s, y, clusters=clusters, level=level, seed=seed))
    except Refused:
        return Estimate(value)


def _adjusted(cells: Sequence[PartitionCell]) -> tuple[PartitionCell, ...]:
    """The cells with Holm's p-values over all comparisons but those of all pairs."""
    places = [(i, pair) for i, cell in enumerate(cells) if cell.partition != "all" for pair in cell.comparisons]
    if not places:
        return tuple(cells)
    adjusted = holm([cells[i].comparisons[pair].p_value for i, pair in places])
    found: list[dict[tuple[str, str], float]] = [{} for _ in cells]
    for (i, pair), p in zip(places, adjusted, strict=True):
        found[i][pair] = float(p)
    return tuple(replace(cell, p_adjusted=p) for cell, p in zip(cells, found, strict=True))


def _said(found: Estimate) -> str:
    ends = found.interval
    return f"{found.value:.3f}" + ("" if ends is None else f" [{ends.low:.3f}, {ends.high:.3f}]")
