"""What models make of the same documents and queries: vectors, and the rows they retrieve."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.types import Rows, Vectors


def same_rows(X: Sequence[ArrayLike]) -> list[Vectors]:
    """Checked vectors (n, d_i) of the same items by several models."""
    checked = [as_vectors(x, name=f"the vectors of model {i}") for i, x in enumerate(X)]
    if len({len(x) for x in checked}) > 1:
        raise ShapeError(
            f"models must be given the same items in the same order, got {', '.join(str(len(x)) for x in checked)} rows"
        )
    if len(checked[0]) < 4:
        raise DataError(f"wanted 4 items at least, got {len(checked[0])}")
    return checked


def read_models(
    models: Mapping[str, Any], docs: Sequence[Any] | None, queries: Sequence[Any] | None, *, k: int
) -> tuple[list[Vectors], list[Rows]]:
    """Each model's vectors (n, d_i) of the documents and, where k is not 0, the (m, k) rows it retrieves."""
    vectors, lists = [], []
    for name, model in models.items():
        D, Q = _read(name, model, docs, queries if k else None)
        vectors.append(D)
        if k:
            lists.append(_retrieved(name, model, D, Q, k))
    if len({len(rows) for rows in lists}) > 1:
        raise ShapeError(f"models must answer the same queries, got {', '.join(str(len(rows)) for rows in lists)}")
    return same_rows(vectors), lists


def compact(X: Vectors) -> Vectors:
    """Vectors (n, at most n) in float64 with the same inner products as X (n, d).

    >>> compact(np.array([[3.0, -4.0, 0.0]])) ** 2
    array([[25.]])
    """
    X = X.astype(np.float64)
    return X if X.shape[1] <= len(X) else np.linalg.qr(X.T).R.T


def _read(name: str, model: Any, docs: Sequence[Any] | None, queries: Sequence[Any] | None) -> tuple[Any, Any]:
    if not hasattr(model, "encode"):
        return model if isinstance(model, tuple) else (model, None)
    if docs is None:
        raise DataError(f"{name} must read the documents themselves; give docs, or its vectors in its place")
    D = model.encode(docs, role="document")
    return D, None if queries is None else model.encode(queries, role="query")


def _retrieved(name: str, model: Any, D: Any, Q: Any, k: int) -> Rows:
    from cosimo.search import ExactIndex

    if Q is None:
        raise DataError(f"{name} has no queries, which retrieval needs; give queries, or a pair (documents, queries)")
    D = as_vectors(D, name=f"the documents of {name}")
    Q = as_vectors(Q, name=f"the queries of {name}", dim=D.shape[1])
    if k > len(D) or not len(Q):
        raise DataError(f"wanted {k} of {len(D)} documents for {len(Q)} queries; give more of either, or a smaller k")
    index = ExactIndex.over(D, np.arange(len(D)), similarity=getattr(model, "similarity_function", "cosine"))
    return index.search(Q, k).rows
