r"""Sensitivity to 8-bit storage: what changes when each coordinate is kept in one of 256 steps.

    q = round((x - low) / step),   step = (high - low) / 255,    low, high the least and greatest of each dimension

Symbols: q -> `quantised`, given back as the numbers that the steps stand for.
Pitfalls: unit vectors cast to int8 as they are, which makes nearly all of them zero; ranges taken from one row
or one batch, so that others are clipped; two sides quantised by different ranges.
"""

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.compare import resolve
from cosimo.contracts import Similarity
from cosimo.measure.probes.agreement import agreement, fingerprint_of
from cosimo.types import Report, Vectors

STEPS = 255


def quantised(X: Vectors, *, steps: int = STEPS) -> Vectors:
    """`X` (n, d) as 8-bit storage with a range for each dimension gives it back.

    >>> quantised(np.array([[0.0, -1.0], [0.26, -1.0], [1.0, -1.0]]), steps=2)
    array([[ 0. , -1. ],
           [ 0.5, -1. ],
           [ 1. , -1. ]])
    """
    X = as_vectors(X)
    low = X.min(axis=0, initial=np.inf if len(X) else 0.0)
    step = (X.max(axis=0, initial=-np.inf if len(X) else 0.0) - low) / steps
    kept: Vectors = low + np.round((X - low) / np.where(step > 0, step, 1)) * step
    return kept.astype(X.dtype)


def int8_sensitivity(
    X: Vectors, *, similarity: str | Similarity = "cosine", k: int = 10, passport: str = "", seed: int = 0
) -> Report:
    """What n vectors lose by 8-bit storage: neighbours, and the order of scores.

    Metrics: `overlap`, the share of the k nearest that stay among the vectors given, `ranks`, the rank correlation of
    scores, and `moved`, their mean change. Time and memory go with n x n: give a sample of a large space.

    Raises
    ------
    DataError
        No more than k vectors, or NaN.

    >>> X = np.random.default_rng(0).normal(size=(200, 32))
    >>> report = int8_sensitivity(X)
    >>> report.metrics["overlap"].value > 0.95, report.metrics["moved"].value < 0.01
    (True, True)
    """
    X = as_vectors(X)
    metrics = agreement(X, quantised(X), similarity=resolve(similarity), k=k, seed=seed)
    return Report(
        metrics=metrics,
        n=len(X),
        items=fingerprint_of(X),
        seed=seed,
        passport=passport,
        settings={"k": k, "steps": STEPS},
    )
