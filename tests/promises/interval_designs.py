"""What intervals and tests of metrics are tried on: draws from generators whose truth is known.

A truth is a closed form, the mean of a population that is drawn from, or the number of a sample so large that its error
does not count.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from cosimo import measure as m
from cosimo.measure.metrics.cuts import accuracy_at, best_cut, cuts, f1_at, falling

SEPARATION, POSITIVES = 1.5, 1 / 3
Draw = Callable[[np.random.Generator, int], tuple]


@dataclass(frozen=True)
class Design:
    """`draw(rng, n)` gives truth, prediction and clusters, or for a test truth and two predictions."""

    name: str
    metric: Any
    draw: Draw
    truth: Callable[[int], float] = lambda n: 0.0


class Known:
    """A metric of items whose values were measured before, and are given as predictions."""

    def __init__(self, metric: Any) -> None:
        self.metric, self.tags = metric, metric.tags

    def __repr__(self) -> str:
        return repr(self.metric)

    def __call__(self, truth: Any, pred: np.ndarray) -> np.ndarray:
        return pred


# -- rankings: queries drawn from a population of 4,000 that was ranked twice


@cache
def population() -> tuple[dict, list[dict]]:
    rng, truth, runs = np.random.default_rng(0), {}, [{}, {}]
    for query in map(str, range(4000)):
        relevant = rng.choice(100, 1 + min(rng.poisson(3), 20), replace=False)
        truth[query] = {f"d{d}": int(rng.integers(1, 4)) for d in relevant}
        shift = np.zeros(100)
        shift[relevant] = max(rng.normal(1.8, 0.8), 0)
        for run in runs:
            run[query] = {f"d{d}": s for d, s in enumerate(np.round(rng.normal(size=100) + shift, 1).tolist())}
    return truth, runs


@cache
def values(metric: Any) -> np.ndarray:
    """(2, 4000) of both rankings."""
    truth, runs = population()
    return np.stack([metric(truth, run) for run in runs])


def queries(metric: Any, rng: np.random.Generator, n: int) -> tuple:
    drawn = rng.choice(values(metric)[0], n)
    return drawn, drawn, None


def known_mean(metric: Any, n: int) -> float:
    return float(values(metric)[0].mean())


def two_rankings(metric: Any, rng: np.random.Generator, n: int) -> tuple:
    """Equally good by a coin that says which is which."""
    drawn = rng.permuted(values(metric)[:, rng.integers(4000, size=n)], axis=0)
    return drawn[0], drawn[0], drawn[1]


def skewed(rng: np.random.Generator, n: int) -> tuple:
    """Slightly better on most queries, much worse on a fifth: equal on average."""
    a = rng.uniform(0.3, 0.9, size=n)
    return a, a, a + np.where(rng.uniform(size=n) < 0.2, -0.2, 0.05) + rng.normal(scale=0.01, size=n)


# -- items


def rates(rate: float, rng: np.random.Generator, n: int) -> tuple:
    return np.ones(n), (rng.uniform(size=n) < rate).astype(int), None


def two_rates(rate: float, rng: np.random.Generator, n: int) -> tuple:
    """Half of the mistakes are shared."""
    shared, own = rng.uniform(size=n), rng.uniform(size=(2, n))
    right = (shared < rate**0.5) & (own < rate**0.5)
    return np.ones(n), *right.astype(int)


def triplets(rng: np.random.Generator, n: int) -> tuple:
    """One in ten ties."""
    S = rng.normal(size=(n, 2))
    S[:, 0] += 1
    S[rng.uniform(size=n) < 0.1] = 0.0
    return np.ones(n), S, None


def in_clusters(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n clusters of 1 to 7 items: their names, and an effect of each."""
    names = np.repeat(np.arange(n), rng.integers(1, 8, size=n))
    return names, rng.normal(size=n)[names]


def clustered_values(rng: np.random.Generator, n: int) -> tuple:
    names, effect = in_clusters(rng, n)
    drawn = expit(1 + effect + rng.normal(size=len(names)))
    return drawn, drawn, names


