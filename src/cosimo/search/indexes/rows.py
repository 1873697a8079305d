"""Rows of any kind of embedding: taken out, and put together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._arrays import as_ids, as_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.types import Codes, Embeddings, Gaussians, Rows, Tokens, Vectors

Picked = slice | NDArray[Any]


def checked(E: Embeddings, *, like: Embeddings | None = None, name: str = "X") -> Embeddings:
    """`E` as embeddings without NaN, of the same kind and dimensions as `like`."""
    if isinstance(E, Tokens):
        E = Tokens(as_vectors(E.values, name=name), E.offsets)
    elif isinstance(E, Gaussians):
        E = Gaussians(as_vectors(E.mean, name=name), as_vectors(E.var, name=name))
    elif not isinstance(E, Codes):
        E = as_vectors(E, name=name)
    if like is not None:
        if type(E) is not type(like):
            raise DataError(f"{name} must be {type(like).__name__} as in the index, got {type(E).__name__}")
        if _width(E) != _width(like):
            raise ShapeError(f"{name} has {_width(E)} dimensions, wanted {_width(like)}")
    return E


def _width(E: Embeddings) -> int:
    if isinstance(E, Codes):
        return E.n_bits
    return int(parts(E)[0].shape[1])


def parts(E: Embeddings) -> list[NDArray[Any]]:
    """The arrays that `embeddings_from` puts back together."""
    match E:
        case Tokens():
            return [E.values, E.offsets]
        case Gaussians():
            return [E.mean, E.var]
        case Codes():
            return [E.bits]
        case _:
            return [E]


def embeddings_from(facts: Mapping[str, Any], read: Callable[[], NDArray[Any]]) -> Embeddings:
    """The embeddings whose arrays `read` gives one after the other."""
    match facts["type"]:
        case "Tokens":
            return Tokens(read(), read())
        case "Gaussians":
            return Gaussians(read(), read())
        case "Codes":
            return Codes(read(), facts["n_bits"], facts["scheme"])
        case _:
            return read()


def vectors(E: Embeddings) -> Vectors:
    """E itself, refused unless it is an array of vectors."""
    if not isinstance(E, np.ndarray):
        raise DataError(f"this index compares vectors (n, d), got {type(E).__name__}")
    return E


def new_ids(ids: ArrayLike, n: int, known: Rows) -> Rows:
    """n ids, refused when one is among the known."""
    fresh = as_ids(ids, n)
    there = fresh[np.isin(fresh, known)]
    if there.size:
        raise DataError(f"id {there[0]} is already in the index ({there.size} such ids); remove it first")
    return fresh


def take(E: Embeddings, rows: Picked) -> Embeddings:
    """Some rows of E, by slice or by numbers; a slice of an array is not copied.

    >>> take(Tokens(np.array([[1.0], [-2.0], [3.0]]), np.array([0, 1, 3])), np.array([1])).values
    array([[-2.], [ 3.]])
    """
    match E:
        case Tokens():
            lengths = E.lengths[rows]
            offsets = np.cumsum([0, *lengths], dtype=np.int64)
            moved = np.repeat(E.offsets[:-1][rows] - offsets[:-1], lengths)
            return Tokens(E.values[moved + np.arange(offsets[-1])], offsets)
        case Gaussians():
            return Gaussians(E.mean[rows], E.var[rows])
        case Codes():
            return Codes(E.bits[rows], E.n_bits, E.scheme)
        case _:
            return E[rows]


def join(pieces: Sequence[Any]) -> Embeddings:
    """Pieces of one kind, one after the other; a single piece is not copied.

    >>> join([np.array([[1.0]]), np.array([[-2.0]])])
    array([[ 1.], [-2.]])
    """
    first = pieces[0]
    if len(pieces) == 1:
        whole: Embeddings = first
        return whole
    match first:
        case Tokens():
            return Tokens.stack([item for piece in pieces for item in piece])
        case Gaussians():
            return Gaussians(np.concatenate([p.mean for p in pieces]), np.concatenate([p.var for p in pieces]))
        case Codes():
            return Codes(np.concatenate([p.bits for p in pieces]), first.n_bits, first.scheme)
        case _:
            return np.concatenate(pieces)
