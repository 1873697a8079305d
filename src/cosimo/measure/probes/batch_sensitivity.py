r"""Batch sensitivity: does a vector depend on what it was encoded with?

$$c_i = \cos\big(f(\{x_i\}), \; f(B \ni x_i)\big)$$

$f$ -> `encoder`, $B$ a batch of `batch_size` items drawn at random. An encoder should give $c_i = 1$ up to rounding;
where a batch shares something (the scale of dynamic 8-bit arithmetic, padding that takes part, statistics of a batch),
an item that is stored today and asked for tomorrow is not found at its own place.

Pitfalls: batches of like length, which share the least; looking at the mean, while a few items move far.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cosimo._arrays import unit
from cosimo.contracts import Encoder
from cosimo.errors import DataError
from cosimo.passport import AGREEMENT, fingerprint
from cosimo.types import Estimate, PerItem, Report, Vectors


def batch_sensitivity(encoder: Encoder, items: Sequence[Any], *, batch_size: int = 32, seed: int = 0) -> Report:
    """How far the vectors of n items move when they are encoded in random batches instead of alone.

    Metrics: `lowest` and `mean` cosine of the two vectors of an item, the share of items `moved` below 0.9999, and the
    share of `identical` vectors, to the last bit.

    batch_size
        Items encoded together.

    Raises
    ------
    DataError
        Fewer than two items, or a batch of less than two.

    >>> from cosimo.encode import FunctionEncoder
    >>> def centred(texts):
    ...     X = np.array([[len(text), -1.0] for text in texts])
    ...     return X - X.mean(axis=0) / 2
    >>> report = batch_sensitivity(FunctionEncoder(centred), ["a", "longer", "words"])
    >>> report.metrics["moved"].value, report.metrics["lowest"].value
    (1.0, -0.316)
    """
    listed = list(items)
    if len(listed) < 2 or batch_size < 2:
        raise DataError(f"wanted two items in a batch at least, got {len(listed)} items and batches of {batch_size}")
    alone = np.concatenate([encoder.encode([item], batch_size=1) for item in listed])
    order = np.random.default_rng(seed).permutation(len(listed))
    together = np.empty_like(alone)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        together[rows] = encoder.encode([listed[i] for i in rows], batch_size=batch_size)
    same = (alone == together).all(axis=1)
    cosines = np.where(same, 1.0, _cosines(alone, together))  # zero vectors have no direction, and may be equal
    moved = cosines < AGREEMENT
    told = f"{moved.sum()} of {len(listed)} vectors depend on the items encoded with them: encode one item a call"
    return Report(
        metrics={
            "lowest": Estimate(float(cosines.min())),
            "mean": Estimate(float(cosines.mean()), per_item=cosines),
            "moved": Estimate(float(moved.mean()), per_item=moved.astype(np.float64)),
            "identical": Estimate(float(same.mean()), per_item=same.astype(np.float64)),
        },
        n=len(listed),
        items=fingerprint([repr(item) for item in listed]),
        seed=seed,
        passport=encoder.passport.digest,
        settings={"batch_size": batch_size},
        warnings=(told,) if moved.any() else (),
    )


def _cosines(A: Vectors, B: Vectors) -> PerItem:
    """(n,) cosine of each row of A (n, d) with that of B."""
    cosines: PerItem = (unit(A.astype(np.float64)) * unit(B.astype(np.float64))).sum(axis=1)
    return cosines
