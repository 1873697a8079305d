r"""Pooling: the vectors of a text's tokens to one vector of the text.

$$\text{mean} = \frac{\sum_t m_t T_t}{\sum_t m_t}, \quad
\text{mean\_sqrt\_len} = \frac{\sum_t m_t T_t}{\sqrt{\sum_t m_t}}, \quad
\text{weighted\_mean} = \frac{\sum_t t \, m_t T_t}{\sum_t t \, m_t}, \quad
\text{max} = \max_{t:\, m_t = 1} T_t$$

$T$ -> `T` (n, t, d), $m$ -> `mask` (n, t), True where a token is real. `cls` is the first real token and `last` the
last one. Every function gives X (n, d); a text without any real token gets the zero vector.

Pitfalls: padding is zero, so it wins a maximum over negative numbers; `cls` and `last` take a fixed column, and
with it padding, when texts are padded on the other side; weights by position start to count in the padding.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cosimo.types import Floats, Vectors

Mask = NDArray[np.bool_]


def mean(T: Floats, mask: Mask) -> Vectors:
    """(n, d) mean of the real tokens of T (n, t, d).

    >>> T = np.array([[[1., -2.], [3., 0.], [9., 9.]]])
    >>> mean(T, np.array([[True, True, False]]))
    array([[ 2., -1.]])
    """
    return _weighted(T, mask, power=1.0)


def mean_sqrt_len(T: Floats, mask: Mask) -> Vectors:
    """(n, d) sum of the real tokens of T (n, t, d) over the square root of their number.

    >>> mean_sqrt_len(np.array([[[1.], [-3.], [1.], [9.]]]), np.array([[True, True, True, False]]))
    array([[-0.577]])
    """
    return _weighted(T, mask, power=0.5)


def weighted_mean(T: Floats, mask: Mask) -> Vectors:
    """(n, d) mean of the real tokens of T (n, t, d), the first with weight 1, the second with weight 2, and so on.

    >>> weighted_mean(np.array([[[9.], [-1.], [2.]]]), np.array([[False, True, True]]))
    array([[1.]])
    """
    return _weighted(T, np.cumsum(mask, axis=1) * mask, power=1.0)


def cls(T: Floats, mask: Mask) -> Vectors:
    """(n, d) first real token of T (n, t, d).

    >>> cls(np.array([[[9.], [-1.], [2.]]]), np.array([[False, True, True]]))
    array([[-1.]])
    """
    return _at(T, mask, mask.argmax(axis=1))


def last(T: Floats, mask: Mask) -> Vectors:
    """(n, d) last real token of T (n, t, d).

    >>> last(np.array([[[1.], [-1.], [9.]]]), np.array([[True, True, False]]))
    array([[-1.]])
    """
    return _at(T, mask, mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1))


def maximum(T: Floats, mask: Mask) -> Vectors:
    """(n, d) largest value of each dimension among the real tokens of T (n, t, d).

    >>> maximum(np.array([[[-1., 2.], [-3., 5.], [0., 9.]]]), np.array([[True, True, False]]))
    array([[-1.,  5.]])
    """
    largest: Vectors = np.where(mask[:, :, None], T, T.dtype.type(-np.inf)).max(axis=1)
    largest[~mask.any(axis=1)] = 0
    return largest


POOLINGS: Mapping[str, Callable[[Floats, Mask], Vectors]] = {
    "mean": mean,
    "cls": cls,
    "last": last,
    "max": maximum,
    "mean_sqrt_len": mean_sqrt_len,
    "weighted_mean": weighted_mean,
}
"""Every pooling by its name."""


def _weighted(T: Floats, weights: NDArray[np.generic], *, power: float) -> Vectors:
    """(n, d) sum of T under weights (n, t), over their sum to the given power."""
    w = weights.astype(T.dtype)
    # One small matrix product a text: no copy of T is made.
    sums: Vectors = (w[:, None, :] @ T)[:, 0]
    total = w.sum(axis=1, keepdims=True)
    sums /= np.where(total > 0, total, total.dtype.type(1)) ** T.dtype.type(power)
    return sums


def _at(T: Floats, mask: Mask, column: NDArray[np.intp]) -> Vectors:
    """(n, d) token of T in each text's column, zero where the mask has nothing there."""
    rows = np.arange(len(T))
    chosen: Vectors = T[rows, column]
    chosen[~mask[rows, column]] = 0
    return chosen
