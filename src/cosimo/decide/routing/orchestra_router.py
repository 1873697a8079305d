r"""Routing by exemplars: send a request to the cheap or the dear model, by which of them was right on similar ones.

An exemplar is a labelled item whose answers by all models were checked. It lies in the pool of the cheapest model that
was right; one that no model got right lies in none. A request goes to the model that owns most of the nearest ones:

$$ v_j(q) = \tfrac1k \, \#\{i \in N_k(q) : c_i = j\}, \qquad \text{route}(q) = \arg\max_j v_j(q) $$

Symbols: q -> `Q` (m, d), N_k -> the `k` exemplars of highest cosine, c_i -> `pools_` (p,), v -> `votes` (m, models).
Nothing is trained, so a model is added by extending the pools.

Pitfalls: pools by confidence instead of by which model is *right*; items both models get right put anywhere but
with the cheap one; exemplars from data that either model was trained on, which it gets nearly all right, so that nearly
all lie in one pool; judging the routes on exemplars. Pools of very different size decide by their size, so each gives
at most `per_pool` exemplars, drawn at random. Assumed, as no source was at hand that says it: k = 10, 100 a pool.
The embedding of the paper is fine-tuned so that items with similar *outputs* lie close; that belongs to `learn`, and
any vectors will do here: those that the cheap model needs anyway cost nothing.

Reference: OrchestraLLM: Efficient Orchestration of Language Models for Dialogue State Tracking (2023),
https://arxiv.org/abs/2311.09758
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._arrays import as_vectors, unit
from cosimo._random import Seed, generator
from cosimo.decide.fitting.labelled import as_scores, in_unit_interval
from cosimo.errors import DataError, ShapeError
from cosimo.types import Estimate, Floats, Interval, Vectors

BLOCK = 1024
"""Requests compared with the exemplars at a time."""


@final
class ExemplarRouter:
    """Picks a model for each request by a vote of its nearest exemplars; an estimate, which promises nothing.

    k
        Exemplars that vote.
    tie
        Who gets a request when models have as many votes: the `cheap` or the `dear` one of them.
    per_pool
        Most exemplars a model keeps, drawn at random; None for all.

    >>> X = np.array([[1.0, 0], [0.9, 0.1], [0, -1.0], [0.1, -0.9]])
    >>> router = ExemplarRouter(2).fit(X, {"small": [1, 1, 0, 0], "large": [1, 0, 1, 1]})
    >>> router.route([[1.0, 0.1], [0.0, -2.0]])
    ['small', 'large']
    """

    exemplars_: Vectors
    pools_: NDArray[np.int64]
    names_: tuple[str, ...]

    def __init__(
        self,
        k: int = 10,
        *,
        tie: Literal["cheap", "dear"] = "cheap",
        per_pool: int | None = 100,
        seed: Seed = 0,
    ) -> None:
        self.k = k
        self.tie = tie
        self.per_pool = per_pool
        self.seed = seed

    def fit(self, X: Vectors, correct: Mapping[str, ArrayLike]) -> Self:
        """Make the pools from items X (n, d) that no model was trained on.

        correct
            Of each model, the cheapest first, whether it was right (n,), 1 or 0.

        Raises
        ------
        DataError
            Fewer than two models, values other than 0 and 1, a model without exemplars, or fewer than k exemplars.
        """
        return self._keep(*pooled(X, correct), tuple(correct))

    def extend(self, X: Vectors, correct: Mapping[str, ArrayLike]) -> Self:
        """Add further items X (n, d), and with them models that were not there.

        correct
            As in `fit`, of every model, old and new. Earlier exemplars stay where they are.
        """
        self._require_fitted()
        if gone := [name for name in self.names_ if name not in correct]:
            raise DataError(f"correct must say of every model whether it was right; {', '.join(gone)} is missing")
        vectors, pools = pooled(X, correct)
        names = tuple(correct)
        places = np.array([names.index(name) for name in self.names_])
        E = np.concatenate([self.exemplars_, vectors.astype(self.exemplars_.dtype)])
        return self._keep(E, np.concatenate([places[self.pools_], pools]), names)

    def votes(self, Q: Vectors) -> Floats:
        """(m, models) share of the k nearest exemplars that each model owns, cheapest first, for requests Q (m, d)."""
        self._require_fitted()
        Q = unit(as_vectors(Q, name="Q", dim=self.exemplars_.shape[1]))
        votes = np.empty((len(Q), len(self.names_)), Q.dtype)
        for start in range(0, len(Q), BLOCK):
            block = slice(start, start + BLOCK)
            nearest = np.argsort(-(Q[block] @ self.exemplars_.T), axis=1, kind="stable")[:, : self.k]
            owners = self.pools_[nearest]
            votes[block] = np.stack([(owners == j).mean(axis=1) for j in range(len(self.names_))], axis=1)
        return votes

    def route(self, Q: Vectors) -> list[str]:
        """The model for each of the requests Q (m, d)."""
        V = self.votes(Q)
        if self.tie == "dear":
            return [self.names_[len(self.names_) - 1 - j] for j in V[:, ::-1].argmax(axis=1)]
        return [self.names_[j] for j in V.argmax(axis=1)]

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        self._require_fitted()
        saved = {"kind": "orchestra_router", "k": self.k, "tie": self.tie, "names": list(self.names_)}
        return saved, {"exemplars": self.exemplars_, "pools": self.pools_}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The router written by `state`."""
        router = cls(saved["k"], tie=saved["tie"])
        router.exemplars_, router.pools_ = arrays["exemplars"], arrays["pools"]
        router.names_ = tuple(saved["names"])
        return router

    def _keep(self, vectors: Vectors, pools: NDArray[np.int64], names: tuple[str, ...]) -> Self:
        """Store what the pools keep of exemplars (n, d)."""
        if self.k < 1 or self.tie not in ("cheap", "dear") or (self.per_pool is not None and self.per_pool < 1):
            raise DataError(
                f"k and per_pool must be at least 1 and tie cheap or dear, got {self.k}, {self.per_pool}, {self.tie!r}"
            )
        rng = generator(self.seed)
        chosen = []
        for j, name in enumerate(names):
            own = np.flatnonzero(pools == j)
            if not len(own):
                raise DataError(
                    f"there is no item for which {name!r} is the cheapest model that is right, so nothing would ever "
                    "be sent to it; use items that no model was trained on, or leave the model out"
                )
            chosen.append(np.sort(rng.permutation(own)[: self.per_pool]))
        kept = np.concatenate(chosen)
        if self.k > len(kept):
            raise DataError(f"{self.k} exemplars cannot vote where there are {len(kept)}; lower k or bring more items")
        self.exemplars_, self.pools_, self.names_ = vectors[kept], pools[kept], names
        return self

    def _require_fitted(self) -> None:
        if not hasattr(self, "names_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this ExemplarRouter is not fitted yet; call fit with items and who was right")


