r"""How similarity rises and falls through a long text, and whether encoders see the same rise and fall.

    d_t = cos(e_t, e_{t+lag})          series, t = 1 ... T - lag, then the mean of the `smooth` values around each
    S_ij = cos(e_i, e_j)               matrix
    depth of a local minimum t = (peak before t - d_t) + (peak after t - d_t);       boundaries: the deepest minima
    r_AB = mean over documents of the correlation of A's series, or matrix above its diagonal, with B's
    p_AB = share of random circular shifts of B along the documents with r at least as large

A correlation is taken inside a document, so that the level and spread of cosines, which differ between encoders, play
no part. Neighbouring values depend on each other; a circular shift keeps that and breaks only what both encoders have
in common (`cosimo.measure.probes.circular_shifts`). How far found boundaries lie from true ones say `p_k` and
`window_diff`.

Symbols: e -> vectors of the T `sentences`, d -> `series_`, S -> `matrix_`.
Pitfalls: cosines of several documents pooled, so that their levels correlate; single values permuted as if they
were independent; raw cosines of two encoders compared; a series smoothed before its minima are sought, where parts end
between two sentences (joined news and minilm: P_k .27 as it is, .40 with means of three, .49 by chance).
Reference: A Comparative Study of Sentence Embedding Models for Assessing Semantic Variation, 2023,
https://arxiv.org/abs/2308.04625
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import unit
from cosimo._random import Seed, generator
from cosimo.contracts import Encoder
from cosimo.errors import DataError
from cosimo.measure.probes.circular_shifts import (
    Coefficient,
    around,
    shift_p_values,
    shifted_correlations,
    standardised,
)
from cosimo.measure.studies.model_trees import tree
from cosimo.statistics import mean_interval
from cosimo.types import Estimate, Floats, PerItem, Scores

Of = Literal["series", "matrix"]


@final
class SemanticSeries:
    """How alike sentences of one text are to those that follow.

    encoder
        Turns sentences into vectors.
    lag
        Sentences from one to the one it is compared with.
    smooth
        Values that are averaged, an odd number; fewer at the ends.

    `fit` sets `series_` (T - lag,) and `matrix_` (T, T), for T sentences.

    >>> from cosimo.encode import Table
    >>> angles = np.array([0, 1, 0, 9, 8, 9]) / 4
    >>> words = Table(["tea", "coffee", "milk", "car", "bus", "train"], np.stack([np.cos(angles), np.sin(angles)]).T)
    >>> text = SemanticSeries(words).fit(words.keys)
    >>> text.series_.round(2)
    array([ 0.97,  0.97, -0.63,  0.97,  0.97])
    >>> text.boundaries(1)
    array([3])
    """

    series_: PerItem
    matrix_: Scores

    def __init__(self, encoder: Encoder, lag: int = 1, *, smooth: int = 1) -> None:
        self.encoder, self.lag, self.smooth = encoder, lag, smooth

    def fit(self, sentences: Sequence[Any]) -> Self:
        """Encode the T sentences of a text, in their order.

        Raises
        ------
        DataError
            Too few sentences, or a lag or a window that is none.
        """
        if self.lag < 1 or self.smooth < 1 or self.smooth % 2 == 0:
            raise DataError(f"lag wants 1 or more and smooth an odd number, got {self.lag} and {self.smooth}")
        if len(sentences) < self.lag + 2:
            raise DataError(f"a series of lag {self.lag} wants {self.lag + 2} sentences at least, got {len(sentences)}")
        U = unit(self.encoder.encode(sentences).astype(np.float64))
        self.matrix_ = np.clip(U @ U.T, -1.0, 1.0)
        self.series_ = _moving_mean(np.diagonal(self.matrix_, self.lag), self.smooth)
        return self

    def boundaries(self, k: int) -> NDArray[np.int64]:
        """(k,) places of the sentences that open a new part, in order: those after the k deepest minima of the series.

        Raises
        ------
        DataError
            The series has fewer than k minima.
        """
        if not hasattr(self, "series_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this SemanticSeries has read no text yet; call fit with its sentences first")
        depths = _depths(self.series_)
        minima = np.flatnonzero(depths > 0)
        if not 0 <= k <= len(minima):
            raise DataError(f"{k} boundaries were asked for, and the series has {len(minima)} minima; ask for fewer")
        deepest = minima[np.argsort(-depths[minima], kind="stable")[:k]]
        opened: NDArray[np.int64] = np.sort(deepest + (self.lag + 1) // 2)  # the middle of the gap that is spanned
        return opened


@dataclass(frozen=True, eq=False)
class EncoderAgreement:
    """How alike N encoders see documents; print it.

    encoders
        Names, the order of all else.
    series, matrix
        (N, N) mean correlations over the documents.
    series_p, matrix_p
        (N, N) p-values of "no more alike than after a shift", adjusted for all pairs; a single document of T sentences
        can give none below about 1 / T before that.
    by_document
        (D, N, N) correlations of each document, under `series` and `matrix`.
    levels
        Mean, sd, lowest, highest and skewness of each encoder's series, which comparisons leave out.
    disagreement
        For each document (T - lag,) the standard deviation over encoders of the standardised series: high where they
        see different things.
    """

    encoders: tuple[str, ...]
    series: Floats
    matrix: Floats
    series_p: Floats
    matrix_p: Floats
    by_document: Mapping[Of, Floats]
    levels: Mapping[str, Mapping[str, float]]
    disagreement: tuple[PerItem, ...]

    def __str__(self) -> str:
        width = max(len(name) for name in self.encoders)
        lines = [f"{'series':<{width}}" + "".join(f"{name[:9]:>10}" for name in self.encoders)]
        for name, row in zip(self.encoders, self.series, strict=True):
            lines.append(f"{name:<{width}}" + "".join(f"{value:10.2f}" for value in row))
        return "\n".join(lines)

    def estimate(self, a: str, b: str, *, of: Of = "series", level: float = 0.95) -> Estimate:
        """The mean correlation of two encoders, with its interval over documents where there are several."""
        rows = [self.encoders.index(name) for name in (a, b)]
        values = self.by_document[of][:, rows[0], rows[1]]
        found = mean_interval(values, bounds=(-1.0, 1.0), level=level, unit="document") if len(values) > 1 else None
        return Estimate(float(values.mean()), found, values)

    def tree(self, *, of: Of = "series") -> Floats:
        """(N - 1, 4) average linkage of 1 - correlation, as scipy's dendrogram takes it."""
        return tree(self.series if of == "series" else self.matrix)


