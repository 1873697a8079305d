r"""Instruction robustness: how much do results change when the same instruction is put into other words?

$$m_p = \frac{1}{n} \sum_i x_{ip} \qquad \mathrm{mean} = \frac{1}{P} \sum_p m_p \qquad
\mathrm{sd}^2 = \frac{1}{P - 1} \sum_p (m_p - \mathrm{mean})^2 \qquad \mathrm{worst} = \min_p m_p$$
$$\mathrm{noise}^2 = \frac{1}{n (n - 1)(P - 1)} \sum_{ip} (x_{ip} - \bar x_{i \cdot} - m_p + \mathrm{mean})^2
\qquad \mathrm{gap} = \mathrm{mean}_{\mathrm{seen}} - \mathrm{mean}_{\mathrm{novel}}$$

$x_{ip}$ -> how well item i of n is answered under phrasing p of P, the same items under all. `noise` is what `sd` would
be on so few items if all phrasings were equally good: a spread that is no larger shows nothing. For metrics of the
whole set x are pseudo-values, whose mean is the metric.

For an encoder a phrasing is a prompt put before each text, or before those of one side of a search. For a language
model give the values yourself (`phrasing_spread`). The other half of the paper, prompts trained so that a model
agrees with itself over phrasings, is not done here.

Pitfalls: phrasings that ask for something else, or for less, which measures ambiguity; the best phrasing chosen
and reported on the same items; a spread over phrasings taken for one although it is that of few items.
Reference: Sun, Shaib and Wallace 2023, Evaluating the Zero-shot Robustness of Instruction-tuned Language Models,
https://arxiv.org/abs/2306.11270
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.contracts import Encoder
from cosimo.encode.items import check_texts, probe_vectors
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.estimating import unit_values
from cosimo.measure.results import kept
from cosimo.measure.tasks.task import LabelledTask, as_space
from cosimo.passport import Passport
from cosimo.space import Space
from cosimo.statistics import Comparison, RankSets, compare_paired, jackknife_interval, mean_interval, rank_sets
from cosimo.statistics.units import as_values
from cosimo.types import Estimate, Floats, PerItem, Role, Rows, Vectors


@dataclass(frozen=True, eq=False)
class PhrasingReport:
    """What n independent units are worth under each of P phrasings.

    values
        (n, P), more being better.
    phrasings
        The result under each of P, with its interval.
    mean, sd
        Of the results of all phrasings.
    noise
        The `sd` that n units would show if all phrasings were equally good.
    gap
        Mean result of the phrasings that the model was tuned or made for less that of the others, on the same units;
        None where none of either kind is known.
    ranks
        Which ranks each phrasing may have, in the order of `phrasings`.
    told
        What the runs warned of.

    >>> print(phrasing_spread({"Classify:": [1, 0, 1, 1, 1, 1], "What class?": [0, 0, 1, 1, 0, 1]}))
    2 phrasings on 6 units: mean 0.667 [0.238, 1.095], sd 0.236 (0.149 if all were equally good)
    worst 0.500: "What class?"; best 0.833: "Classify:"
    2 of 2 phrasings may be the best
    """

    values: Floats
    phrasings: Mapping[str, Estimate]
    mean: Estimate
    sd: Estimate
    noise: float
    gap: Comparison | None
    ranks: RankSets
    told: tuple[str, ...] = ()

    @property
    def worst(self) -> str:
        """The phrasing of the lowest result, chosen on these units."""
        return min(self.phrasings, key=lambda phrasing: self.phrasings[phrasing].value)

    @property
    def best(self) -> str:
        """The phrasing of the highest result, chosen on these units: expect less of it on others."""
        return max(self.phrasings, key=lambda phrasing: self.phrasings[phrasing].value)

    def __str__(self) -> str:
        n, count = self.values.shape
        lines = [
            f"{count} phrasings on {n} units: mean {_said(self.mean)}, sd {self.sd.value:.3f} "
            f"({self.noise:.3f} if all were equally good)",
            "; ".join(
                f'{what} {self.phrasings[phrasing].value:.3f}: "{phrasing}"'
                for what, phrasing in (("worst", self.worst), ("best", self.best))
            ),
            f"{int(self.ranks.top.sum())} of {count} phrasings may be the best",
        ]
        if self.gap is not None:
            lines.append(f"seen less novel phrasings: {self.gap.difference:+.3f}, p = {self.gap.p_value:.2g}")
        return "\n".join(lines)


def instruction_robustness(
    system: Any,
    task: LabelledTask,
    phrasings: Sequence[str],
    *,
    seen: Collection[str] = (),
    side: Role | None = None,
    metric: str | None = None,
    seed: int = 0,
    progress: bool = False,
) -> PhrasingReport:
    """What a task's metric is under each of several prompts that ask for the same.

    system
        A `Space` or an `Encoder` of texts.
    phrasings
        Put before texts as they are: end them as the text should follow, as in `"query: "`. The empty one is none.
    seen
        Those of `phrasings` that the model was tuned with or made for.
    side
        Whose texts get the prompt, `query` or `document`; None for all texts.
    metric
        One of the task's; the one it quotes when None.

    Raises
    ------
    DataError
        Fewer than two phrasings, one twice, a seen one that is not among them, or a metric that the task has not.

    >>> from cosimo.encode import FunctionEncoder
    >>> from cosimo.measure import PairClassification
    >>> task = PairClassification(["a", "b", "cc", "d"], ["a", "b", "c", "dddd"], [1, 1, 0, 0])
    >>> length = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> report = instruction_robustness(length, task, ["", "Text: "], seen=[""])
    >>> report.phrasings["Text: "].value
    1.0
    """
    space, values, told = as_space(system), {}, []
    name = task.headline if metric is None else metric
    if name not in task.metrics:
        raise DataError(f"{task.name} has no metric {name!r}; it has {', '.join(task.metrics)}")
    for phrasing in _distinct(phrasings):
        prompted = Space(
            _Prompted(space.encoder, phrasing, side), refiner=space.refiner, similarity=space.similarity_function
        )
        report = task.run(prompted, seed=seed, progress=progress)
        values[phrasing] = unit_values(*kept(report, name, task.metrics[name]), clusters=report.clusters, seed=seed)
        told += [f"{phrasing!r}: {warning}" for warning in report.warnings]
    return replace(phrasing_spread(values, seen=seen, seed=seed), told=tuple(told))


def phrasing_spread(
    values: Mapping[str, ArrayLike], *, seen: Collection[str] = (), level: float = 0.95, seed: int = 0
) -> PhrasingReport:
    """How results spread over phrasings.

    values
        Phrasing -> (n,) one value an independent unit, the same units for all, more being better: whether a language
        model answered item i right, say.
    seen
        Phrasings that the model was tuned with.

    Raises
    ------
    DataError, ShapeError
        Fewer than two phrasings or units, units that differ in number, NaN, or a seen phrasing that is not among them.
    """
    names = _distinct(list(values))
    unknown = [phrasing for phrasing in seen if phrasing not in values]
    if unknown:
        raise DataError(f"the seen phrasing {unknown[0]!r} is not among those that were tried")
    columns = [as_values(values[name], name=f"the values of {name!r}") for name in names]
    if len({len(column) for column in columns}) > 1 or len(columns[0]) < 2:
        sizes = sorted({len(column) for column in columns})
        raise ShapeError(f"phrasings want values of the same units, two at least, got {sizes}")
    X = np.stack(columns, axis=1)
    own = np.isin(names, list(seen))
    gap = None
    if own.any() and not own.all():
        gap = compare_paired(X[:, own].mean(axis=1), X[:, ~own].mean(axis=1), bounds=None, level=level, seed=seed)
    return PhrasingReport(
        values=X,
        phrasings={name: _mean(column, level) for name, column in zip(names, X.T, strict=True)},
        mean=_mean(X.mean(axis=1), level),
        sd=_sd(X, level),
        noise=_noise(X),
        gap=gap,
        ranks=rank_sets(X, level=level, seed=seed),
    )


@final
class _Prompted(Sides):
    """An encoder with a prompt before its texts."""

    def __init__(self, encoder: Encoder, prompt: str, side: Role | None) -> None:
        self.encoder, self.prompt, self.side = encoder, prompt, side

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return self.encoder.dim

    @cached_property
    def passport(self) -> Passport:
        """That of the encoder, and the prompt."""
        made_by = self.encoder.passport
        facts = {"encoder": {"kind": made_by.kind, **made_by.facts}, "prompt": self.prompt, "side": self.side}
        probe = partial(probe_vectors, self.encode)
        return Passport("prompted", made_by.name, self.dim, facts, made_by.content, probe)

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row a text, in the order given."""
        texts = check_texts(items)
        if self.side in (None, role):
            texts = [self.prompt + text for text in texts]
        return self.encoder.encode(texts, role=role, given=given, batch_size=batch_size, progress=progress)


