r"""WhiteningBERT: sentence vectors from any pre-trained transformer, better without a label.

Three findings that add up: the mean over tokens beats the first or last token; the mean of a low and the top layer
beats the top alone; and whitening makes every direction of the space equally loud, before comparing by cosine.

$$ h = \frac{1}{|L|} \sum_{l \in L} \frac{1}{t} \sum_{i=1}^{t} T^{(l)}_i \qquad
   x' = (h - \mu) V_k \Lambda_k^{-1/2}, \quad \operatorname{cov}(H) = V \Lambda V^\top $$

Symbols: L -> `layers`, T^(l) -> the states of layer l from `encode_tokens`, mu -> `mean_` (d,),
V_k Lambda_k^(-1/2) -> `components_` (d, k), k -> `dims`.

Pitfalls: hidden state 0 is the embedding table, so the first transformer block is layer 1. A direction in which
the sentences do not differ has variance about 0, and dividing by its root blows noise up: directions whose variance is
below `eps` of the largest are left out. Few sentences are worse than that: n of them, whitened in n - 1 directions, are
all equally far apart whatever they say, which is refused; with a few more the scores are mostly noise. Fit on several
times as many sentences as directions kept.

Reference: WhiteningBERT: An Easy Unsupervised Sentence Embedding Approach (2021), https://arxiv.org/abs/2104.01767
"""

from collections.abc import Sequence
from typing import Any, Protocol, Self, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from cosimo.errors import DataError
from cosimo.refine.affine import apply_affine
from cosimo.refine.checks import fit_rows, new_rows
from cosimo.refine.pca import EMPTY, principal_directions
from cosimo.types import Floats, Tokens, Vectors


class TokenEncoder(Protocol):
    """An encoder that shows the states of its tokens."""

    def encode_tokens(self, items: Sequence[Any], *, layers: Sequence[int]) -> Tokens:
        """The states of each item's tokens, averaged over `layers`; 0 is the embedding table, -1 the top."""


def token_mean(T: Tokens) -> Vectors:
    """(n, d) mean of each item's token vectors; zero for an item without tokens.

    >>> token_mean(Tokens(np.array([[1.0, -4.0], [3.0, 0.0]]), np.array([0, 2, 2])))
    array([[ 2., -2.],
           [ 0.,  0.]])
    """
    X = np.zeros((len(T), T.values.shape[1]), T.values.dtype)
    there = T.lengths > 0
    if there.any():
        sums = np.add.reduceat(T.values, T.offsets[:-1][there], axis=0, dtype=np.float64)
        X[there] = sums / T.lengths[there, None]
    return X


def layer_mean(encoder: TokenEncoder, items: Sequence[Any], *, layers: Sequence[int] = (1, -1)) -> Vectors:
    """(n, d) mean over tokens and layers of n items: the sentence vectors to whiten.

    encoder
        Anything with `encode_tokens(items, layers=...)`.
    layers
        Numbers of hidden states: 1 is the first transformer block, -1 the top.
    """
    return token_mean(encoder.encode_tokens(items, layers=layers))


@final
class Whitening(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Refiner that decorrelates a space and gives every direction variance 1.

    dims
        Directions of largest variance to keep; `None` for all that the fitted rows span.
    eps
        Variance, relative to the largest, below which a direction is left out.

    >>> X = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> np.cov(Whitening().fit_transform(X), rowvar=False) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    mean_: Floats
    components_: Floats

    def __init__(self, dims: int | None = None, *, eps: float = EMPTY) -> None:
        self.dims = dims
        self.eps = eps

    def fit(self, X: Vectors, y: Any = None) -> Self:
        """Learn from X (n, d), unlabelled.

        Raises
        ------
        DataError
            The rows span fewer than `dims` directions, or are not at least two more than the directions kept.
        """
        X = fit_rows(self, X, at_least=2)
        self.mean_, variances, directions = principal_directions(X, self.dims, eps=self.eps)
        if len(variances) >= len(X) - 1:
            raise DataError(
                f"{len(X)} rows whitened in {len(variances)} directions are all equally far apart, whatever they were; "
                "fit on several times as many rows as directions, or ask for fewer dims"
            )
        self.components_ = directions / np.sqrt(variances)
        return self

    def transform(self, X: Vectors) -> Vectors:
        """(n, k) whitened X (n, d), as many directions as were kept; normalise or compare by cosine."""
        X = new_rows(self, X)
        return apply_affine(X, *self.affine())

    def affine(self) -> tuple[Floats, Floats]:
        """The same map as `W` (d, k) and `b` (k,)."""
        check_is_fitted(self)
        return self.components_, -self.mean_ @ self.components_
