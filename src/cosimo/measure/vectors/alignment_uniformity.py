r"""Alignment and uniformity: are matching items close together, and is everything spread over the whole sphere?

    alignment    mean over matching pairs of |x - y|^alpha                      from 0, the best, to 2^alpha
    uniformity   log of the mean over pairs i < j of exp(-t |x_i - x_j|^2)      from 0, all alike, down to about -2 t

x, y are unit vectors, so that |x - y|^2 = 2 - 2 cos(x, y). Vectors spread evenly over a sphere of many dimensions have
a uniformity near -2 t. Vectors that are all alike have an alignment of 0: neither number is good on its own.

Symbols: alpha -> `alpha`, t -> `t`.
Pitfalls: the pairs (i, i) counted, which puts a floor of -log n under uniformity; the mean of logarithms instead
of the logarithm of the mean; values at other t or of other numbers of dimensions compared.
Reference: Wang and Isola, Understanding Contrastive Representation Learning through Alignment and Uniformity on the
Hypersphere, 2020, https://arxiv.org/abs/2005.10242
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np

from cosimo._arrays import as_vectors, same_dim, unit
from cosimo.contracts import Encoder
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.vectors.one_pass import OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir
from cosimo.passport import fingerprint
from cosimo.statistics import mean_interval, pair_average_interval, pair_averages
from cosimo.types import Estimate, Floats, PerItem, Report, Vectors


def alignments(X: Vectors, Y: Vectors, *, alpha: float = 2.0) -> PerItem:
    """(n,) distance to the power `alpha` of matching rows of `X` and `Y` (n, d) on the sphere; its mean is alignment.

    >>> alignments(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, -3.0]]))
    array([0., 4.])
    """
    X, Y = as_vectors(X), as_vectors(Y, name="Y")
    same_dim(X, Y)
    if len(X) != len(Y):
        raise ShapeError(f"matching items want as many rows in X as in Y, got {len(X)} and {len(Y)}")
    apart = unit(X.astype(np.float64)) - unit(Y.astype(np.float64))
    distances: PerItem = np.linalg.norm(apart, axis=1) ** alpha
    return distances


def uniformity(X: Vectors, *, t: float = 2.0) -> float:
    """Log of the mean Gaussian potential over all pairs of different rows of `X` (n, d): lower is more even.

    >>> round(uniformity(np.array([[1.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])), 3)
    -4.396
    """
    return float(np.log(potentials(as_vectors(X), t=t).mean()))


def potentials(X: Vectors, *, t: float = 2.0) -> PerItem:
    """(n,) mean of exp(-t |x_i - x_j|^2) over the other rows, of the directions of `X` (n, d).

    >>> np.log(potentials(np.array([[1.0, 0.0], [-1.0, 0.0]])))
    array([-8., -8.])
    """
    _require_above_zero(t)

    def kernel(Q: Floats, K: Floats) -> Floats:
        found: Floats = np.exp(-t * np.maximum(2 - 2 * (Q @ K.T), 0.0))
        return found

    return pair_averages(kernel, unit(X.astype(np.float64)))


def _require_above_zero(t: float) -> None:
    if t <= 0:
        raise DataError(f"t must be above 0, got {t}")


def _uniformity_estimate(X: Vectors, t: float) -> Estimate:
    h = potentials(X, t=t)
    value = float(np.log(h.mean()))
    try:
        return Estimate(value, pair_average_interval(h, log=True))
    except Refused:
        return Estimate(value)


@final
class Uniformity(OnePass):
    """How evenly a space is spread over the sphere, from a random sample of its vectors.

    Figures: `uniformity`, lower is more even.

    t
        Sharpness of the potential; compare values at the same t only.
    size
        Vectors in the sample, whose pairs are all counted.
    seed
        Draws it.

    >>> diagnostic = Uniformity()
    >>> diagnostic.update(np.random.default_rng(0).normal(size=(3000, 100)))
    >>> round(diagnostic.result().metrics["uniformity"].value, 1)
    -3.9
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"uniformity": (-np.inf, 0.0)}

    def __init__(self, *, t: float = 2.0, size: int = 2000, seed: int = 0) -> None:
        self.t, self.size, self.seed = t, size, seed

    def gather(self, seen: Seen) -> Reservoir:
        """A sample of the vectors."""
        _require_above_zero(self.t)
        return seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """Uniformity of the sample."""
        rows = self.gather(seen).rows
        return Reading({"uniformity": _uniformity_estimate(rows, self.t)}, {"sample": len(rows)})


def alignment_uniformity(
    encoder: Encoder,
    pairs: Sequence[tuple[Any, Any]],
    texts: Sequence[Any] | None = None,
    *,
    alpha: float = 2.0,
    t: float = 2.0,
    size: int = 5000,
    seed: int = 0,
) -> Report:
    """Alignment of matching pairs and uniformity of items, as an encoder sees them; lower is better for both.

    pairs
        Items that mean the same, such as pairs with a high human score.
    texts
        Items of every kind; None for the different items of the pairs.
    alpha, t
        Powers; compare values at the same ones only.
    size
        Different items that uniformity is measured on, drawn at random where there are more.

    Raises
    ------
    DataError
        No pair, or fewer than two different items.

    >>> from cosimo.encode import FunctionEncoder
    >>> encoder = FunctionEncoder(lambda items: [[len(item) - 3.0, 1.0] for item in items])
    >>> report = alignment_uniformity(encoder, [("the", "cat"), ("a", "an")])
    >>> {name: round(found.value, 2) for name, found in report.metrics.items()}
    {'alignment': 0.05, 'uniformity': -0.82}
    """
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    items = list(dict.fromkeys([*left, *right] if texts is None else texts))
    if not pairs or len(items) < 2:
        raise DataError(f"wanted a matching pair and two different items, got {len(pairs)} pairs, {len(items)} items")
    drawn = items
    if len(items) > size:
        chosen = np.sort(np.random.default_rng(seed).choice(len(items), size, replace=False))
        drawn = [items[i] for i in chosen]
    distances = alignments(encoder.encode(left), encoder.encode(right), alpha=alpha)
    metrics = {
        "alignment": Estimate(
            float(distances.mean()), mean_interval(distances, bounds=(0.0, 2.0**alpha), unit="pair"), distances
        ),
        "uniformity": _uniformity_estimate(encoder.encode(drawn), t),
    }
    return Report(
        metrics=metrics,
        n=len(pairs),
        items=fingerprint([repr(item) for item in (*left, *right, *items)]),
        seed=seed,
        passport=encoder.passport.digest,
        settings={
            "diagnostic": "alignment_uniformity",
            "alpha": alpha,
            "t": t,
            "items": len(items),
            "sample": len(drawn),
        },
    )