def _distinct(phrasings: Sequence[str]) -> list[str]:
    listed = check_texts(phrasings)
    if len(set(listed)) < len(listed) or len(listed) < 2:
        raise DataError(f"wanted two different phrasings at least, got {len(set(listed))} in {len(listed)}")
    return listed


def _mean(column: PerItem, level: float) -> Estimate:
    value = float(column.mean())
    try:
        return Estimate(value, mean_interval(column, bounds=None, level=level, unit="unit"), column)
    except Refused:  # all units are alike
        return Estimate(value, None, column)


def _sd(X: Floats, level: float) -> Estimate:
    def statistic(rows: Rows) -> float:
        return float(X[rows].mean(axis=0).std(ddof=1))

    value = statistic(np.arange(len(X)))
    try:
        found = jackknife_interval(statistic, len(X), level=level, unit="unit")
    except Refused:
        return Estimate(value)
    return Estimate(value, replace(found, low=max(found.low, 0.0)))


def _noise(X: Floats) -> float:
    """The sd of means of columns (n, P) that differ by chance alone."""
    n, count = X.shape
    rest = X - X.mean(axis=1, keepdims=True) - X.mean(axis=0) + X.mean()
    return math.sqrt(float((rest**2).sum()) / (n * (n - 1) * (count - 1)))


def _said(found: Estimate) -> str:
    ends = found.interval
    return f"{found.value:.3f}" + ("" if ends is None else f" [{ends.low:.3f}, {ends.high:.3f}]")
