r"""Frequency bias: do the vectors of words tell how common the words are, beside what they mean?

Each word that occurs is encoded alone; rank correlations over words:

    norm = corr(|f(w)|, log c_w)        similarity = corr(h_w, log c_w),   h_w = mean of cos(f(w), f(v)) over v != w

Symbols: c_w -> texts that hold the word w, f -> `encoder`.
Pitfalls: counts of another corpus than the one at hand; a word counted as often as it is repeated in one text;
the norm looked at where vectors are normalised and the frequency has gone into their directions.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cosimo._random import generator
from cosimo.contracts import Encoder
from cosimo.errors import DataError
from cosimo.measure.probes.agreement import correlated
from cosimo.measure.probes.length_bias import surely
from cosimo.measure.probes.of_items import report_of, texts_of, vectors_of
from cosimo.measure.vectors.directions import Directions
from cosimo.measure.vectors.one_pass import Block
from cosimo.types import PerItem, Report, Vectors

WORD = re.compile(r"[^\W\d_]{2,}")
LEAST = 20
"""Words of different frequency that it takes."""
NOTABLE = 0.5


def frequency_bias(encoder: Encoder, items: Sequence[str], *, words: int = 1000, seed: int = 0) -> Report:
    """How far the vectors of words follow how many of n texts hold them; of most interest for token models.

    Metrics, rank correlations with the frequency: of the length of a word's vector (`norm`, NaN where all are of one
    length), and of its mean cosine with other words (`similarity`).

    words
        How many are encoded, drawn at random from those that occur, each count as likely as in the texts' vocabulary.
    seed
        Draws them.

    Raises
    ------
    DataError
        Fewer than 20 distinct words, or something that is no text.

    >>> from cosimo.encode import FunctionEncoder
    >>> words = [letter * 2 for letter in "abcdefghijklmnopqrstuvwxyz"]
    >>> texts = [" ".join(word for i, word in enumerate(words, 1) if n % i == 0) for n in range(99)]
    >>> encoder = FunctionEncoder(lambda texts: [[123.0 - ord(t[0]) if t in words else 1.0, -1.0] for t in texts])
    >>> frequency_bias(encoder, texts).metrics["norm"].value > 0.9
    True
    """
    texts = texts_of(items)
    counts = Counter(word for text in texts for word in set(WORD.findall(text.lower())))
    if len(counts) < LEAST:
        raise DataError(f"the texts hold {len(counts)} distinct words, wanted at least {LEAST}; give more texts")
    vocabulary = sorted(counts)
    chosen = np.sort(generator(seed).permutation(len(vocabulary))[:words])
    listed = [vocabulary[i] for i in chosen]
    frequency = np.array([counts[word] for word in listed], dtype=np.float64)
    X = vectors_of(encoder, listed, role="document").astype(np.float64)
    norms = np.sqrt(np.einsum("nd,nd->n", X, X))
    even = np.ptp(norms) <= 1e-4 * norms.max(initial=0.0)
    metrics = {
        "norm": correlated(np.ones_like(norms) if even else norms, frequency),
        "similarity": correlated(_mean_cosines(X), frequency),
    }
    said = {"norm": "longer vectors", "similarity": "vectors closer to all others"}
    told = [
        f"{'common' if found.value > 0 else 'rare'} words have {said[name]} (rank correlation {found.value:.2f})"
        for name, found in metrics.items()
        if surely(found) > NOTABLE
    ]
    settings = {"words": len(listed), "vocabulary": len(vocabulary)}
    return report_of(metrics, texts, encoder, seed=seed, settings=settings, warnings=tuple(told))


def _mean_cosines(X: Vectors) -> PerItem:
    """(n,) mean cosine of each row with all others."""
    sums = Directions()
    sums.update(Block(X))
    return sums.cosines(X)
