r"""How far boundaries that were found in a text lie from those that are there.

    P_k = share of windows whose ends are in the same part by one set of boundaries, and in different ones by the other
    WindowDiff = share of windows in which the two sets have different numbers of boundaries
    windows: t, ..., t + k for t = 0 ... n - k - 1,        k = half the mean length of a true part

Both are 0 for the same boundaries. WindowDiff also sees a boundary too many where there is one already.

Symbols: n -> sentences, k -> `window`, boundaries -> places of sentences that open a part, never 0.
Pitfalls: the window taken from the found boundaries; 0 or n given as a boundary; chance taken for 1/2, where a
text without any boundary found scores less than random ones.
Reference: Beeferman, Berger and Lafferty, Statistical models for text segmentation, 1999,
https://doi.org/10.1023/A:1007506220214; Pevzner and Hearst, A critique and improvement of an evaluation metric for text
segmentation, 2002, https://doi.org/10.1162/089120102317341756
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import DataError


def p_k(truth: Iterable[int], found: Iterable[int], *, n: int, window: int | None = None) -> float:
    """Share of windows whose two ends are wrongly put into one part, or into two; 0 is best.

    truth, found
        Places of the sentences that open a part, from 1 to n - 1.
    n
        Sentences of the text.
    window
        Sentences from one end of a window to the other; None for half the mean length of a true part.

    Raises
    ------
    DataError
        A boundary outside of the text, or a window that does not fit into it.

    >>> p_k([4, 8], [4], n=12), p_k([4, 8], [8, 4], n=12)
    (0.2, 0.0)
    """
    inside = _inside(truth, found, n, window)
    return float(np.mean((inside[0] > 0) != (inside[1] > 0)))


def window_diff(truth: Iterable[int], found: Iterable[int], *, n: int, window: int | None = None) -> float:
    """Share of windows in which `truth` and `found` have different numbers of boundaries; 0 is best.

    truth, found, n, window
        As in `p_k`.

    Raises
    ------
    DataError
        A boundary outside of the text, or a window that does not fit into it.

    >>> window_diff([4, 8], [4, 5, 8], n=12), p_k([4, 8], [4, 5, 8], n=12)
    (0.2, 0.1)
    """
    inside = _inside(truth, found, n, window)
    return float(np.mean(inside[0] != inside[1]))


def _inside(truth: Iterable[int], found: Iterable[int], n: int, window: int | None) -> NDArray[np.int64]:
    """(2, n - window) boundaries of either set inside each window."""
    opens = np.zeros((2, n), np.int64)
    for row, places in zip(opens, (truth, found), strict=True):
        listed = np.asarray(list(places), dtype=np.int64)
        if len(listed) and not 1 <= listed.min() <= listed.max() < n:
            raise DataError(f"boundaries are places from 1 to {n - 1}, got {listed.min()} to {listed.max()}")
        row[listed] = 1
    k = max(1, round(n / (2 * (1 + opens[0].sum())))) if window is None else window
    if not 1 <= k < n:
        raise DataError(f"a window of {k} does not fit into {n} sentences; give one from 1 to {n - 1}")
    so_far = np.cumsum(opens, axis=1)
    counts: NDArray[np.int64] = so_far[:, k:] - so_far[:, : n - k]
    return counts
