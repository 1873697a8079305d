r"""A report for choosing an encoder and a cut on one's own documents: accuracy with intervals, and how scores lie.

A retrieval accuracy without an interval, or a cut without the scores of right and of random passages beside it, says
little. The report shows three distributions of cosines: question and right passage, question and its first results,
question and random wrong passages, how much they overlap, and two cuts that follow from them:

$$ \operatorname{OVL}(p, q) = \int \min(p, q) \qquad t_{quantile} = F_{correct}^{-1}(q) \qquad
   t_{crossing} : p_{correct}(t) = p_{random}(t) $$

Beside them stands the isotropy of the passages, by two definitions that have nothing to do with each other.
Everything is resampled over *questions*, each with all its passages: intervals are percentiles of the resamples.

Symbols: F -> the distribution of `correct`, q -> `q`, p -> kernel densities (`cosine_distributions`); isotropy is
`average_cosine` and `partition_ratio` (`embedding_clouds`).
Pitfalls: resampling question-passage pairs, of which those of one question are not independent; comparing two
models by whether their intervals overlap, which hides most differences (`compare_reports` resamples both alike); an
interval of [1, 1] after no error (few errors get the exact one here); a cut chosen here and then called sure: both are
estimates, which promise nothing of what lies above them. Assumed, as no source was at hand that says it: the cut is
the lower 5 % quantile of right pairs.

Reference: A Compass for Navigating the World of Sentence Embeddings for the Telecom Domain (2024),
https://arxiv.org/abs/2406.12336
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import as_vectors, same_dim, unit
from cosimo._extras import need
from cosimo._random import Seed, generator
from cosimo.decide.fitting.labelled import as_scores, in_unit_interval
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.studies.cosine_distributions import CELLS, CENTRES, Cosines, crossing, overlap
from cosimo.measure.studies.embedding_clouds import average_cosine, partition_ratio
from cosimo.statistics import clopper_pearson
from cosimo.types import Estimate, Floats, Interval, PerItem, Vectors

Metric = Literal["accuracy", "recall"]
Rule = Literal["quantile", "crossing"]

RANDOM = 20
"""Random passages drawn for each question."""

FEW = 5
"""Questions that must differ before resampling them gives an interval."""

SCOPE = "new questions like these; the same passages, judgements and model"

QUANTILE = 0.05
"""Share of the right pairs below the cut of the rule `quantile`, in a report."""


@dataclass(frozen=True, eq=False)
class RetrievalReport:
    """How well questions find their passages, and what their cosines look like.

    metrics
        Estimates by name: `accuracy@k` (or `recall@k`), `threshold (rule)` and the share of random pairs above it,
        `overlap (a, b)`, and the isotropy of the passages by `average cosine` and `partition ratio`.
    correct, top, random
        Cosines of questions with their right passages, their first results, and random wrong passages.
    n
        Questions.
    asked
        Fingerprint of the questions' judgements; reports on the same can be compared.
    """

    metrics: Mapping[str, Estimate]
    correct: PerItem
    top: PerItem
    random: PerItem
    n: int
    asked: str

    def plot(self, ax: Any = None) -> Any:
        """The three distributions and both cuts on matplotlib axes, new ones where none are given.

        Raises
        ------
        MissingExtra
            matplotlib is not installed.
        """
        if ax is None:
            ax = need("matplotlib.pyplot", extra="plots").subplots()[1]
        for name, values in (("correct", self.correct), ("top", self.top), ("random", self.random)):
            ax.plot(CENTRES, alone(values, name).density(np.ones(1)) * CELLS / 2, label=name)
        for rule, style in (("quantile", "--"), ("crossing", ":")):
            ax.axvline(self.metrics[f"threshold ({rule})"].value, linestyle=style, color="grey", label=f"{rule} cut")
        ax.set_xlabel("cosine")
        ax.set_ylabel("density")
        ax.legend()
        return ax


def select_threshold(correct: PerItem, random: PerItem, *, rule: Rule = "quantile", q: float = QUANTILE) -> float:
    """A cut on the cosine, from those of right pairs (p,) and of random ones (r,): an estimate.

    rule
        `quantile`: the value that a share q of the right pairs does not exceed. `crossing`: where the densities of
        both cross; of several crossings the one that leaves least of either on the wrong side.

    Raises
    ------
    Refused
        Right pairs do not score higher than random ones, so that densities do not cross from one to the other.

    >>> select_threshold(np.arange(1, 101) / 100, -np.arange(1, 101) / 100)
    0.05
    """
    in_unit_interval(q, "q")
    if rule not in ("quantile", "crossing"):
        raise DataError(f"rule is quantile or crossing, got {rule!r}")
    right, other, once = alone(correct, "correct"), alone(random, "random"), np.ones(1)
    if rule == "quantile":
        return right.quantile(q, once)
    if right.quantile(0.5, once) <= other.quantile(0.5, once):
        raise Refused("right pairs score no higher than random ones here, so no cut separates them")
    return crossing(other.density(once), right.density(once))


def retrieval_report(
    Q: Vectors,
    K: Vectors,
    gold: Sequence[Any],
    *,
    k: Sequence[int] = (1, 3, 5),
    metric: Metric = "accuracy",
    n_boot: int = 1000,
    level: float = 0.95,
    seed: Seed = 0,
) -> RetrievalReport:
    """How n questions Q (n, d) find their passages among K (m, d), with intervals: estimates, nothing is promised.

    gold
        (n,) row of each question's right passage, or a list of rows each.
    k
        First results that count.
    metric
        What a question gains: `accuracy`, 1 if any right passage is among the first k; `recall`, the share that is.
    n_boot
        Resamples of the questions.

    Raises
    ------
    ShapeError
        Vectors of different spaces, fewer than 2 questions, or not one judgement for each.
    DataError
        A question without a right passage, rows that are not there, k of more than there are passages.
    """
    in_unit_interval(level, "level")
    Q, K = unit(as_vectors(Q, name="Q")), unit(as_vectors(K, name="K"))
    same_dim(Q, K)
    right = judgements(gold, len(Q), len(K))
    if not k or min(k) < 1 or max(k) > len(K):
        raise DataError(f"k must be counts between 1 and {len(K)} passages, got {list(k)}")
    if metric not in ("accuracy", "recall"):
        raise DataError(f"metric is accuracy or recall, got {metric!r}")
    rng = generator(seed)
    first, correct, top, random = looked_up(Q, K, right, max(k), rng)
    gains = {f"{metric}@{each}": gained(first[:, :each], right, metric) for each in k}
    clouds = {"correct": correct, "top": top, "random": random}
    drawn = [described(gains, clouds, counts) for counts in resamples(len(Q), n_boot, level, rng)]
    metrics = {}
    for name, value in described(gains, clouds, np.ones(len(Q))).items():
        per_item = gains.get(name)
        if per_item is not None and few(per_item):
            metrics[name] = exact(per_item, level)
        else:
            values = np.array([one[name] for one in drawn])
            metrics[name] = estimate(value, values, level, len(Q), per_item=per_item)
    metrics["average cosine"] = average_cosine(K, level=level)
    metrics["partition ratio"] = Estimate(partition_ratio(K))
    asked = hashlib.sha256("\n".join(str(rows.tolist()) for rows in right).encode()).hexdigest()
    return RetrievalReport(metrics, correct.values, top.values, random.values, len(Q), asked)


def compare_reports(
    a: RetrievalReport, b: RetrievalReport, *, n_boot: int = 1000, level: float = 0.95, seed: Seed = 0
) -> dict[str, Estimate]:
    """How much more each metric of a question gains in `a` than in `b`, both on the same resamples of the questions.

    Raises
    ------
    DataError
        The reports are not about the same questions and judgements, or have no metric in common.
    """
    in_unit_interval(level, "level")
    if a.asked != b.asked:
        raise DataError("these reports are not about the same questions and judgements, so nothing pairs up")
    gains = {}
    for name, ours in a.metrics.items():
        theirs = b.metrics.get(name)
        if ours.per_item is not None and theirs is not None and theirs.per_item is not None:
            gains[name] = ours.per_item - theirs.per_item
    if not gains:
        raise DataError("these reports have no metric in common; make both with the same k and metric")
    D = np.stack(list(gains.values()), axis=1)
    drawn = np.array([counts @ D / a.n for counts in resamples(a.n, n_boot, level, seed)])
    found = {}
    for i, (name, one) in enumerate(gains.items()):
        value = float(one.mean())
        alike = np.count_nonzero(one) < FEW
        found[name] = Estimate(value, None, one) if alike else estimate(value, drawn[:, i], level, a.n, per_item=one)
    return found


def judgements(gold: Sequence[Any], n: int, m: int) -> list[NDArray[np.int64]]:
    """Sorted rows of the right passages of n questions, among m."""
    if len(gold) != n or n < 2:
        raise ShapeError(f"gold must say of each of {n} questions, 2 or more, what is right; got {len(gold)}")
    rows = []
    for i, given in enumerate(gold):
        one = np.unique(np.atleast_1d(np.asarray(given)))
        if not one.size or one.dtype.kind not in "iu" or one.ndim != 1:
            raise DataError(f"question {i} has no right passage; give rows of K, or leave the question out")
        if one[0] < 0 or one[-1] >= m or one.size == m:
            raise DataError(f"the right passages of question {i} must be some, not all, of the rows 0 to {m - 1}")
        rows.append(one.astype(np.int64))
    return rows


def looked_up(
    Q: Vectors, K: Vectors, right: Sequence[NDArray[np.int64]], k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Cosines, Cosines, Cosines]:
    """Rows (n, k) of the first results, equal scores in the order of K; cosines of right, first and random passages."""
    first = np.empty((len(Q), k), np.int64)
    found: tuple[list[Floats], ...] = ([], [], [])
    for i, q in enumerate(Q):
        S = np.asarray(K @ q, np.float64)
        first[i] = np.argsort(-S, kind="stable")[:k]
        wrong = np.delete(np.arange(len(K)), right[i])
        for values, rows in zip(found, (right[i], first[i], rng.choice(wrong, RANDOM)), strict=True):
            values.append(S[rows])
    owners = [np.repeat(np.arange(len(Q)), [len(one) for one in values]) for values in found]
    correct, top, random = (Cosines(np.concatenate(v), owner) for v, owner in zip(found, owners, strict=True))
    return first, correct, top, random


def gained(first: NDArray[np.int64], right: Sequence[NDArray[np.int64]], metric: Metric) -> Floats:
    """(n,) what each question gains from its first results (n, k)."""
    hits = np.array([np.isin(rows, one).sum() for rows, one in zip(right, first, strict=True)], np.float64)
    return np.minimum(hits, 1.0) if metric == "accuracy" else hits / [len(rows) for rows in right]


def described(gains: Mapping[str, Floats], clouds: Mapping[str, Cosines], counts: Floats) -> dict[str, float]:
    """Every figure, with each question taken as often as `counts` (n,) says."""
    figures = {name: float(counts @ values / counts.sum()) for name, values in gains.items()}
    correct, random = clouds["correct"], clouds["random"]
    p = {name: cloud.density(counts) for name, cloud in clouds.items()}
    cuts = {"quantile": correct.quantile(QUANTILE, counts), "crossing": crossing(p["random"], p["correct"])}
    for rule, cut in cuts.items():
        figures |= {f"threshold ({rule})": cut, f"random above ({rule})": random.above(cut, counts)}
    for a, b in combinations(clouds, 2):
        figures[f"overlap ({a}, {b})"] = overlap(p[a], p[b])
    return figures


def resamples(n: int, n_boot: int, level: float, seed: Seed) -> Iterator[Floats]:
    """How often each of n questions is drawn (n,), n_boot times."""
    if n_boot * (1 - level) < 2:
        raise DataError(f"{n_boot} resamples have no tails at level {level}; take at least {round(10 / (1 - level))}")
    rng = generator(seed)
    return (np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64) for _ in range(n_boot))


def estimate(value: float, drawn: Floats, level: float, n: int, *, per_item: PerItem | None) -> Estimate:
    """A figure with the percentiles of its resamples, which are values it had."""
    ordered, place = np.sort(drawn), int(np.floor((1 - level) / 2 * (len(drawn) + 1))) - 1
    method = f"percentile bootstrap, {len(drawn):,} resamples"
    low, high = float(ordered[place]), float(ordered[-1 - place])
    return Estimate(value, Interval(low, high, level, method, "question", n, "estimate", SCOPE), per_item)


def few(gains: Floats) -> bool:
    """Whether nearly all questions (n,) gain everything, or nothing, so that resamples say little."""
    return bool(min(np.count_nonzero(gains), np.count_nonzero(gains - 1)) < FEW)


def exact(gains: Floats, level: float) -> Estimate:
    """The mean of (n,) gains with the exact interval of a rate, without one where they are not all 0 or 1."""
    value, n = float(gains.mean()), len(gains)
    if not np.isin(gains, (0, 1)).all():
        return Estimate(value, None, gains)
    low, high = clopper_pearson(int(gains.sum()), n, level=level)
    return Estimate(value, Interval(low, high, level, "Clopper-Pearson", "question", n, "estimate", SCOPE), gains)


def alone(values: PerItem, name: str) -> Cosines:
    """Cosines (p,) that all belong to one question."""
    V = np.asarray(as_scores(values, name=name), np.float64)
    if not len(V) or not (np.abs(V) <= 1.001).all():
        raise DataError(f"{name} must hold at least one value, all cosines between -1 and 1")
    return Cosines(V, np.zeros(len(V), np.int64))