@cache
def clustered_mean(n: int) -> float:
    return float(expit(1 + np.random.default_rng(1).normal(scale=2**0.5, size=4_000_000)).mean())


# -- numbers


def normal(rng: np.random.Generator, n: int, *, systems: int = 1) -> tuple:
    """Correlation .8; a second system is as good on another scale."""
    x = rng.normal(size=n)
    scores = [0.8 * x + 0.6 * rng.normal(size=n) for _ in range(systems)]
    return (x, scores[0], None) if systems == 1 else (x, scores[0], 5 * scores[1] - 2)


def graded(rng: np.random.Generator, n: int) -> tuple:
    """Grades 0 to 5, most of them low, and scores that are not on a line with them."""
    x = rng.normal(size=n)
    return np.clip(np.round(1.5 + 1.5 * x), 0, 5), np.tanh(0.7 * x + 0.5 * rng.normal(size=n)), None


def clustered_numbers(rng: np.random.Generator, n: int) -> tuple:
    names, effect = in_clusters(rng, n)
    x = effect + rng.normal(size=len(names))
    return x, x + rng.normal(size=n)[names] + rng.normal(size=len(names)), names


def shared_items(rng: np.random.Generator, n: int) -> tuple:
    """n random pairs of n / 5 items on either side, which move truth and scores."""
    sides = rng.integers(n // 5, size=(2, n))
    gold, bias = rng.normal(size=(2, 2, n // 5)) / 2
    x = gold[0, sides[0]] + gold[1, sides[1]] + rng.normal(size=n)
    scores = x + bias[0, sides[0]] + bias[1, sides[1]] + rng.normal(size=n)
    return x, scores, np.stack([sides[0], n + sides[1]], axis=1)


def spearman_of(rho: float) -> float:
    return float(6 / np.pi * np.arcsin(rho / 2))


@cache
def large(draw: Draw, metric: Any) -> float:
    return metric(*draw(np.random.default_rng(1), 1_000_000)[:2])


def confidence(rng: np.random.Generator, n: int) -> tuple:
    known = rng.beta(2, 1, size=n)
    return known, known + rng.normal(size=n) / 2, None


# -- labels: scores N(1.5, 1) of positives and N(0, 1) of others


def labels(rng: np.random.Generator, n: int, *, systems: int = 1) -> tuple:
    y = (rng.uniform(size=n) < POSITIVES).astype(int)
    noise = rng.normal(size=(systems, n))
    if systems > 1:  # half of it is shared
        noise = (noise + rng.normal(size=n)) / 2**0.5
    scores = SEPARATION * y + noise
    return (y, scores[0], None) if systems == 1 else (y, *scores)


def clustered_labels(rng: np.random.Generator, n: int) -> tuple:
    names, effect = in_clusters(rng, n)
    y = (rng.uniform(size=len(names)) < POSITIVES).astype(int)
    return y, SEPARATION * y + effect + rng.normal(size=len(names)), names


def at_cut(cut: np.ndarray, number: str) -> np.ndarray:
    """Of the population."""
    right, wrong = POSITIVES * norm.sf(cut - SEPARATION), (1 - POSITIVES) * norm.sf(cut)
    return 2 * right / (right + wrong + POSITIVES) if number == "f1" else right + 1 - POSITIVES - wrong


def best(number: str, n: int) -> float:
    return float(at_cut(np.linspace(-3, 5, 100_001), number).max())


@cache
def held_out(number: str, n: int) -> float:
    """Mean over cuts chosen on four fifths of n items."""
    rng, worth = np.random.default_rng(1), f1_at if number == "f1" else accuracy_at
    chosen = [best_cut(cuts(falling(*labels(rng, 4 * n // 5)[:2])), worth)[0] for _ in range(2000)]
    return float(at_cut(np.array(chosen), number).mean())


# -- clusters: ten classes, cluster r right for a share of the items that differs between seeds


def partition(rng: np.random.Generator, n: int, *, seeds: int = 1, systems: int = 1) -> tuple:
    y = rng.integers(10, size=n)
    shape = (systems, n, seeds)
    right = rng.uniform(size=shape) < (0.7 + 0.05 * rng.normal(size=(systems, 1, seeds)) * (seeds > 1))
    found = np.where(right, y[:, None], rng.integers(12, size=shape))
    return (y, found[0], None) if systems == 1 else (y, *found)


@cache
def expected(metric: Any, seeds: int, n: int) -> float:
    """The v-measure depends on n."""
    rng = np.random.default_rng(1)
    return float(np.mean([metric(*partition(rng, n, seeds=seeds)[:2]) for _ in range(2000)]))


RANKINGS = (m.NDCG(), m.MRR(), m.MAP(), m.Recall(k=10), m.Precision(k=5), m.Success(k=1), m.RPrecision())
AGREEMENTS = (m.VMeasure(), m.AdjustedRand(), m.AdjustedMutualInformation())


def designs() -> Iterator[Design]:
    """What is tried for coverage."""
    for metric in RANKINGS:
        yield Design("queries", Known(metric), partial(queries, metric), partial(known_mean, metric))
    yield Design("rate .85", m.Accuracy(), partial(rates, 0.85), lambda n: 0.85)
    yield Design("rate .97", m.Accuracy(), partial(rates, 0.97), lambda n: 0.97)
    yield Design("rate .05", m.XsimError(), partial(rates, 0.95), lambda n: 0.05)
    yield Design("a tenth ties", m.TripletAccuracy(), triplets, lambda n: 0.9 * norm.cdf(0.5**0.5) + 0.05)
    yield Design("clusters", Known(m.NDCG()), clustered_values, clustered_mean)
    rho = {m.Pearson(): 0.8, m.Spearman(): spearman_of(0.8), m.Kendall(): 2 / np.pi * np.arcsin(0.8)}
    for metric, truth in rho.items():
        yield Design("normal", metric, normal, lambda n, truth=truth: truth)
    for metric in (m.Pearson(), m.Spearman()):
        yield Design("grades", metric, graded, lambda n, metric=metric: large(graded, metric))
    yield Design("clusters", m.Spearman(), clustered_numbers, lambda n: spearman_of((2 / 4) ** 0.5))
    yield Design("items on both sides", m.Spearman(), shared_items, lambda n: spearman_of((1.5 / 3) ** 0.5))
    yield Design("confidence", m.NAUC(), confidence, lambda n: large(confidence, m.NAUC()))
    yield Design("a third positive", m.RocAuc(), labels, lambda n: norm.cdf(SEPARATION / 2**0.5))
    yield Design("clusters", m.RocAuc(), clustered_labels, lambda n: norm.cdf(SEPARATION / 2))
    yield Design("a third positive", m.AveragePrecision(), labels, lambda n: large(labels, m.AveragePrecision()))
    for number, optimistic, honest in (
        ("f1", m.BestF1(), m.HeldOutF1()),
        ("accuracy", m.BestAccuracy(), m.HeldOutAccuracy()),
    ):
        yield Design("a third positive", optimistic, labels, partial(best, number))
        yield Design("a third positive", honest, labels, partial(held_out, number))
    for metric in AGREEMENTS:
        yield Design("ten classes", metric, partition, partial(expected, metric, 1))
    seeded = partial(partition, seeds=10)
    yield Design("ten classes, 10 seeds", m.VMeasure(), seeded, partial(expected, m.VMeasure(), 10))


def pairs() -> Iterator[Design]:
    """What is tried for false differences: two systems that are equally good."""
    yield Design("queries", Known(m.NDCG()), partial(two_rankings, m.NDCG()))
    yield Design("seldom much worse", Known(m.NDCG()), skewed)
    yield Design("rate .85", m.Accuracy(), partial(two_rates, 0.85))
    yield Design("normal", m.Spearman(), partial(normal, systems=2))
    yield Design("a third positive", m.RocAuc(), partial(labels, systems=2))
    yield Design("a third positive", m.AveragePrecision(), partial(labels, systems=2))
    yield Design("a third positive", m.HeldOutF1(), partial(labels, systems=2))
    yield Design("ten classes, 10 seeds", m.VMeasure(), partial(partition, seeds=10, systems=2))