def pooled(X: Vectors, correct: Mapping[str, ArrayLike]) -> tuple[Vectors, NDArray[np.int64]]:
    """Directions (p, d) of the items that some model gets right, and the cheapest such model (p,)."""
    if len(correct) < 2:
        raise DataError(f"routing takes at least two models, got {len(correct)}")
    vectors = unit(as_vectors(X))
    right = np.stack([as_right(values, len(vectors), name) for name, values in correct.items()], axis=1)
    some = right.any(axis=1)
    return vectors[some], right[some].argmax(axis=1)


def as_right(values: ArrayLike, n: int, name: str) -> NDArray[np.bool_]:
    """(n,) whether a model was right."""
    right = np.asarray(values)
    if right.shape != (n,):
        raise ShapeError(f"correct of {name!r} must have shape ({n},), got {right.shape}")
    if right.dtype.kind not in "fiub" or not np.isin(right, (0, 1)).all():
        raise DataError(f"correct of {name!r} must be 1 where the model was right and 0 where it was wrong")
    return right.astype(bool)


@dataclass(frozen=True, eq=False)
class CostCurve:
    """What routing is worth at every cost.

    shares
        (c,) share of the requests sent to the dear model.
    accuracy
        (c,) at that share.
    gain
        At each share, the accuracy less that of sending as many requests at random, with a paired interval.
    cheap, dear
        Accuracy of either model alone.
    """

    shares: Floats
    accuracy: Floats
    gain: tuple[Estimate, ...]
    cheap: float
    dear: float


def cost_curve(
    preference: ArrayLike,
    cheap: ArrayLike,
    dear: ArrayLike,
    *,
    shares: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    level: float = 0.95,
) -> CostCurve:
    """Accuracy against the share of requests that the dear model answers, on items apart from pools and training.

    At a share f the items of highest preference are sent; where equal ones compete for the last places, each is sent
    in part. The gain of item i over chance is (z_i - f)(dear_i - cheap_i), z_i in [0, 1] how much of it is sent.

    preference
        (m,) what speaks for the dear model, such as its share of the `votes`.
    cheap, dear
        (m,) whether either model was right, 1 or 0.

    >>> curve = cost_curve([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], [1, 1, 1, 0], shares=[0.5])
    >>> curve.accuracy, curve.gain[0].value
    (array([1.]), 0.375)
    """
    in_unit_interval(level, "level")
    P = as_scores(preference, name="preference").astype(np.float64)
    if np.isnan(P).any():
        raise DataError("preference contains NaN")
    if len(P) < 2:
        raise DataError(f"a curve with an interval takes at least 2 items, got {len(P)}")
    right = [as_right(values, len(P), name).astype(float) for values, name in ((cheap, "cheap"), (dear, "dear"))]
    difference = right[1] - right[0]
    accuracy, gain = [], []
    for f in shares:
        in_unit_interval(f, "a share")
        z = sent(P, f)
        accuracy.append(float((right[0] + z * difference).mean()))
        gain.append(paired((z - f) * difference, level))
    return CostCurve(np.array(list(shares)), np.array(accuracy), tuple(gain), right[0].mean(), right[1].mean())


def sent(preference: Floats, share: float) -> Floats:
    """(m,) how much of each item is sent when a share of all is: 1, 0, or an equal part of a tie at the edge."""
    places = share * len(preference)
    edge = np.sort(preference)[::-1][int(np.ceil(places)) - 1]
    above, tied = preference > edge, preference == edge
    z: Floats = above + tied * (places - above.sum()) / tied.sum()
    return z


def paired(D: Floats, level: float) -> Estimate:
    """Mean of per-item differences (m,) with Student's interval; none where fewer than 5 items differ."""
    from scipy.stats import t

    value, m = float(D.mean()), len(D)
    if np.count_nonzero(D) < 5:
        return Estimate(value, None, D)
    reach = float(t.ppf((1 + level) / 2, m - 1) * D.std(ddof=1) / np.sqrt(m))
    scope = "each share by itself; new items, the same models, pools and training, the share kept on these items"
    interval = Interval(value - reach, value + reach, level, "Student t, paired", "item", m, "estimate", scope)
    return Estimate(value, interval, D)
