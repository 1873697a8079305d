"""Several diagnostics over one pass: what two of them need is gathered once."""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cosimo._progress import bar
from cosimo.contracts import Diagnostic
from cosimo.errors import DataError
from cosimo.measure.vectors.one_pass import OnePass, Seen, rows_at_a_time
from cosimo.types import Report, Vectors


def diagnose(
    X: Vectors | Iterable[Vectors],
    diagnostics: Sequence[Diagnostic],
    *,
    passport: str = "",
    progress: bool = False,
) -> list[Report]:
    """The reports of several diagnostics on the same vectors, in their order, from one pass.

    X
        (n, d) vectors, in memory or mapped (`np.load(path, mmap_mode="r")`); or an iterable of such blocks, of which
        only one is held at a time.
    diagnostics
        Fresh ones; those of this library share what they gather, and any other that keeps the contract gets its blocks.
    passport
        Digest of the space that the vectors come from, for the reports.
    progress
        Show a bar.

    Raises
    ------
    DataError, ShapeError
        No vectors can be read off `X`, or some hold NaN or infinity, or their dimensions differ.

    >>> from cosimo.measure import IsoScore, Norms
    >>> X = np.array([[3.0, -4.0], [-3.0, 4.0], [4.0, 3.0], [-4.0, -3.0]])
    >>> evenness, lengths = diagnose(X, [IsoScore(), Norms()])
    >>> evenness.metrics["isoscore"].value, lengths.metrics["mean"].value
    (1.0, 5.0)
    """
    if not diagnostics:
        raise DataError("diagnostics is empty; name at least one, such as IsoScore()")
    seen = Seen()
    others = [one for one in diagnostics if not isinstance(one, OnePass)]
    for one in diagnostics:
        if isinstance(one, OnePass):
            one.gather(seen)
    total = len(X) if isinstance(X, np.ndarray) else None
    with bar(progress, total, "looking at vectors") as advance:
        for block in _blocks(X):
            seen.update(block)
            for other in others:
                other.update(block)
            advance(len(block))
    reports = [one.report(seen) if isinstance(one, OnePass) else one.result() for one in diagnostics]
    return [replace(report, passport=passport or report.passport) for report in reports]


def _blocks(X: Any) -> Iterator[Vectors]:
    """Rows of an array a part at a time, or the blocks of an iterable."""
    if not isinstance(X, np.ndarray):
        yield from X
        return
    rows = rows_at_a_time(max(X.shape[1:], default=1))
    for start in range(0, len(X), rows):
        yield np.asarray(X[start : start + rows])
        _release(X)


def _release(X: Vectors) -> None:
    """Let go of the pages of a read-only mapped file that were read, so that memory does not grow with the file."""
    owner: Any = X
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if getattr(X, "mode", None) == "r" and isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
