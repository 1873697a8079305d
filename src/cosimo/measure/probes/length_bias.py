r"""Length bias: do scores follow the lengths of the texts, whatever these say?

Random pairs, none with a common item, so that they are independent; partial correlations of ranks:

    longer = corr(s, l_a + l_b | |l_a - l_b|)        alike = corr(s, -|l_a - l_b| | l_a + l_b)
    corr(x, y | z) = corr of what is left of the ranks of x and y once each is fitted by a line on the ranks of z

Symbols: s -> scores (p,) of the pairs, l_a, l_b -> log(1 + words) of their sides.
Pitfalls: lengths taken for harmless because texts were chosen alike; a correlation read as a fault: where length
goes with the topic (titles beside abstracts), texts of a length are alike for a reason.
"""

import math
from collections.abc import Sequence

import numpy as np

from cosimo._random import generator
from cosimo.contracts import Encoder
from cosimo.errors import DataError, Refused
from cosimo.measure.probes.of_items import report_of, similarity_of, texts_of, vectors_of
from cosimo.statistics import correlation, jackknife_interval
from cosimo.types import Estimate, PerItem, Report, Rows, Vectors

NOTABLE = 0.3
"""A correlation that somebody should know of: it explains about a tenth of how the scores are ranked."""
LEAST = 20


def length_bias(encoder: Encoder, items: Sequence[str], *, vectors: Vectors | None = None, seed: int = 0) -> Report:
    """How far the scores of random pairs of n texts depend on the lengths of the two.

    Metrics, partial rank correlations of the score: `longer` with the lengths of both, and `alike` with how equal they
    are. NaN where all texts are of one length, or all scores are equal.

    vectors
        (n, d) of the texts in this encoder or space; encoded when None.
    seed
        Draws the pairs.

    Raises
    ------
    DataError
        Fewer than 20 texts, or something that is none.

    >>> from cosimo.encode import FunctionEncoder
    >>> texts = ["word " * (i + 1) for i in range(40)]
    >>> report = length_bias(FunctionEncoder(lambda texts: [[len(t), -20.0] for t in texts]), texts)
    >>> report.metrics["longer"].value > 0.5
    True
    """
    texts = texts_of(items, least=LEAST)
    X = vectors_of(encoder, texts, vectors, role="document")
    order = generator(seed).permutation(len(texts))
    a, b = order[: len(order) // 2], order[len(order) // 2 :][: len(order) // 2]
    scores = similarity_of(encoder).pairs(X[a], X[b]).astype(np.float64)
    lengths = np.log1p([len(text.split()) for text in texts])
    both, apart = lengths[a] + lengths[b], np.abs(lengths[a] - lengths[b])
    metrics = {"longer": partial(scores, both, apart), "alike": partial(scores, -apart, both)}
    said = {
        "longer": {1: "long texts score higher with everything", -1: "short texts score higher with everything"},
        "alike": {1: "texts of like length score higher", -1: "texts of unlike length score higher"},
    }
    told = [
        f"{said[name][int(math.copysign(1, found.value))]} (partial rank correlation {found.value:.2f})"
        for name, found in metrics.items()
        if surely(found) > NOTABLE
    ]
    return report_of(metrics, texts, encoder, seed=seed, settings={"pairs": len(a)}, warnings=tuple(told))


def surely(found: Estimate) -> float:
    """How far from 0 a correlation is at least, on the side of its value: the nearer end of its interval.

    >>> surely(Estimate(-0.5)), surely(Estimate(math.nan))
    (0.5, 0.0)
    """
    if math.isnan(found.value):
        return 0.0
    ends = (found.value,) * 2 if found.interval is None else (found.interval.low, found.interval.high)
    return max(min(ends), -max(ends), 0.0)


def partial(x: PerItem, y: PerItem, z: PerItem) -> Estimate:
    """Partial rank correlation of `x` (n,) and `y` (n,) given `z` (n,), with its interval by leaving out rows.

    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=200)
    >>> found = partial(z + rng.normal(size=200), z - rng.normal(size=200), z)
    >>> abs(found.value) < 0.2, found.interval.low < 0 < found.interval.high
    (True, True)
    """

    def statistic(rows: Rows) -> float:
        return partial_correlation(x[rows], y[rows], z[rows])

    value = statistic(np.arange(len(x)))
    if math.isnan(value):
        return Estimate(value)
    try:
        found = jackknife_interval(statistic, len(x), unit="pair")
    except (DataError, Refused):
        return Estimate(value)
    return Estimate(value, found)


def partial_correlation(x: PerItem, y: PerItem, z: PerItem) -> float:
    """Partial rank correlation of `x` (n,) and `y` (n,) given `z` (n,); NaN where a column is constant.

    >>> partial_correlation(np.arange(5.0), -np.arange(5.0) ** 3, np.array([1.0, 5.0, 2.0, 4.0, 3.0]))
    -1.0
    """
    from scipy.stats import rankdata

    if min(np.ptp(x), np.ptp(y)) == 0:
        return math.nan
    r, s, t = (rankdata(column) - (len(x) + 1) / 2 for column in (x, y, z))
    along = float(t @ t)
    if along > 0:
        r, s = r - t * (float(r @ t) / along), s - t * (float(s @ t) / along)
    least = 1e-9 * len(x)
    if min(float(np.abs(r).max()), float(np.abs(s).max())) < least:  # a column that is a function of z
        return math.nan
    return correlation(r, s, coefficient="pearson")
