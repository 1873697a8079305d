r"""Cosine adapter: a score that means the same for every query, so that one cut filters the results of all.

A small network reads the query, and nothing of the document, and sets the curve that turns this query's cosines into
probabilities. The curve always rises, so the order of a query's results never changes; what changes is how the
results of one query compare with those of another.

$$ g = a(q) s^{p(q)} + b(q), \qquad P = \sigma(g), \qquad
   s^*(q) = \big((\operatorname{logit} t - b) / a\big)^{1/p}, \qquad a, p > 0 $$

Symbols: s -> `scores` (n,), cosines, held to [0, 1] under a power or root; q -> `context["query"]` (n, d), of which
only the direction counts; t -> `cut`; s^* -> `query_threshold`; p is learned (`power`), 1/2 (`sqrt`) or 1 (`linear`).
Learned is g = a ((s / m)^p - 1) + b with a typical cosine m: the same curves, whose three numbers depend less on each
other. The loss is binary cross-entropy over labelled pairs.

Pitfalls: a curve that may fall, or that sees the document; training on random pairs instead of the retriever's
own first results, for which the cut is useless; splitting by pair instead of by query. A few hundred queries are few
for a network, so it starts as the one curve that fits all queries and keeps the step that did best on every fifth
query, held out: where the query tells nothing it stays that one curve. Assumed, as no source was at hand that says it:
one hidden layer of 128, rectified, and `power`. How to start and when to stop is ours.

Fitted on some queries, the adapter improves what a cut yields on others, and promises nothing. For a promise, give its
`probability` as the score to a threshold that is certified on queries it has not seen.

Reference: Relevance Filtering for Embedding-based Retrieval (2024), https://arxiv.org/abs/2408.04887
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import as_vectors, unit
from cosimo._random import Seed, generator
from cosimo.decide.calibrators.logistic import sigmoid
from cosimo.decide.calibrators.query_curves import Layers, Pairs, curves, first_layers, forward, one_curve, train
from cosimo.decide.fitting.decisions import decide
from cosimo.decide.fitting.labelled import Labelled, as_scores, in_unit_interval, labelled, same_scale, ungrouped
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.guarantee import Guarantee, Unit
from cosimo.types import Floats, PerItem, Vectors

Form = Literal["power", "sqrt", "linear"]

EXPONENTS: Mapping[str, float | None] = {"power": None, "sqrt": 0.5, "linear": 1.0}
"""The exponent of each form, None where it is learned."""

HELD_OUT = 5
"""One query in so many decides when to stop."""


@final
class CosineAdapter:
    """Decider whose cut on the cosine depends on the query: an estimate, which promises nothing.

    form
        Shape of the curve: `power`, `sqrt` or `linear`.
    hidden
        Widths of the hidden layers.
    cut
        Probability from which a pair is accepted; below it, it is asked.
    epochs
        Most steps of training; the one that did best on held-out queries is kept.
    learning_rate, weight_decay
        Of Adam; the decay is applied to the weights directly.

    >>> rng = np.random.default_rng(0)
    >>> Q, s = np.repeat(rng.normal(size=(40, 4)), 10, axis=0), rng.uniform(-0.1, 0.9, 400)
    >>> adapter = CosineAdapter().fit(s, s > 0.5 + 0.2 * np.sign(Q[:, 0]), context={"query": Q})
    >>> low, high = adapter.query_threshold(np.array([[-1.0, 0, 0, 0], [1.0, 0, 0, 0]]), 0.5)
    >>> bool(low < 0.45 < 0.55 < high)
    True
    """

    layers_: Layers
    typical_: float
    scale_: str | None
    guarantee_: Guarantee

    def __init__(
        self,
        form: Form = "power",
        hidden: Sequence[int] = (128,),
        *,
        cut: float = 0.5,
        epochs: int = 500,
        learning_rate: float = 1e-3,
        weight_decay: float = 10.0,
        seed: Seed = 0,
    ) -> None:
        self.form = form
        self.hidden = hidden
        self.cut = cut
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.seed = seed

    @property
    def needs(self) -> frozenset[str]:
        """The query vector of each score."""
        return frozenset({"query"})

    @property
    def guarantee(self) -> Guarantee | None:
        """An estimate, counted on the queries held out while fitting; None before."""
        return getattr(self, "guarantee_", None)

    def fit(
        self,
        scores: PerItem,
        y: PerItem | None = None,
        *,
        clusters: Sequence[Any] | None = None,
        by: Sequence[Any] | None = None,
        weights: PerItem | None = None,
        unlabelled: PerItem | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Learn from scores (n,) and labels (n,), with the query vector of each under `context["query"]` (n, d).

        scores
            Cosines of the retriever's own first results, not of random pairs.
        clusters
            What is held out together; without them, the pairs of one query are.

        Raises
        ------
        DataError
            Scores that are no cosines, no queries, or arguments that have no use here.
        Refused
            Fewer than ten queries (or clusters), or labels of one class only, also among those learned from.
        """
        ungrouped(by)
        if unlabelled is not None:
            raise DataError("this rule learns from labelled pairs alone; leave unlabelled scores out")
        self._check()
        labels = labelled(scores, y, clusters=clusters, weights=weights, context=context)
        Q, query = np.unique(unit(queries(context, len(labels))), axis=0, return_inverse=True)
        S, typical = self._typical(labels)
        weight = np.ones(len(S)) if labels.weights is None else labels.weights
        rng = generator(self.seed)
        units = query if labels.clusters is None else labels.clusters
        held = hold_out(units, rng)
        layers = self._trained(np.asarray(Q, np.float64), Pairs(query, S / typical, labels.y, weight), held, rng)
        self.layers_, self.typical_, self.scale_ = layers, typical, labels.scale
        accepted = held & (labels.scores >= self.query_threshold(Q, self.cut)[query])
        counts = len(np.unique(units[held])), int(accepted.sum()), int((accepted & ~labels.y).sum())
        counted: Unit = "query" if labels.clusters is None else "cluster"
        method = "a curve for each query, counted on those that stopped its training"
        # Allowed to be false in any case: it promises nothing.
        self.guarantee_ = Guarantee("calibrated probability", self.cut, 1.0, "estimate", counted, *counts, method)
        return self

    def predict(
        self,
        scores: PerItem,
        *,
        context: Mapping[str, Any] | None = None,
        veto: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """(n,) int8: +1 where a score reaches its query's cut, else 0; NaN and vetoed pairs are asked."""
        S, Q = self._given(scores, context)
        accepted = (self.query_threshold(Q, self.cut) <= S) & ~np.isneginf(S)  # a miss is below every cut
        return decide(accepted.astype(np.float32), accept=1.0, veto=veto)

    def probability(self, scores: PerItem, *, context: Mapping[str, Any] | None = None) -> PerItem:
        """(n,) probability of a match, comparable across queries; it never falls as a query's score rises."""
        S, Q = self._given(scores, context)
        a, b, p = self._curves(Q)
        P: PerItem = sigmoid(a * ((self._above_zero(S) / self.typical_) ** p - 1) + b).astype(S.dtype)
        return P

    def query_threshold(self, Q: Vectors, t: float) -> PerItem:
        """(n,) cosine from which the probability is at least t, for queries Q (n, d).

        -inf where every cosine has it, inf where none has.
        """
        in_unit_interval(t, "t")
        a, b, p = self._curves(Q)
        u = 1 + (np.log(t / (1 - t)) - b) / a
        S = self.typical_ * (u if self.form == "linear" else np.maximum(u, 0.0) ** (1 / p))
        if self.form != "linear":
            S = np.where(u <= 0, -np.inf, np.where(S > 1, np.inf, S))
        cuts: PerItem = S.astype(np.result_type(Q, np.float32))
        return cuts

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        self._require_fitted()
        saved = {
            "kind": "cosine_adapter",
            "arguments": {"form": self.form, "hidden": list(self.hidden), "cut": self.cut},
            "typical": self.typical_.hex(),
            "scale": self.scale_,
            "guarantee": self.guarantee_.to_json(),
        }
        return saved, {f"{'Wb'[j]}{i}": value for i, layer in enumerate(self.layers_) for j, value in enumerate(layer)}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The adapter written by `state`."""
        adapter = cls(**saved["arguments"])
        adapter.layers_ = [(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(arrays) // 2)]
        adapter.typical_ = float.fromhex(saved["typical"])
        adapter.scale_ = saved["scale"]
        adapter.guarantee_ = Guarantee.from_json(saved["guarantee"])
        return adapter

    def _check(self) -> None:
        in_unit_interval(self.cut, "cut")
        if self.form not in EXPONENTS:
            raise DataError(f"form is one of {', '.join(EXPONENTS)}, got {self.form!r}")
        if self.epochs < 0 or self.learning_rate <= 0 or self.weight_decay < 0 or min(self.hidden, default=1) < 1:
            raise DataError("epochs and weight_decay cannot be negative; learning_rate and widths must be positive")

    def _above_zero(self, S: PerItem) -> Floats:
        """Cosines as the curve takes them: a power or root needs [0, 1]."""
        exact = np.asarray(S, np.float64)
        return exact if self.form == "linear" else np.clip(exact, 0.0, 1.0)

    def _typical(self, labels: Labelled) -> tuple[Floats, float]:
        """The cosines (n,) as the curve takes them, and their root mean square."""
        if np.isneginf(as_cosines(labels.scores)).any():
            raise DataError("a pair that was never retrieved (-inf) has no cosine to learn from; leave it out")
        S = self._above_zero(labels.scores)
        typical = float(np.sqrt(np.average(S**2, weights=labels.weights)))
        if typical == 0:
            raise Refused(f"no cosine is above 0, where the form {self.form!r} is flat; use form='linear'")
        return S, typical

    def _trained(self, X: Floats, pairs: Pairs, held: NDArray[np.bool_], rng: np.random.Generator) -> Layers:
        """The network for queries X (m, d), with their scaling taken into its first layer."""
        exponent, seen = EXPONENTS[self.form], pairs.of(~held)
        if seen.y.all() or not seen.y.any():
            raise Refused("all labels of the queries to learn from are of one class; label more queries")
        centre, spread = X.mean(axis=0), float(X.std(axis=0).mean()) or 1.0
        layers = train(
            first_layers(X.shape[1], self.hidden, one_curve(seen, exponent), rng),
            (X - centre) / spread,
            (seen, pairs.of(held)),
            exponent,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        W, b = layers[0]
        return [(W / spread, b - centre @ W / spread), *layers[1:]]

    def _curves(self, Q: Vectors) -> tuple[Floats, Floats, Floats]:
        """Slope, offset and exponent, each (n,), of queries Q (n, d)."""
        self._require_fitted()
        directions = unit(as_vectors(Q, name="Q", dim=len(self.layers_[0][0])))
        return curves(forward(self.layers_, directions.astype(np.float64))[-1], EXPONENTS[self.form])

    def _given(self, scores: PerItem, context: Mapping[str, Any] | None) -> tuple[PerItem, Vectors]:
        """Checked scores (n,) and queries (n, d)."""
        self._require_fitted()
        same_scale(self.scale_, context)
        S = as_cosines(scores)
        return S, queries(context, len(S))

    def _require_fitted(self) -> None:
        if not hasattr(self, "layers_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this CosineAdapter is not fitted yet; call fit with labelled scores and queries")


def queries(context: Mapping[str, Any] | None, n: int) -> Vectors:
    """(n, d) query vectors of n scores."""
    if context is None or context.get("query") is None:
        raise DataError('this rule reads the query of each score: give context={"query": (n, d) vectors}')
    Q = as_vectors(context["query"], name='context["query"]')
    if len(Q) != n:
        raise ShapeError(f'context["query"] must have one row a score, {n}, got {len(Q)}')
    return Q


def as_cosines(scores: PerItem) -> PerItem:
    """(n,) scores, none outside [-1, 1]; NaN passes, and so does -inf, which stands for a miss."""
    S = as_scores(scores)
    if (S > 1.001).any() or ((S < -1.001) & np.isfinite(S)).any():
        raise DataError("scores must be cosines, between -1 and 1; divide the vectors by their length, then compare")
    return S


def hold_out(units: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n,) mask of the pairs whose unit, a query or a cluster of them, is held out."""
    names = np.unique(units)
    if len(names) < 2 * HELD_OUT:
        raise Refused(
            f"what depends on the query cannot be learned from {len(names)} queries or clusters; label pairs of at "
            f"least {2 * HELD_OUT}, or fit one curve for all queries"
        )
    held: NDArray[np.bool_] = np.isin(units, rng.permutation(names)[: len(names) // HELD_OUT])
    return held
