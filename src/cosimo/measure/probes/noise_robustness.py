r"""Noise robustness: do typing faults, case, white space or a missing word move a text away from itself?

    cosine = mean of cos(f(x), f(x'))        found = share of x' whose nearest item is x, among the n items

Symbols: x' -> the text x with a fault of one kind, from `corruptions`.
Pitfalls: texts that the fault leaves as they were counted as robust (they are left out here); the cosine alone,
which is high in a space where everything is close to everything.
"""

from collections.abc import Sequence

import numpy as np

from cosimo._random import generator
from cosimo.compare import Cosine
from cosimo.contracts import Encoder
from cosimo.errors import DataError
from cosimo.measure.probes.corruptions import CORRUPTIONS
from cosimo.measure.probes.finding_again import hits, same_texts
from cosimo.measure.probes.of_items import report_of, similarity_of, texts_of, vectors_of
from cosimo.statistics import mean_interval
from cosimo.types import Estimate, PerItem, Report, Vectors

LOST = 0.8
"""Share that must be found again, or a warning says so."""


def noise_robustness(
    encoder: Encoder,
    items: Sequence[str],
    *,
    kinds: Sequence[str] = tuple(CORRUPTIONS),
    vectors: Vectors | None = None,
    seed: int = 0,
) -> Report:
    """How close n texts stay to themselves with a fault of each kind, and whether they find themselves among all.

    Metrics for each kind: `<kind>_cosine` of clean and faulty text, and the share `<kind>_found`; NaN where the fault
    changes no text. Kinds: `typos` (in one word of five), `upper_case`, `white_space`, `dropped_word`.

    vectors
        (n, d) of the texts in this encoder or space; encoded when None.
    seed
        Draws the faults.

    Raises
    ------
    DataError
        Fewer than two texts, something that is no text, or a kind that is not known.

    >>> from cosimo.encode import FunctionEncoder
    >>> encoder = FunctionEncoder(lambda texts: [[text.count("a"), text.count("b"), -1.0] for text in texts])
    >>> report = noise_robustness(encoder, ["aa", "abb"], kinds=["upper_case"])
    >>> round(report.metrics["upper_case_cosine"].value, 2), report.metrics["upper_case_found"].value
    (0.43, 0.5)
    """
    unknown = [kind for kind in kinds if kind not in CORRUPTIONS]
    if unknown:
        raise DataError(f"there is no fault {unknown[0]!r}; choose among {', '.join(CORRUPTIONS)}")
    texts = texts_of(items)
    X = vectors_of(encoder, texts, vectors, role="document")
    rng, similarity, same = generator(seed), similarity_of(encoder), same_texts(texts)
    metrics: dict[str, Estimate] = {}
    told = []
    for kind in kinds:
        faulty = [CORRUPTIONS[kind](text, rng) for text in texts]
        rows = np.array([row for row, (a, b) in enumerate(zip(texts, faulty, strict=True)) if a != b], np.int64)
        Q = vectors_of(encoder, [faulty[row] for row in rows], role="document")
        metrics[f"{kind}_cosine"] = _mean(_cosines(Q, X[rows]), (-1.0, 1.0))
        share = _mean(hits(similarity(Q, X), same[rows][:, None] == same), (0.0, 1.0))
        metrics[f"{kind}_found"] = share
        if share.interval is not None and share.interval.high < LOST:
            told.append(f"with {kind.replace('_', ' ')} only {share.value:.0%} of the texts find themselves again")
    settings = {"kinds": list(kinds), "among": len(texts)}
    return report_of(metrics, texts, encoder, seed=seed, settings=settings, warnings=tuple(told))


def _cosines(A: Vectors, B: Vectors) -> PerItem:
    return np.clip(Cosine().pairs(A, B).astype(np.float64), -1.0, 1.0)


def _mean(values: PerItem, bounds: tuple[float, float]) -> Estimate:
    if not len(values):
        return Estimate(float("nan"))
    return Estimate(float(values.mean()), mean_interval(values, bounds=bounds), values)
