"""One pass over all keys: screen a block, score what survives, raise the bar, go on."""

from collections.abc import Iterator

import numpy as np

from cosimo.search.indexes.eight_bit import EightBitKeys
from cosimo.search.indexes.rows import Picked, take
from cosimo.search.indexes.screens import Pairs, ProductScreen, Screen, Visible, survivors
from cosimo.search.indexes.top import Running
from cosimo.types import Embeddings, Rows

BLOCK = 2048
"""Keys screened at once by codes, and the least by floats."""
CELLS = 1 << 21
"""Screening scores held at once when there are few queries."""
PAIRS = 1 << 10
"""Candidates scored at once."""
SPARSE = 0.25
"""Share of allowed keys below which they are gathered, rather than the others hidden."""
LOOSE = 1 / 16
"""Share of survivors from which codes cost more than they save."""


def scan(
    screen: Screen,
    keys: Embeddings,
    ids: Rows,
    best: Running,
    *,
    chosen: Visible = None,
    codes: dict[int, EightBitKeys] | None = None,
) -> None:
    """Offer `best` every key that may be among its k best.

    chosen
        (m,) the keys that may be found; all when None.
    codes
        Eight-bit codes by first row, read and completed; None does without.
    """
    step = BLOCK if codes is not None else max(BLOCK, CELLS // max(best.n, 32))
    for rows, visible in blocks(len(ids), step, chosen):
        K, names = take(keys, rows), ids[rows]
        pairs = None
        if codes is not None and isinstance(screen, ProductScreen) and isinstance(rows, slice):
            pairs = _by_codes(screen, K, best, visible, codes, rows.start)
        query, key = pairs or survivors(screen, K, best.bar, best.k, visible)
        for start in range(0, len(query), PAIRS):
            q, j = query[start : start + PAIRS], key[start : start + PAIRS]
            best.offer(q, names[j], screen.pairs(q, K, j))


def _by_codes(
    screen: ProductScreen, K: Embeddings, best: Running, visible: Visible, codes: dict[int, EightBitKeys], start: int
) -> Pairs | None:
    if not np.isfinite(best.bar).all():
        return None
    if start not in codes:
        codes[start] = EightBitKeys.encode(np.asarray(K))
    query, key = screen.rough(codes[start], best.bar)
    if len(query) > LOOSE * best.n * len(K):
        return None
    return (query, key) if visible is None else (query[visible[key]], key[visible[key]])


def blocks(m: int, step: int, chosen: Visible) -> Iterator[tuple[Picked, Visible]]:
    """Rows of m keys in blocks, and which of a block may be found (None: all of it)."""
    if chosen is not None and chosen.mean() < SPARSE:
        rows = np.flatnonzero(chosen)
        yield from ((rows[start : start + step], None) for start in range(0, len(rows), step))
        return
    for start in range(0, m, step):
        block = slice(start, min(start + step, m))
        if chosen is None:
            yield block, None
        elif chosen[block].any():
            yield block, chosen[block]
