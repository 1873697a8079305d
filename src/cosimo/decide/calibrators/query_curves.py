r"""The curves of the cosine adapter: a network that reads a query and sets a rising curve, and how it is trained.

$$ P = \sigma\big(a (u^p - 1) + b\big), \qquad a, p = \operatorname{softplus}(r_0), \operatorname{softplus}(r_2), \quad
   b = r_1, \qquad L = -\sum_i w_i \big[y_i \log P_i + (1 - y_i) \log (1 - P_i)\big] $$

Symbols: u -> a cosine over a typical one (n,), r -> `raw` (m, 2 or 3), the network's output for m queries; p is fixed
where `exponent` gives it. Gradients are written out, so that neither training nor serving needs more than numpy.
Pitfalls: u^p log u is 0 at u = 0, not NaN; weight decay belongs to weights, not to biases, and not into Adam's
moments.
Reference: Relevance Filtering for Embedding-based Retrieval (2024), https://arxiv.org/abs/2408.04887
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosimo.decide.calibrators.logistic import sigmoid
from cosimo.types import Floats

Layers: TypeAlias = Sequence[tuple[Floats, Floats]]
"""Weights (i, o) and biases (o,), from the input on."""

PATIENCE = 50
"""Steps without a better held-out loss before training stops."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Labelled pairs: the row of each one's query (n,), its cosine over a typical one `u` (n,), label and weight."""

    query: NDArray[np.int64]
    u: Floats
    y: NDArray[np.bool_]
    weight: Floats

    def of(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """Those of the mask (n,)."""
        return Pairs(self.query[chosen], self.u[chosen], self.y[chosen], self.weight[chosen])


def softplus(g: Floats) -> Floats:
    """log(1 + e^g), positive even where that underflows."""
    return np.maximum(np.logaddexp(0.0, g), np.finfo(np.float64).tiny)


def forward(layers: Layers, X: Floats) -> list[Floats]:
    """X (m, d) and the output of every layer; all but the last are rectified."""
    outputs = [X]
    for i, (W, b) in enumerate(layers):
        Z = outputs[-1] @ W + b
        outputs.append(Z if i == len(layers) - 1 else np.maximum(Z, 0.0))
    return outputs


def curves(raw: Floats, exponent: float | None) -> tuple[Floats, Floats, Floats]:
    """Slope a, offset b and exponent p, each (m,), from the network's output (m, 2 or 3)."""
    p = softplus(raw[:, 2]) if exponent is None else np.full(len(raw), exponent)
    return softplus(raw[:, 0]), raw[:, 1], p


def loss_and_slopes(raw: Floats, pairs: Pairs, exponent: float | None) -> tuple[float, Floats]:
    """Weighted mean cross-entropy of the pairs, and its gradient in the network's output (m, 2 or 3)."""
    a, b, p = (value[pairs.query] for value in curves(raw, exponent))
    h = pairs.u**p
    g = a * (h - 1) + b
    share = pairs.weight / pairs.weight.sum()
    loss = float(share @ (np.logaddexp(0.0, g) - pairs.y * g))
    dg = share * (sigmoid(g) - pairs.y)
    slopes = [dg * (h - 1) * sigmoid(raw[pairs.query, 0]), dg]
    if exponent is None:
        log_u = np.log(pairs.u, out=np.zeros_like(pairs.u), where=pairs.u > 0)  # h log u vanishes with u
        slopes.append(dg * a * h * log_u * sigmoid(raw[pairs.query, 2]))
    return loss, np.stack([np.bincount(pairs.query, slope, len(raw)) for slope in slopes], axis=1)


def backward(layers: Layers, outputs: Sequence[Floats], slopes: Floats) -> list[tuple[Floats, Floats]]:
    """Gradients in every layer's weights and biases, from that in the output of the last."""
    gradients: list[tuple[Floats, Floats]] = []
    for i in reversed(range(len(layers))):
        gradients.insert(0, (outputs[i].T @ slopes, slopes.sum(axis=0)))
        slopes = (slopes @ layers[i][0].T) * (outputs[i] > 0)
    return gradients


def one_curve(pairs: Pairs, exponent: float | None) -> Floats:
    """(2 or 3,) the network's output that fits all queries alike: where training starts."""
    from sklearn.linear_model import LogisticRegression

    h = pairs.u ** (exponent or 1.0) - 1
    model = LogisticRegression(C=1e3).fit(h[:, None], pairs.y, sample_weight=pairs.weight)
    slope = max(float(model.coef_[0, 0]), 0.1)  # it rises, even where the labels say otherwise
    raw = [value + np.log(-np.expm1(-value)) for value in (slope, 1.0)]  # softplus takes it back
    return np.array([raw[0], float(model.intercept_[0]), raw[1]][: 2 if exponent else 3])


def first_layers(d: int, hidden: Sequence[int], last: Floats, rng: np.random.Generator) -> Layers:
    """Layers from d inputs that say `last` whatever they read."""
    widths = [d, *hidden]
    random = [rng.normal(scale=np.sqrt(2 / i), size=(i, o)) for i, o in pairwise(widths)]
    return [*((W, np.zeros(W.shape[1])) for W in random), (np.zeros((widths[-1], len(last))), last)]


def train(
    layers: Layers,
    X: Floats,
    pairs: tuple[Pairs, Pairs],
    exponent: float | None,
    *,
    epochs: int,
    learning_rate: float,
    weight_decay: float,
) -> Layers:
    """The layers of that step of Adam, on X (m, d), which has the lowest loss on held-out pairs.

    pairs
        Those to learn from, and those held out.
    """
    seen, held = pairs
    values = [value.copy() for layer in layers for value in layer]
    mean, square = ([np.zeros_like(value) for value in values] for _ in range(2))
    best, lowest, best_step = layers, np.inf, 0
    for step in range(epochs + 1):
        layers = list(zip(values[::2], values[1::2], strict=True))
        outputs = forward(layers, X)
        loss = loss_and_slopes(outputs[-1], held, exponent)[0]
        if loss < lowest:
            best, lowest, best_step = [(W.copy(), b.copy()) for W, b in layers], loss, step
        if step - best_step >= PATIENCE:
            break
        gradients = backward(layers, outputs, loss_and_slopes(outputs[-1], seen, exponent)[1])
        for i, slope in enumerate(slope for layer in gradients for slope in layer):
            mean[i] += 0.1 * (slope - mean[i])
            square[i] += 0.001 * (slope**2 - square[i])
            ahead = mean[i] / (1 - 0.9 ** (step + 1)) / (np.sqrt(square[i] / (1 - 0.999 ** (step + 1))) + 1e-8)
            decay = weight_decay if values[i].ndim == 2 else 0.0
            values[i] -= learning_rate * (ahead + decay * values[i])
    return best
