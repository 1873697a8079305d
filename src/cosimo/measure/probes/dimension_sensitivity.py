r"""Sensitivity to fewer dimensions: what changes when only the first coordinates of each vector are kept.

$$ x' = x_{1:k} / \lVert x_{1:k} \rVert $$

Models trained for it lose little; of others any coordinates are as good, and a PCA keeps more with as many.

Symbols: k -> each of `dims`.
Pitfalls: the slice of a unit vector taken for a unit vector; a cut that costs little in a small sample, in which
neighbours are far apart.
"""

from collections.abc import Sequence

from cosimo._arrays import as_vectors
from cosimo.compare import resolve
from cosimo.contracts import Similarity
from cosimo.measure.probes.agreement import agreement, fingerprint_of
from cosimo.refine.frozen import leading
from cosimo.types import Estimate, Report, Vectors


def dimension_sensitivity(
    X: Vectors,
    *,
    dims: Sequence[int] | None = None,
    similarity: str | Similarity = "cosine",
    k: int = 10,
    passport: str = "",
    seed: int = 0,
) -> Report:
    """What n vectors lose when only their first coordinates are kept.

    Metrics, for each number of coordinates: `overlap@...`, `ranks@...` and `moved@...`, as in `int8_sensitivity`.

    dims
        Coordinates to keep; half and a quarter of them when None.

    Raises
    ------
    DataError
        No more than k vectors, or NaN.
    ShapeError
        More coordinates than there are.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 32)) * np.exp(-np.arange(32) / 4)
    >>> report = dimension_sensitivity(X, dims=[16, 4])
    >>> report.metrics["overlap@16"].value > 0.9 > report.metrics["overlap@4"].value
    True
    """
    X = as_vectors(X)
    measure = resolve(similarity)
    wanted = list(dims) if dims is not None else [max(X.shape[1] // 2, 1), max(X.shape[1] // 4, 1)]
    metrics: dict[str, Estimate] = {}
    for kept in wanted:
        cut = leading(X, kept, normalise=measure.scale in ("cosine", "dot"))
        found = agreement(X, cut, similarity=measure, k=k, seed=seed)
        metrics |= {f"{name}@{kept}": estimate for name, estimate in found.items()}
    return Report(
        metrics=metrics,
        n=len(X),
        items=fingerprint_of(X),
        seed=seed,
        passport=passport,
        settings={"k": k, "dims": wanted},
    )
