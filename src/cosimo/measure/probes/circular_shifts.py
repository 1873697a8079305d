r"""Whether two series along one text have more in common than one of them has with the other shifted along the text.

    r_ab(s) = correlation of a_i and b_{(i+s) mod T},  i = 1 ... T       for all s at once:  F^-1(conj(F a) F b)
    p = share of random shifts, one a document, whose mean r over the documents is at least that without a shift

A shift keeps what neighbours of a series have in common and breaks what two series have. A matrix between the T parts
of a text is shifted along rows and columns together (Mantel's test): laid out as row i from its diagonal on and around
its end, that is a shift of rows.

Symbols: a, b -> `X` (N, T, w), N arrays of T rows; w = 1 for a series, T - 1 for a matrix; s -> shifts.
Pitfalls: entries permuted one by one; a matrix shifted along its rows alone; trends, which go on through the
whole text: a shift breaks them, and two encoders that only share a trend look alike.
Reference: Mantel, The detection of disease clustering and a generalized regression approach, 1967; Harris, A shift test
for independence in generic time series, 2020, https://arxiv.org/abs/2012.06862
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from cosimo._random import Seed, generator
from cosimo.statistics import holm
from cosimo.types import Floats, Scores

Coefficient = Literal["spearman", "pearson"]

CONSTANT = 1e-12
"""Standard deviation below which nothing varies."""


def around(S: Scores) -> Floats:
    """(T, T - 1) row i of S (T, T) from i + 1 on, around its end, to i - 1.

    >>> around(np.array([[0, 1, 2], [-1, 0, 3], [-2, -3, 0]]))
    array([[ 1,  2], [ 3, -1], [-2, -3]])
    """
    T = len(S)
    places = np.arange(T)[:, None]
    turned: Floats = S[places, (places + np.arange(1, T)) % T]
    return turned


def standardised(X: Floats) -> Floats:
    """Each of N arrays (N, T, w) with mean 0 and standard deviation 1; one that is constant becomes 0.

    >>> standardised(np.array([[[1.0], [3.0]], [[-2.0], [-2.0]]])).tolist()
    [[[-1.0], [1.0]], [[0.0], [0.0]]]
    """
    centred = X - X.mean(axis=(1, 2), keepdims=True)
    size = centred.std(axis=(1, 2), keepdims=True)
    standard: Floats = np.divide(centred, size, out=np.zeros_like(centred), where=size > CONSTANT)
    return standard


def shifted_correlations(X: Floats, coefficient: Coefficient = "spearman") -> Floats:
    """(N, N, T) correlation of array a of `X` (N, T, w) with array b, shifted by s rows around its end.

    >>> shifted_correlations(np.array([[[1.0], [2.0], [4.0]], [[4.0], [1.0], [2.0]]]))[0, 1]
    array([-0.5, 1. , -0.5])
    """
    from scipy.stats import rankdata

    N, T, w = X.shape
    if coefficient == "spearman":
        X = rankdata(X.round(12).reshape(N, -1), axis=1).reshape(X.shape)
    F = np.fft.rfft(standardised(X), axis=1)
    products = np.stack([(F[a].conj() * F).sum(axis=-1) for a in range(N)])
    correlations: Floats = np.clip(np.fft.irfft(products, n=T, axis=-1) / (T * w), -1.0, 1.0)
    return correlations


def shift_p_values(shifted: Sequence[Floats], n_permutations: int, *, seed: Seed = 0) -> Floats:
    """(N, N) p-values of "not more alike than after a shift", of means over documents, adjusted for all pairs.

    shifted
        `shifted_correlations` (N, N, T) of each document.

    >>> one = np.array([[[1.0, 0.0], [0.9, -0.8]], [[0.9, -0.8], [1.0, 0.0]]])
    >>> float(shift_p_values([one] * 8, 999)[0, 1])
    0.009
    """
    rng = generator(seed)
    N = len(shifted[0])
    first, second = np.triu_indices(N, 1)
    means = np.zeros((len(first), 1 + n_permutations))
    for correlations in shifted:
        shifts = rng.integers(correlations.shape[-1], size=1 + n_permutations)
        shifts[0] = 0  # what was seen
        means += correlations[first, second][:, shifts] / len(shifted)
    p = np.eye(N)
    p[first, second] = holm((means >= means[:, :1] - 1e-9).mean(axis=1))
    both: Floats = np.maximum(p, p.T)
    return both