def compare_encoders(
    encoders: Mapping[str, Encoder],
    documents: Sequence[Sequence[Any]],
    *,
    lag: int = 1,
    smooth: int = 1,
    coefficient: Coefficient = "spearman",
    n_permutations: int = 999,
    seed: Seed = 0,
) -> EncoderAgreement:
    """Whether encoders see the same rise and fall of similarity in documents, each a list of sentences.

    lag, smooth
        As in `SemanticSeries`.
    coefficient
        Of ranks (`spearman`) or of values (`pearson`), inside a document; a constant series correlates with none.

    Raises
    ------
    DataError
        Fewer than two encoders, no document, or one with too few sentences.

    >>> from cosimo.encode import Table
    >>> X = np.random.default_rng(0).normal(size=(30, 4))
    >>> one, other = (Table(range(30), X + 0.2 * np.random.default_rng(i).normal(size=(30, 4))) for i in (1, 2))
    >>> found = compare_encoders({"one": one, "other": other}, [list(range(20)), list(range(20, 30))])
    >>> found.series.round(2)
    array([[1.  , 0.88],
           [0.88, 1.  ]])
    >>> float(found.series_p[0, 1])
    0.004
    """
    if len(encoders) < 2 or not documents:
        raise DataError(f"wanted two encoders and a document at least, got {len(encoders)} and {len(documents)}")
    if coefficient not in ("spearman", "pearson"):
        raise DataError(f"coefficient is 'spearman' or 'pearson', got {coefficient!r}")
    series, rises, matrices = [], [], []
    for sentences in documents:
        texts = [SemanticSeries(encoder, lag, smooth=smooth).fit(sentences) for encoder in encoders.values()]
        series.append(np.stack([text.series_ for text in texts]))
        rises.append(shifted_correlations(series[-1][:, :, None], coefficient))
        matrices.append(shifted_correlations(np.stack([around(text.matrix_) for text in texts]), coefficient))
    rng = generator(seed)
    return EncoderAgreement(
        encoders=tuple(encoders),
        series=np.mean([shifted[:, :, 0] for shifted in rises], axis=0),
        matrix=np.mean([shifted[:, :, 0] for shifted in matrices], axis=0),
        series_p=shift_p_values(rises, n_permutations, seed=rng),
        matrix_p=shift_p_values(matrices, n_permutations, seed=rng),
        by_document={
            "series": np.stack([shifted[:, :, 0] for shifted in rises]),
            "matrix": np.stack([shifted[:, :, 0] for shifted in matrices]),
        },
        levels={name: _levels(np.concatenate([d[i] for d in series])) for i, name in enumerate(encoders)},
        disagreement=tuple(standardised(d[:, :, None])[:, :, 0].std(axis=0) for d in series),
    )


def _moving_mean(values: PerItem, window: int) -> PerItem:
    """Mean of the values in a window around each, of those that there are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    first, last = np.maximum(places - window // 2, 0), np.minimum(places + window // 2 + 1, len(values))
    means: PerItem = (sums[last] - sums[first]) / (last - first)
    return means if window > 1 else values.copy()


def _depths(values: PerItem) -> PerItem:
    """How deep each local minimum lies below the peaks on both sides, summed; 0 for what is none."""
    depths = np.zeros(len(values))
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))  # of a level stretch the first counts
    levels = values[starts]
    for i, value in enumerate(levels):
        sides = levels[:i][::-1], levels[i + 1 :]
        if all(not len(side) or side[0] > value for side in sides):
            depths[starts[i]] = sum(_climb(value, side) - value for side in sides)
    return depths


def _climb(value: float, side: PerItem) -> float:
    """The height reached by going along `side` from `value` for as long as it does not fall."""
    for other in side:
        if other < value:
            break
        value = other
    return float(value)


def _levels(values: PerItem) -> dict[str, float]:
    from scipy.stats import skew

    spread = float(values.std())
    return {
        "mean": float(values.mean()),
        "sd": spread,
        "lowest": float(values.min()),
        "highest": float(values.max()),
        "skewness": float(skew(values)) if spread > 1e-12 else 0.0,
    }
