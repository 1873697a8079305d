"""Real labels as the population: samples drawn from it with replacement, cluster by cluster, judged by all of it."""

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

import cosimo
from cosimo.decide import PrecisionThreshold
from promises.outcomes import Outcome, Unjudged, certified, simulate


def read(name: str) -> pd.DataFrame:
    return pd.read_parquet(Path(os.environ["COSIMO_DATA"]) / f"{name}.parquet")


@dataclass(frozen=True, eq=False)
class Population:
    """All scored pairs of a data set: (n,) scores and labels, and for hits the (n,) query of each."""

    name: str
    scores: np.ndarray
    y: np.ndarray
    clusters: np.ndarray | None = None

    def precision(self, cut: float, per: str = "pair") -> float:
        at = self.scores >= cut
        if not at.any():
            return np.nan
        if per == "pair" or self.clusters is None:
            return float(self.y[at].mean())
        sizes = np.bincount(self.clusters[at])
        shares = np.bincount(self.clusters[at], self.y[at])[sizes > 0] / sizes[sizes > 0]
        return float(shares.mean())

    def reachable(self, target: float) -> float:
        """The largest share of pairs that a cut accepts at the target, 0 where none does."""
        cuts = np.quantile(self.scores, np.linspace(0, 0.999, 300), method="lower")
        shares = [float((self.scores >= cut).mean()) for cut in cuts if self.precision(cut, self.per) >= target]
        return max(shares, default=0.0)

    @property
    def per(self) -> str:
        return "pair" if self.clusters is None else "cluster"

    def sampler(self, n: int) -> Callable[[np.random.Generator], tuple]:
        """Draws n pairs, or the pairs of n clusters, with replacement; a cluster drawn twice is two clusters."""
        if self.clusters is None:

            def pairs(rng):
                places = rng.integers(0, len(self.y), n)
                return self.scores[places], self.y[places], None

            return pairs
        order = np.argsort(self.clusters, kind="stable")
        bounds = np.searchsorted(self.clusters[order], np.arange(self.clusters.max() + 2))

        def whole(rng):
            drawn = rng.integers(0, len(bounds) - 1, n)
            places = [order[bounds[c] : bounds[c + 1]] for c in drawn]
            names = np.repeat(np.arange(n), [len(p) for p in places])
            flat = np.concatenate(places)
            return self.scores[flat], self.y[flat], names.astype(str)

        return whole


@cache
def space() -> "cosimo.Space":
    return cosimo.Space.load("minilm")


@cache
def encoded(texts: tuple[str, ...]) -> np.ndarray:
    distinct, places = np.unique(texts, return_inverse=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cosimo.encode.TruncationWarning)
        return space().encode(distinct.tolist())[places]


def pairs_of(name: str, a: list[str], b: list[str], y: np.ndarray) -> Population:
    return Population(name, (encoded(tuple(a)) * encoded(tuple(b))).sum(axis=1), np.asarray(y, bool))


def hits_of(name: str, queries, documents, relevant: Callable[[int, int], bool], k: int, *, itself=False) -> Population:
    """The k best documents of each query; `itself` leaves out the query among them."""
    Q, K = (encoded(tuple(texts)) for texts in (queries, documents))
    index = cosimo.search.ExactIndex()
    index.add(K, np.arange(len(K)))
    hits = index.search(Q, k + itself)
    scores, y, clusters = [], [], []
    for i, (rows, found) in enumerate(zip(hits.rows, hits.scores, strict=True)):
        kept = [(row, score) for row, score in zip(rows, found, strict=True) if not (itself and row == i)][:k]
        scores += [score for _, score in kept]
        y += [relevant(i, int(row)) for row, _ in kept]
        clusters += [i] * len(kept)
    return Population(name, np.array(scores, np.float32), np.array(y, bool), np.array(clusters))


def banking(k: int = 10, rows: pd.DataFrame | None = None) -> Population:
    rows = read("banking77/banking77") if rows is None else rows
    texts, labels = rows["text"].tolist(), rows["label"].to_numpy()
    same = lambda i, j: labels[i] == labels[j]  # noqa: E731
    return hits_of(f"Banking77, {k} best hits", texts, texts, same, k, itself=True)


