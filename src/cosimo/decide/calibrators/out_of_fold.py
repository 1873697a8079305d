"""Probabilities for labelled pairs by calibrators that never saw these labels.

A calibrator looks better on the labels it was fitted on than it is, isotonic regression perfectly so. Here the clusters
are dealt out to folds, and each fold gets its probabilities from a calibrator fitted on all the others.

Pitfalls: folds by pair where pairs share a query or an item, which lets the calibrator see the answers. What
comes out judges the way of fitting, on slightly fewer labels, rather than the one calibrator fitted on all of them.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed, generator
from cosimo.contracts import Decider
from cosimo.decide.fitting.labelled import Labelled, labelled
from cosimo.errors import DataError, Refused
from cosimo.types import PerItem


def out_of_fold(
    calibrator: Decider,
    scores: ArrayLike,
    y: ArrayLike,
    *,
    folds: int = 5,
    clusters: Sequence[Any] | None = None,
    weights: ArrayLike | None = None,
    seed: Seed = 0,
) -> PerItem:
    """(n,) probabilities for scores (n,) with labels (n,), each from a fit on the other folds.

    calibrator
        Left as it is; copies of it are fitted.
    folds
        Parts into which the clusters are dealt, with about the same share of matches in each.
    clusters
        (n,) pairs that depend on each other share one, and stay together.

    Raises
    ------
    Refused
        Matches, or pairs that are none, in one cluster only: a fit without it would know one class.
    DataError
        Fewer clusters than folds, a calibrator that needs more than scores, labels that are not 0 or 1.

    >>> from cosimo.decide import Platt
    >>> scores, y = [-0.2, 0.1, 0.4, 0.5, 0.8, 0.9], [0, 0, 1, 0, 1, 1]
    >>> out_of_fold(Platt(), scores, y, folds=3).round(2)
    array([0.16, 0.37, 0.5 , 0.55, 0.66, 0.76])
    """
    labels = labelled(scores, y, clusters=clusters, weights=weights)
    if calibrator.needs:
        raise DataError(f"{type(calibrator).__name__} needs {', '.join(sorted(calibrator.needs))} beside the scores")
    fold = _deal(labels, folds, seed)
    P = np.empty_like(labels.scores)
    for i in range(folds):
        held = fold == i
        P[held] = _fit(calibrator, labels, ~held).probability(labels.scores[held])
    return P


def _deal(labels: Labelled, folds: int, seed: Seed) -> NDArray[np.int64]:
    """(n,) fold of each pair: clusters in the order of their share of matches, chance deciding between equals."""
    units = np.arange(len(labels)) if labels.clusters is None else labels.clusters
    sizes, matches = np.bincount(units), np.bincount(units, labels.y)
    if folds not in range(2, len(sizes) + 1):
        raise DataError(f"folds must be a number from 2 to the {len(sizes)} independent units there are, got {folds!r}")
    if min((matches > 0).sum(), (matches < sizes).sum()) < 2:
        raise Refused(
            "matches and pairs that are none must each be in two clusters or more, as every calibrator is fitted "
            "without some of them; label more"
        )
    shuffled = generator(seed).permutation(len(sizes))
    order = shuffled[np.argsort(matches[shuffled] / sizes[shuffled], kind="stable")]
    dealt = np.empty(len(sizes), dtype=np.int64)
    dealt[order] = np.arange(len(sizes)) % folds
    return dealt[units]


def _fit(calibrator: Decider, labels: Labelled, rows: NDArray[np.bool_]) -> Decider:
    return deepcopy(calibrator).fit(
        labels.scores[rows],
        labels.y[rows].astype(np.float64),
        clusters=None if labels.clusters is None else labels.clusters[rows].tolist(),
        weights=None if labels.weights is None else labels.weights[rows],
    )
