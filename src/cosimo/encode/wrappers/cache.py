"""A cache before an encoder, so that a build that is repeated or was interrupted encodes nothing twice.

Only vectors of costly encoders whose passport pins everything by hash are kept: a callable may change behind its name,
and a table of token vectors is faster than the disk. `COSIMO_CACHE_BYTES` is the size of the cache, 0 turns it off.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, final

import numpy as np

from cosimo.contracts import Encoder
from cosimo.encode.items import check_texts, distinct
from cosimo.encode.models.homes import cache_home
from cosimo.encode.truncation import note, tally
from cosimo.encode.wrappers.cache_file import CacheFile
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.passport import Passport
from cosimo.types import Role, Vectors

COSTLY = frozenset({"onnx"})
"""Kinds of encoders that take longer than the cache, and say which texts they cut."""

BYTES = 1 << 30

_off: ContextVar[bool] = ContextVar("uncached", default=False)


@contextmanager
def uncached(off: bool = True) -> Iterator[None]:
    """Encode everything anew inside the block, and keep none of it; unless `off` is False, which changes nothing.

    >>> with uncached():
    ...     pass  # collection.add(...)
    """
    token = _off.set(off or _off.get())
    try:
        yield
    finally:
        _off.reset(token)


def cached(encoder: Encoder) -> Encoder:
    """`encoder` with the user's cache before it; itself where a cache would not help, is there, or is turned off.

    Raises
    ------
    DataError
        `COSIMO_CACHE_BYTES` is no number.
    """
    size = os.environ.get("COSIMO_CACHE_BYTES") or str(BYTES)
    if not size.isdecimal():
        raise DataError(f"COSIMO_CACHE_BYTES wants a number of bytes, 0 for no cache, got {size!r}")
    if (
        isinstance(encoder, Cached)
        or _off.get()
        or not int(size)
        or encoder.passport.kind not in COSTLY
        or not encoder.passport.content
    ):
        return encoder
    return Cached(encoder, CacheFile(cache_home() / "embeddings" / "v1.db", int(size)))


@final
class Cached(Sides):
    """Encodes what is not in a file of vectors, and keeps it there."""

    def __init__(self, encoder: Encoder, file: CacheFile) -> None:
        self.encoder = encoder
        self.file = file

    def __getattr__(self, name: str) -> Any:
        """What else the encoder has, such as states of tokens, comes from it and is not kept."""
        if name == "encoder":  # not there yet, while a copy is made
            raise AttributeError(name)
        return getattr(self.encoder, name)

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return self.encoder.dim

    @property
    def passport(self) -> Passport:
        """The encoder's own: the vectors are the same."""
        return self.encoder.passport

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row a text, in the order given; under a condition nothing is kept."""
        if given is not None:
            return self.encoder.encode(items, role=role, given=given, batch_size=batch_size, progress=progress)
        texts, rows = distinct(check_texts(items))
        maker = f"{self.passport.digest} {role}"
        keys = [hashlib.sha256(f"{maker} {text}".encode()).digest() for text in texts]
        known, X, limits = self.file.read(keys, self.dim)
        missing = np.flatnonzero(~known)
        if missing.size:
            new = [texts[i] for i in missing]
            with tally() as seen:
                X[missing] = self.encoder.encode(new, role=role, batch_size=batch_size, progress=progress)
            limits[missing] = 0 if seen.texts is None else seen.limit * seen.texts
            self.file.write([keys[i] for i in missing], X[missing], limits[missing])
        cut = limits[rows] > 0
        note(int(cut.sum()), n=len(rows), limit=int(limits.max(initial=0)), texts=cut)
        return X[rows]