def judged(folder: str, k: int = 10) -> Population:
    documents, queries, qrels = (read(f"{folder}/{part}") for part in ("docs", "queries", "qrels"))
    column = "gain" if "gain" in qrels else "relevance"
    good = {(str(q), str(d)) for q, d, g in qrels[["query_id", "doc_id", column]].itertuples(index=False) if g > 0}
    names = [str(name) for name in documents[documents.columns[0]]]
    asked = [str(name) for name in queries[queries.columns[0]]]
    texts = _texts(documents), _texts(queries)
    relevant = lambda i, j: (asked[i], names[j]) in good  # noqa: E731
    return hits_of(f"{folder.capitalize()}, {k} best hits", texts[1], texts[0], relevant, k)


def _texts(frame: pd.DataFrame) -> list[str]:
    columns = [name for name in ("title", "text", "query") if name in frame]
    return [" ".join(str(value) for value in row if value) for row in frame[columns].itertuples(index=False)]


def matching(name: str) -> Population:
    """All candidate pairs of an entity matching benchmark, by their left record."""
    rows = read(f"entity_matching/{name}")
    sides = []
    for side in ("left_", "right_"):
        columns = [column for column in rows if column.startswith(side)]
        sides.append([" ".join(str(value) for value in row if value) for row in rows[columns].itertuples(index=False)])
    whole = pairs_of(f"{name}, all candidate pairs", *sides, rows["label"].to_numpy() == 1)
    _, codes = np.unique(sides[0], return_inverse=True)
    return Population(whole.name, whole.scores, whole.y, codes)


def populations() -> Iterator[tuple[Population, tuple[float, ...], tuple[int, ...]]]:
    """Populations, targets, and numbers of pairs or clusters to label."""
    yield banking(), (0.90, 0.92), (100, 300, 1000)
    rows = read("mrpc/mrpc")
    yield (
        pairs_of("MRPC", rows["sentence1"].tolist(), rows["sentence2"].tolist(), rows["label"] == 1),
        (0.80, 0.95),
        (300, 1000),
    )
    rows = read("stsb/stsb_en")
    yield (
        pairs_of("STS-B, score at least 4", rows["sentence1"].tolist(), rows["sentence2"].tolist(), rows["score"] >= 4),
        (0.80, 0.95),
        (300, 1000),
    )
    for name in ("abt_buy", "amazon_google", "dblp_acm"):
        yield matching(name), (0.80, 0.90), (300, 1000)
    for folder in ("cranfield", "vaswani"):
        yield judged(folder), (0.50, 0.90), (100, 300)


def outcomes(runs: int) -> Iterator[tuple[Outcome, dict]]:
    """What is certified, how often falsely; beside it a rule that is blind to clusters, and a naive one."""
    for population, targets, sizes in populations():
        for target in targets:
            best = population.reachable(target)
            for n in sizes:
                yield from _compare(population, target, n, runs, best)


def _compare(population: Population, target: float, n: int, runs: int, best: float) -> Iterator[tuple[Outcome, dict]]:
    def rule():
        return PrecisionThreshold(target, look=None, calibrator=Unjudged())

    def truth(per):
        def look(cut):
            gain = float((population.scores >= cut).mean()) / best if best else np.nan
            return population.precision(cut, per) >= target, gain

        return look

    def blind(sample):
        return certified(rule(), sample[0], sample[1])

    def naive(sample):
        order = np.argsort(-sample[0], kind="stable")
        accepted, right = np.arange(1, len(order) + 1), np.cumsum(sample[1][order])
        good = np.flatnonzero(right >= target * accepted)
        return float(sample[0][order][good[-1]]) if len(good) else None

    unit = "pairs" if population.clusters is None else "clusters"
    about = {"data": population.name, "target": target, "n": n, "unit": unit, "reachable": round(best, 3)}
    design = f"{population.name}, precision {target:g}, {n} {unit}"
    methods = {"cosimo": (lambda s: certified(rule(), s[0], s[1], clusters=s[2]), population.per)}
    if population.clusters is not None:
        methods["blind to clusters"] = blind, "pair"
    methods["precision on the labels"] = naive, "pair"
    for method, (certify, per) in methods.items():
        yield simulate(design, method, population.sampler(n), certify, truth(per), runs=runs), about
