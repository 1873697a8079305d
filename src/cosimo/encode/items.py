"""What every text encoder does at its border: check the items, drop repetitions, and show its behaviour on probes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cosimo.encode.truncation import tally
from cosimo.errors import DataError
from cosimo.passport import PROBES
from cosimo.types import Rows, Vectors


def refuse_one_text(items: Any) -> None:
    """Refuse one bare text, because it would be read letter by letter."""
    if isinstance(items, str | bytes):
        raise DataError("encode wants a list of texts; wrap one text as [text]")


def check_items(items: Sequence[Any]) -> list[Any]:
    """`items` as a list; one bare text is refused."""
    refuse_one_text(items)
    try:
        return list(items)
    except TypeError:
        raise DataError(f"encode wants a list of items, got {type(items).__name__}; wrap one item as [item]") from None


def check_texts(items: Sequence[Any]) -> list[str]:
    """`items` as a list of texts.

    >>> check_texts(("a", ""))
    ['a', '']

    Raises
    ------
    DataError
        For one bare text, for an item that is no text (with its index and type), and for text that is not Unicode.
    """
    texts = check_items(items)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            hint = 'leave it out or write ""' if text is None else "convert it with str(...)"
            raise DataError(f"item {i} is {type(text).__name__}, wanted a text (str); {hint}")
        if not text.isascii():
            _check_unicode(i, text)
    return texts


def _check_unicode(i: int, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"item {i} is not valid Unicode (a lone surrogate at character {error.start}); "
            'mend it with text.encode("utf-8", "replace").decode()'
        ) from None


def distinct(texts: Sequence[str]) -> tuple[list[str], Rows]:
    """The different texts in the order first seen, and for each of the (n,) texts its row among them.

    >>> distinct(["b", "a", "b"])
    (['b', 'a'], array([0, 1, 0]))
    """
    rows: dict[str, int] = {}
    inverse = np.fromiter((rows.setdefault(text, len(rows)) for text in texts), np.int64, len(texts))
    return list(rows), inverse


def probe_vectors(encode: Callable[..., Vectors], *, probes: Sequence[Any] = PROBES) -> Vectors:
    """(16, d) vectors of the probe items: the first half encoded as queries, the rest as documents.

    encode
        Called as `encode(items, role=...)`.
    """
    half = len(probes) // 2
    # The user did not ask for these vectors, so a cut probe is not their concern.
    with tally():
        sides = encode(probes[:half], role="query"), encode(probes[half:], role="document")
    return np.concatenate(sides)


def batch_limit(batch_size: int | None, *, default: int) -> int:
    """Items a batch may hold: what the caller asked for, checked, or the encoder's own default."""
    if batch_size is None:
        return default
    if batch_size < 1:
        raise DataError(f"batch_size must be at least 1, got {batch_size}; leave it out for the default {default}")
    return batch_size


def kept_dimensions(full: int, truncate_dim: int | None) -> int:
    """Dimensions that are left of `full` ones, all when `truncate_dim` is None."""
    if truncate_dim is not None and not 0 < truncate_dim <= full:
        raise DataError(f"truncate_dim must be between 1 and the model's {full}, got {truncate_dim}")
    return truncate_dim or full


def no_condition(given: Sequence[Any] | None) -> None:
    """Refuse conditions in an encoder that takes none."""
    if given is not None:
        raise DataError("this encoder takes no condition (`given`); leave it out")
