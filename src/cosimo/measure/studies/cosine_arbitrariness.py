r"""Cosine arbitrariness: does the cosine of learned vectors mean anything, or does it depend on a scaling nobody chose?

Where two sides were trained by their inner products, any diagonal D gives another solution with the same scores, and
the cosines inside one side change with it:

$$ Q K^\top = (Q D)(K D^{-1})^\top, \qquad \cos(K D^{-1}) \ne \cos(K) $$

For linear autoencoders X ~ X A B^T of rank k, with X = U S V^T, this is exact. Regularising the product leaves D free;
regularising the sides does not, but then the penalty decides how much each direction counts:

$$ (1)\ \min \lVert X - X A B^\top \rVert_F^2 + \lambda \lVert A B^\top \rVert_F^2: \quad
   A B^\top = V_k \operatorname{diag}\!\big(\tfrac{1}{1 + \lambda / \sigma_i^2}\big) V_k^\top $$
$$ (2)\ \min \lVert X - X A B^\top \rVert_F^2 + \lambda (\lVert X A \rVert_F^2 + \lVert B \rVert_F^2): \quad
   A = V_k \operatorname{diag}\sqrt{\tfrac{1}{\sigma_i} (1 - \tfrac{\lambda}{\sigma_i})_+}, \;
   B = V_k \operatorname{diag}\sqrt{\sigma_i (1 - \tfrac{\lambda}{\sigma_i})_+} $$

What does not depend on D: scores between the sides, cosines of the back-projected rows K Q^T (`backprojected`), and
cosines after every dimension was standardised. Inner products inside one side do depend on it.

Symbols: Q, K -> `Q` (n, d), `K` (m, d), the autoencoder's `A` and `B`; sigma -> singular values of `X`, lambda ->
`penalty`, D -> random, log-normal, or what `scales` gives.

Pitfalls: K rescaled without Q, which is another model and proves nothing; objective (2) rescaled, which keeps
the scores and makes the loss worse, so that D is not free (give `loss`).

Reference: Is Cosine-Similarity of Embeddings Really About Similarity? (2024), https://arxiv.org/abs/2403.05440
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors, same_dim, unit
from cosimo._random import generator
from cosimo.compare import Dot
from cosimo.errors import DataError, ShapeError
from cosimo.measure.probes.agreement import fingerprint_of, neighbour_overlap
from cosimo.statistics import mean_interval
from cosimo.types import Estimate, Floats, PerItem, Report, Scores, Vectors

SAME = 1e-8
"""Relative change of a loss that is taken for none."""


def linear_autoencoder(
    X: ArrayLike, k: int, *, penalty: float, objective: Literal[1, 2] = 1
) -> tuple[Vectors, Vectors]:
    """The best A (p, k) and B (p, k) for X (n, p) by either objective, in closed form.

    penalty
        Weight of the regularisation.
    objective
        1 regularises the product, and A = B is one solution of many; 2 regularises the sides, and the solution is the
        only one up to a rotation of both. Directions whose singular value is below the penalty become 0 then.

    Raises
    ------
    DataError
        k is not from 1 to the rank of X, the penalty is negative, or there is no such objective.

    >>> A, B = linear_autoencoder([[2.0, 0.0], [0.0, -1.0]], 1, penalty=1.0)
    >>> A @ B.T
    array([[0.8, 0. ],
           [0. , 0. ]])
    """
    rows = as_vectors(X).astype(np.float64)
    tall = len(rows) > rows.shape[1]
    _, sigma, Vt = np.linalg.svd(np.linalg.qr(rows).R if tall else rows, full_matrices=False)
    rank = int((sigma > sigma.max(initial=0.0) * max(rows.shape) * np.finfo(np.float64).eps).sum())
    if not 1 <= k <= rank or penalty < 0 or objective not in (1, 2):
        raise DataError(
            f"wanted k from 1 to the rank {rank}, a penalty of 0 at least and objective 1 or 2, "
            f"got {k}, {penalty} and {objective}"
        )
    V, sigma = Vt[:k].T, sigma[:k]
    if objective == 1:
        side = V / np.sqrt(1 + penalty / sigma**2)
        return side, side
    kept = np.maximum(1 - penalty / sigma, 0)
    return V * np.sqrt(kept / sigma), V * np.sqrt(kept * sigma)


def similarity_variants(K: ArrayLike, Q: ArrayLike | None = None) -> dict[str, Scores]:
    """Similarities (m, m) of the rows of K (m, d) by `dot`, `cosine`, `standardised` and `backprojected`.

    `standardised` is the cosine after each dimension was given mean 0 and variance 1; `backprojected`, there with `Q`
    only, the cosine of the rows of K Q^T, what each row of K scores on the other side.

    Q
        (n, d) the side that K was trained against by inner products.

    >>> found = similarity_variants([[1.0, 0.0], [1.0, -1.0]], [[-2.0, 0.0]])
    >>> found["cosine"]
    array([[1.  , 0.71],
           [0.71, 1.  ]])
    >>> found["backprojected"]
    array([[1., 1.],
           [1., 1.]])
    """
    queries, keys = _sides(K if Q is None else Q, K)
    return {name: V @ V.T for name, V in _variants(None if Q is None else queries, keys).items()}


def gauge_sensitivity(
    Q: ArrayLike,
    K: ArrayLike,
    *,
    loss: Callable[[Vectors, Vectors], float] | None = None,
    scales: ArrayLike | int = 10,
    k: int = 10,
    seed: int = 0,
) -> Report:
    """How much the neighbours inside K (m, d) move when both sides are rescaled so that Q K^T stays what it is.

    Metrics: for `cosine`, `dot`, `standardised` and `backprojected` the mean share of the k neighbours of each row
    that stay, over the rescalings that are free; the share of rescalings that are `free`; and the largest relative
    change of a `score`, rounding. Neighbours that stay are 1 by definition where no rescaling is free.

    Q
        (n, d) the side that K was trained against by inner products.
    loss
        What training minimised, of Q and K; a rescaling is free where this stays as it was. None where only the
        product of the sides counted, and every rescaling is free.
    scales
        (s, d) the diagonals to try, or how many to draw: log-normal, a factor of e either way.
    k
        Neighbours of each row, itself aside.

    >>> rng = np.random.default_rng(0)
    >>> Q, K = rng.normal(size=(50, 8)), rng.normal(size=(100, 8))
    >>> moved, held = gauge_sensitivity(Q, K), gauge_sensitivity(Q, K, loss=lambda Q, K: float((K**2).sum()))
    >>> moved.metrics["cosine"].value, moved.metrics["backprojected"].value
    (0.48, 1.0)
    >>> held.metrics["cosine"].value, held.metrics["free"].value
    (1.0, 0.0)
    """
    given = _sides(Q, K)
    moved = [(given[0] * d, given[1] / d) for d in _diagonals(scales, given[1].shape[1], seed)]
    free = moved
    if loss is not None:
        best = loss(*given)
        free = [sides for sides in moved if abs(loss(*sides) - best) <= SAME * abs(best)]
    S = given[0] @ given[1].T
    change = max(float(np.abs(q @ key.T - S).max()) for q, key in moved) / float(np.abs(S).max())
    stay = {name: _estimate(values) for name, values in _stay(given, free, k).items()}
    return Report(
        stay | {"free": Estimate(len(free) / len(moved)), "score": Estimate(change)},
        n=len(given[1]),
        items=fingerprint_of(given[1]),
        seed=seed,
        passport="",
        settings={"k": k, "scales": len(moved)},
    )


def _sides(Q: ArrayLike, K: ArrayLike) -> tuple[Vectors, Vectors]:
    """Both sides, checked, in float64."""
    queries, keys = as_vectors(Q, name="Q").astype(np.float64), as_vectors(K, name="K").astype(np.float64)
    same_dim(queries, keys)
    return queries, keys


def _stay(given: tuple[Vectors, Vectors], free: Sequence[tuple[Vectors, Vectors]], k: int) -> dict[str, PerItem]:
    """For each variant (m,) the mean share of a row's neighbours that stay, 1 where nothing is free."""
    before = _variants(*given)
    stay = {name: np.ones((max(len(free), 1), len(given[1]))) for name in before}
    for i, sides in enumerate(free):
        for name, V in _variants(*sides).items():
            stay[name][i] = neighbour_overlap(before[name], V, similarity=Dot(), k=k)
    return {name: shares.mean(axis=0) for name, shares in stay.items()}


def _variants(Q: Vectors | None, K: Vectors) -> dict[str, Vectors]:
    """Vectors (m, d) for each similarity, whose inner products it is."""
    spread = K.std(axis=0)
    found = {
        "dot": K,
        "cosine": unit(K),
        "standardised": unit((K - K.mean(axis=0)) / np.where(spread > 0, spread, 1)),
    }
    if Q is not None:  # the inner products of K Q^T without its n columns
        found["backprojected"] = unit(K @ np.linalg.qr(Q).R.T)
    return found


def _diagonals(scales: ArrayLike | int, d: int, seed: int) -> Floats:
    if isinstance(scales, int) and scales > 0:
        return np.exp(generator(seed).normal(size=(scales, d)))
    D = np.atleast_2d(np.asarray(scales, dtype=np.float64))
    if isinstance(scales, int) or D.ndim != 2 or D.shape[1] != d:
        raise ShapeError(f"scales are a positive number of them, or diagonals (s, {d}), got {scales!r}")
    if not (np.isfinite(D).all() and D.all()):
        raise DataError("a diagonal holds 0, NaN or infinity and cannot be undone on the other side")
    return D


def _estimate(values: PerItem) -> Estimate:
    return Estimate(float(values.mean()), mean_interval(values), values)
