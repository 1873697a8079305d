r"""Which traits of models go with high ranks over many data sets, and which data sets say the same.

    s_j = - R_j                        minus the average rank of model j over data sets, or families of them
    rho = Spearman(trait_j, s_j)       over models;    interval: whole families of models left out or resampled
    p = share of permutations of the families' mean traits with |rho| at least as large, Holm over the traits
    C_ab = Spearman(scores on a, scores on b)          over models

Variants of one model (sizes, shortened or whitened vectors, 8-bit weights) are not independent rows: what they share
would count as often as there are variants. The independent rows are the families, and with fewer than 8 of them no
p-value is given.

Symbols: R -> ranks of `results`, traits -> `model_cards`.
Pitfalls: dozens of checkpoints of five laboratories counted as dozens of models; the smallest of many p-values
reported alone; "tuned for similarity" taken for a cause, where it comes together with size and year.
Reference: Extending the Massive Text Embedding Benchmark to French, 2024, https://arxiv.org/abs/2405.20468
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cosimo._random import Seed, generator
from cosimo.errors import DataError, Refused
from cosimo.measure.studies.rank_tests import Results, family_codes, ranks_within, score_table
from cosimo.statistics import correlation, correlation_interval, holm
from cosimo.statistics.units import FEW
from cosimo.types import Estimate, Floats, PerItem, Rows

ENOUGH_FAMILIES = 8
N_PERMUTATIONS = 9999

Families = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class TraitCorrelation:
    """How a trait of models goes with their average rank; positive where more of it goes with better ranks.

    trait
        Its name; a trait of words, such as pooling, becomes one of 0 and 1 for each word: `pooling: mean`.
    correlation
        Spearman's over models, with an interval over families of models where they carry one.
    p_value
        Of "it goes with nothing", adjusted for all traits; None with fewer than 8 families of models.
    """

    trait: str
    correlation: Estimate
    p_value: float | None
    n_models: int
    n_families: int


def explain_scores(
    results: Results,
    model_cards: Mapping[str, Mapping[str, Any]],
    *,
    families: Families | None = None,
    dataset_families: Families | None = None,
    level: float = 0.95,
    seed: Seed = 0,
) -> tuple[TraitCorrelation, ...]:
    """Which traits go with good ranks, the strongest first.

    results
        A DataFrame, a row a model and a column a data set, or a mapping model -> {data set: score}; more is better.
    model_cards
        Traits of each model: numbers, truth values, or words; models without a trait, or with None, are left out of
        its correlation, and a trait in which all models agree is left out.
    families
        Family of each model; a model without one is its own.
    dataset_families
        Family of each data set, which counts once.

    Raises
    ------
    DataError
        A model has no card, or a trait has both words and numbers.

    >>> results = {model: {"sts": score, "nli": score} for model, score in zip("abcd", [0.1, 0.4, 0.2, 0.6])}
    >>> cards = {model: {"dim": dim} for model, dim in zip("abcd", [768, 256, 384, 384])}
    >>> found = explain_scores(results, cards)[0]
    >>> found.trait, found.correlation.value, found.p_value, found.n_families
    ('dim', -0.632, None, 4)
    """
    models, sets, X = score_table(results)
    missing = [model for model in models if model not in model_cards]
    if missing:
        raise DataError(f"no card for {', '.join(missing[:3])}; give the traits of each model, even if there are none")
    scores = -ranks_within(X, family_codes(sets, dataset_families)[0]).mean(axis=0)
    codes, _ = family_codes(models, families)
    rng, found = generator(seed), []
    for trait, values in _columns(models, model_cards):
        known = np.isfinite(values)
        if len(np.unique(values[known])) > 1 and np.ptp(scores[known]) > 0:
            found.append(_of_trait(trait, values[known], scores[known], codes[known], level, rng))
    tested = [(i, one.p_value) for i, one in enumerate(found) if one.p_value is not None]
    for (i, _), p in zip(tested, holm([p for _, p in tested]) if tested else (), strict=True):
        found[i] = replace(found[i], p_value=float(p))
    return tuple(sorted(found, key=lambda one: -abs(one.correlation.value)))


@dataclass(frozen=True, eq=False)
class DatasetRedundancy:
    """Which of D data sets order the models alike.

    datasets
        Names, the order of all else.
    correlations
        (D, D) Spearman's over models; NaN where all models score the same.
    redundant
        (a, b, correlation) of the pairs that reach the threshold, the closest first.
    kept
        Data sets that are left when of each redundant pair one is dropped, the one that is less like the others.
    agreement
        Spearman of the models' average ranks over `kept` and over all.
    """

    datasets: tuple[str, ...]
    correlations: Floats
    redundant: tuple[tuple[str, str, Estimate], ...]
    kept: tuple[str, ...]
    agreement: float


def dataset_redundancy(
    results: Results, *, threshold: float = 0.9, families: Families | None = None, level: float = 0.95
) -> DatasetRedundancy:
    """Which data sets say the same of the models, so that some could be left out.

    Only these models were asked: data sets that agree on models of very different quality may still tell good ones
    apart differently.

    results
        A DataFrame, a row a model and a column a data set, or a mapping model -> {data set: score}; more is better.
    threshold
        Correlation from which on two data sets are redundant.
    families
        Family of each model, for the intervals; a model without one is its own.

    >>> found = dataset_redundancy({m: {"a": s, "b": s / 2, "c": -abs(s - 4)} for m, s in zip("pqrstu", range(1, 7))})
    >>> [(a, b, r.value) for a, b, r in found.redundant], found.kept, found.agreement
    ([('a', 'b', 1.0)], ('a', 'c'), 0.812)
    """
    models, sets, X = score_table(results)
    if len(models) < 3:
        raise DataError(f"a correlation over models wants three at least, got {len(models)}")
    codes, _ = family_codes(models, families)
    D = len(sets)
    C = np.array([[correlation(a, b) for b in X] for a in X]).reshape(D, D)
    alike = np.argwhere(np.triu(threshold <= C, 1))
    closest = sorted(alike.tolist(), key=lambda pair: -C[pair[0], pair[1]])
    kept = _kept(C, threshold)
    return DatasetRedundancy(
        datasets=tuple(sets),
        correlations=C,
        redundant=tuple((sets[a], sets[b], _estimate(X[a], X[b], codes, level)) for a, b in closest),
        kept=tuple(sets[a] for a in kept),
        agreement=correlation(ranks_within(X).mean(axis=0), ranks_within(X[kept]).mean(axis=0)),
    )


def _kept(C: Floats, threshold: float) -> list[int]:
    """Rows of data sets of which no two are redundant, taken from those most like the others on."""
    most_like = np.argsort(-np.nansum(C, axis=1), kind="stable")
    kept: list[int] = []
    for row in most_like.tolist():
        if not (C[row, kept] >= threshold).any():
            kept.append(row)
    return sorted(kept)


def _columns(models: list[str], cards: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, PerItem]]:
    """Traits and their values (M,), NaN where a card has none."""
    for trait in dict.fromkeys(name for model in models for name in cards[model]):
        given = [cards[model].get(trait) for model in models]
        words = [value for value in given if isinstance(value, str)]
        if not words:
            yield trait, np.array([math.nan if value is None else float(value) for value in given])
            continue
        if any(value is not None and not isinstance(value, str) for value in given):
            raise DataError(f"the trait {trait} has both words and numbers: {given[:5]}; give one kind")
        for word in dict.fromkeys(words):
            yield f"{trait}: {word}", np.array([math.nan if value is None else float(value == word) for value in given])


def _of_trait(
    trait: str, values: PerItem, scores: PerItem, codes: Rows, level: float, rng: np.random.Generator
) -> TraitCorrelation:
    """One trait over the models that have it."""
    found, families = np.unique(codes, return_inverse=True)
    p = _permuted_p(values, scores, families, rng) if len(found) >= ENOUGH_FAMILIES else None
    return TraitCorrelation(trait, _estimate(values, scores, families, level), p, len(values), len(found))


def _permuted_p(values: PerItem, scores: PerItem, families: Rows, rng: np.random.Generator) -> float:
    """p-value of |Spearman| with the families' mean traits in random order; what differs inside a family stays."""
    from scipy.stats import rankdata

    sizes = np.bincount(families)
    values = values / np.abs(values).max()
    means = np.bincount(families, values) / sizes
    order = rng.permuted(np.tile(np.arange(len(sizes)), (N_PERMUTATIONS, 1)), axis=1)
    moved = means[order][:, families] + (values - means[families])
    ranks = rankdata(np.vstack([values, moved]).round(10), axis=1)  # equal ones stay equal
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=1))
    target = rankdata(scores) - (len(scores) + 1) / 2
    reached = np.abs(np.divide(ranks @ target, length, out=np.zeros(len(ranks)), where=length > 0))
    return float(1 + (reached[1:] >= reached[0] * (1 - 1e-9)).sum()) / (1 + N_PERMUTATIONS)


def _estimate(x: PerItem, y: PerItem, codes: Rows, level: float) -> Estimate:
    """Spearman with its interval over families of models, None where they carry none."""
    families = len(np.unique(codes))
    method: Literal["bca", "jackknife"] = "bca" if families >= FEW else "jackknife"
    try:
        found = correlation_interval(
            x, y, method=method, clusters=codes if families < len(codes) else None, level=level
        )
    except Refused:
        return Estimate(correlation(x, y))
    return Estimate(correlation(x, y), replace(found, unit="family of models" if families < len(codes) else "model"))
