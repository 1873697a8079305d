"""Truncation is counted, never silent.

An encoder tells once per call how many texts it had to cut. Somebody who reports it in their own way (a build, a
collection) opens a `tally`; otherwise the user gets one `TruncationWarning`.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
class TruncationWarning(UserWarning):
    """Texts were longer than the encoder reads, and their ends were left out of the vectors."""


@final
@dataclass
class Tally:
    """What was cut while the tally was open.

    cut
        Texts that lost their end.
    limit
        Tokens the encoder reads, 0 while nothing was cut.
    texts
        (n,) which texts of the last call were cut, where the encoder said so.
    """

    cut: int = 0
    limit: int = 0
    texts: NDArray[np.bool_] | None = field(default=None, repr=False, compare=False)


# Each thread has its own context, so threads never count into each other's tally.
_open: ContextVar[Tally | None] = ContextVar("open_tally", default=None)


@contextmanager
def tally() -> Iterator[Tally]:
    """Count cut texts instead of warning; of nested tallies the innermost counts.

    >>> with tally() as seen:
    ...     note(2, n=10, limit=256)
    >>> seen
    Tally(cut=2, limit=256)
    """
    seen = Tally()
    token = _open.set(seen)
    try:
        yield seen
    finally:
        _open.reset(token)


def note(cut: int, *, n: int, limit: int, texts: NDArray[np.bool_] | None = None) -> None:
    """Say that `cut` of `n` texts were longer than `limit` tokens; encoders call it once per `encode`.

    texts
        (n,) which of them.
    """
    if not cut:
        return
    seen = _open.get()
    if seen is not None:
        seen.cut += cut
        seen.limit = limit
        seen.texts = texts
        return
    were = "was" if cut == 1 else "were"
    warnings.warn(
        f"{cut} of {n} texts {were} longer than {limit} tokens and {were} cut; "
        "split long texts into chunks before encoding to keep all of their content",
        TruncationWarning,
        stacklevel=3,  # the line that called encode
    )
