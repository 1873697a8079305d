r"""How an encoder's agreement with people falls as words go wrong.

    rho(e) = Spearman(cos(f(x~), f(y~)), gold),       x~, y~ with a share e of their words wrong, each by its own draws
    change = rho(e) - rho(0), paired by resampling the same pairs;       similarity = mean cos(f(x), f(x~)) of all texts

Symbols: e -> `rates`, f -> `encoder`, (x, y) -> `pairs` (n,).
Pitfalls: rho(e) of two encoders compared, where they start from different rho(0); the mean cosine taken for
robustness, which an encoder that gives all texts one vector has, too.
Reference: Investigating the Effects of Word Substitution Errors on Sentence Embeddings, 2019,
https://arxiv.org/abs/1811.07021
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from cosimo._arrays import unit
from cosimo._random import Seed
from cosimo.contracts import Encoder
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.probes.asr_noise import Corrupted
from cosimo.statistics import Comparison, compare_statistics, correlation, correlation_interval, mean_interval
from cosimo.types import Estimate, Floats, PerItem


class Noise(Protocol):
    """What puts errors into texts."""

    def corrupt(self, texts: Sequence[str], rate: float = 0.3, *, seed: Seed = 0) -> Corrupted:
        """The texts with a share `rate` of all words wrong."""


@dataclass(frozen=True, eq=False)
class RobustnessPoint:
    """What is left of an encoder's agreement with people at one rate of errors.

    rate, realised
        Share of words that was to be wrong, and that was.
    spearman
        Of cosines and gold scores.
    change
        Of it, against the texts without errors; None where there are no errors.
    similarity
        Mean cosine of a text with errors and the same text without.

    Intervals are over other pairs; run other seeds to see what other errors would do.
    """

    rate: float
    realised: float
    spearman: Estimate
    change: Comparison | None
    similarity: Estimate


def robustness_curve(
    encoder: Encoder,
    pairs: Sequence[tuple[str, str]],
    *,
    gold: ArrayLike,
    noise: Noise,
    rates: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    level: float = 0.95,
    seed: Seed = 0,
) -> tuple[RobustnessPoint, ...]:
    """How an encoder's agreement with gold scores of n pairs falls with errors in both texts, drawn independently.

    gold
        (n,) scores by people.
    noise
        An `AsrNoise`, or another object with its `corrupt`.

    Raises
    ------
    DataError
        Fewer than three pairs.
    ShapeError
        Another number of gold scores than of pairs.

    >>> from cosimo.encode import Table
    >>> from cosimo.measure.probes.asr_noise import AsrNoise
    >>> words = ["bit", "pit", "beat", "bet", "bat", "but"]
    >>> table = Table(words, [[1, -i] for i in range(6)])
    >>> pairs = [(a, b) for a in words for b in words if a < b]
    >>> gold = [-abs(words.index(a) - words.index(b)) for a, b in pairs]
    >>> curve = robustness_curve(table, pairs, gold=gold, noise=AsrNoise(table, words), rates=(0.0, 0.5))
    >>> [round(point.spearman.value, 2) for point in curve], round(curve[1].realised, 2)
    ([0.67, 0.36], 0.37)
    """
    y = np.asarray(gold, dtype=np.float64)
    if len(pairs) < 3:
        raise DataError(f"a correlation wants three pairs at least, got {len(pairs)}")
    if y.shape != (len(pairs),):
        raise ShapeError(f"gold must have one score for each of {len(pairs)} pairs, got {y.shape}")
    texts = [pair[side] for side in (0, 1) for pair in pairs]
    clean = _halves(encoder, texts)
    before = (clean[0] * clean[1]).sum(axis=1)
    found = []
    for rate in rates:
        heard = noise.corrupt(texts, rate, seed=seed)
        noisy = _halves(encoder, heard.texts)
        after = (noisy[0] * noisy[1]).sum(axis=1)
        change = _change(after, before, y, level) if heard.realised > 0 else None
        kept = _mean(np.clip((noisy * clean).sum(axis=2).mean(axis=0), -1.0, 1.0), level)
        found.append(RobustnessPoint(rate, heard.realised, _spearman(after, y, level), change, kept))
    return tuple(found)


def _halves(encoder: Encoder, texts: Sequence[str]) -> Floats:
    """(2, n, d) unit vectors of the n first and the n second texts."""
    U = unit(encoder.encode(list(texts)).astype(np.float64))
    return U.reshape(2, len(texts) // 2, U.shape[1])


def _spearman(scores: PerItem, gold: PerItem, level: float) -> Estimate:
    try:
        return Estimate(correlation(scores, gold), correlation_interval(scores, gold, level=level))
    except Refused:
        return Estimate(correlation(scores, gold))


def _mean(cosines: PerItem, level: float) -> Estimate:
    found = mean_interval(cosines, bounds=(-1.0, 1.0), level=level, unit="pair")
    return Estimate(float(cosines.mean()), found, cosines)


def _change(noisy: PerItem, clean: PerItem, gold: PerItem, level: float) -> Comparison | None:
    """Spearman with errors less that without; None where resampling cannot say how sure it is."""
    try:
        return compare_statistics(
            lambda rows: correlation(noisy[rows], gold[rows]),
            lambda rows: correlation(clean[rows], gold[rows]),
            len(gold),
            level=level,
            unit="pair",
        )
    except Refused:
        return None
