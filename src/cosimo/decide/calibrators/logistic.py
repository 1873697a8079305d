"""Logistic curves that never fall, fitted to smoothed targets by damped Newton steps; see `Platt`."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cosimo.types import Floats


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), never decreasing and without overflow; a minus infinity comes out as about 1e-304.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).round(3)
    array([0. , 0.5, 1. ])
    """
    p: Floats = 1 / (1 + np.exp(np.minimum(-z, 700.0)))
    return p


def smoothed_targets(y: NDArray[np.bool_], weights: Floats) -> Floats:
    """(n,) what the curve is fitted to in place of 1 and 0: (N_1 + 1) / (N_1 + 2) and 1 / (N_0 + 2).

    >>> smoothed_targets(np.array([True, False]), np.ones(2)).round(2)
    array([0.67, 0.33])
    """
    matches, others = weights[y].sum(), weights[~y].sum()
    targets: Floats = np.where(y, (matches + 1) / (matches + 2), 1 / (others + 2))
    return targets


def monotone_logistic(F: Floats, targets: Floats, weights: Floats) -> Floats:
    """(k + 1,) slopes, none of them negative, and intercept of the logistic regression on few features F (n, k).

    The loss is convex, so its constrained minimum is the least of those minima over subsets of the features that
    happen to have no negative slope.

    >>> y, w = np.array([0.3, 0.6]), np.ones(2)
    >>> monotone_logistic(np.array([[0.0], [1.0]]), y, w).round(3), monotone_logistic(np.array([[1.0], [0.0]]), y, w)
    (array([ 1.253, -0.847]), array([ 0. , -0.2]))
    """
    k = F.shape[1]
    means = F.mean(axis=0, dtype=np.float64)
    spreads = F.std(axis=0, dtype=np.float64)
    Z = np.column_stack([(F - means) / np.where(spreads > 0, spreads, 1), np.ones(len(F))])
    best, lowest = np.zeros(k + 1), np.inf
    for size in range(k, -1, -1):
        for free in combinations(range(k), size):
            chosen = [*free, k]
            beta = np.zeros(k + 1)
            beta[chosen] = _logistic(Z[:, chosen], targets, weights)
            loss = _loss(Z @ beta, targets, weights)
            if (beta[:k] >= 0).all() and loss < lowest:
                best, lowest = beta, loss
    slopes = best[:k] / np.where(spreads > 0, spreads, 1)
    return np.append(slopes, best[k] - slopes @ means)


def _logistic(Z: Floats, targets: Floats, weights: Floats) -> Floats:
    """Newton's method with halved steps; targets strictly between 0 and 1 keep the minimum finite."""
    beta = np.zeros(Z.shape[1])
    for _ in range(100):
        p = sigmoid(Z @ beta)
        gradient = Z.T @ (weights * (p - targets))
        step = np.linalg.lstsq((Z.T * (weights * p * (1 - p))) @ Z, gradient, rcond=None)[0]
        gain = gradient @ step
        if gain <= 1e-12 * weights.sum():  # the error squares with each step: one more is exact
            return beta - step
        loss = _loss(Z @ beta, targets, weights)
        while _loss(Z @ (beta - step), targets, weights) > loss - 1e-4 * gain:
            step, gain = step / 2, gain / 2
        beta = beta - step
    return beta


def _loss(z: Floats, targets: Floats, weights: Floats) -> float:
    return float(weights @ (np.logaddexp(0, z) - targets * z))
