"""What diagnostics that encode have in common: texts that are checked, vectors that are made once, and their report."""

from collections.abc import Mapping, Sequence
from typing import Any

from cosimo._arrays import as_vectors
from cosimo.compare import Cosine
from cosimo.contracts import Encoder, Similarity
from cosimo.encode import tally
from cosimo.encode.items import check_texts
from cosimo.errors import DataError, ShapeError
from cosimo.passport import fingerprint
from cosimo.statistics import rate_interval
from cosimo.types import Estimate, PerItem, Report, Role, Vectors


def texts_of(items: Sequence[str], *, least: int = 2) -> list[str]:
    """The items as texts, at least so many.

    Raises
    ------
    DataError
        Something that is no text, or too few.
    """
    texts = check_texts(items)
    if len(texts) < least:
        raise DataError(f"wanted at least {least} texts to look at, got {len(texts)}")
    return texts


def vectors_of(
    encoder: Encoder, texts: list[str], given: Vectors | None = None, *, role: Role | None = None
) -> Vectors:
    """The vectors (n, d) of n texts: those given, checked, or made here; what is cut is not warned of."""
    if given is None:
        with tally():
            return encoder.encode(texts, role=role)
    X = as_vectors(given, name="vectors", dim=encoder.dim)
    if len(X) != len(texts):
        raise ShapeError(f"wanted one vector a text, got {len(X)} vectors for {len(texts)} texts")
    return X


def similarity_of(encoder: Encoder) -> Similarity:
    """What a space compares with; cosine for a mere encoder."""
    found: Similarity = getattr(encoder, "similarity_function", None) or Cosine()
    return found


def reader_of(encoder: Any) -> Any:
    """The encoder that reads the texts, inside a space or behind a cache."""
    while hasattr(encoder, "encoder"):
        encoder = encoder.encoder
    return encoder


def rate(happened: PerItem) -> Estimate:
    """The share of items (n,), 1 where it happened and 0 where not, with its interval.

    >>> import numpy as np
    >>> found = rate(np.array([1.0, 0.0, 0.0, 0.0]))
    >>> found.value, found.interval.method
    (0.25, 'Clopper-Pearson')
    """
    found = rate_interval(int(happened.sum()), len(happened))
    return Estimate(float(happened.mean()), found, happened.astype(float))


def report_of(
    metrics: Mapping[str, Estimate],
    texts: Sequence[str],
    encoder: Encoder,
    *,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    warnings: tuple[str, ...] = (),
) -> Report:
    """The report on n texts in the space or encoder they were looked at in."""
    return Report(
        metrics=metrics,
        n=len(texts),
        items=fingerprint(list(texts)),
        seed=seed,
        passport=encoder.passport.digest,
        settings=settings or {},
        warnings=warnings,
    )
