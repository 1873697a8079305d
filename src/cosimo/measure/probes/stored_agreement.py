r"""Stored vectors against fresh ones: was everything that is stored made by the encoder that now answers?

    c_i = cos(stored x_i, fresh f(text_i)),    differing: c_i < 0.9999,    rescaled: | |x_i| / |f(text_i)| - 1 | > 0.001

Symbols: 0.9999 -> `AGREEMENT` of passports, what another machine or runtime of the same model still keeps.
Pitfalls: the first vectors compared instead of a random sample, while it is the later ones that another model
made; a text that was changed after it was encoded taken for a change of the encoder.
"""

from collections.abc import Sequence

import numpy as np

from cosimo._arrays import unit
from cosimo.contracts import Encoder
from cosimo.measure.probes.of_items import rate, report_of, texts_of, vectors_of
from cosimo.passport import AGREEMENT
from cosimo.statistics import mean_interval
from cosimo.types import Estimate, PerItem, Report, Role, Vectors

LENGTH = 1e-3


def stored_agreement(encoder: Encoder, items: Sequence[str], vectors: Vectors, *, role: Role = "document") -> Report:
    """Whether the stored vectors (n, d) of n texts are what the encoder makes of them today.

    Metrics: the share that is `differing`, the `lowest` and `mean` cosine with the fresh vector, and the share that is
    `rescaled`, of another length.

    Raises
    ------
    DataError
        No text, or something that is none.
    ShapeError
        Not one vector a text, or of other dimensions than the encoder's.

    >>> from cosimo.encode import FunctionEncoder
    >>> encoder = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> report = stored_agreement(encoder, ["a", "abc"], np.array([[1.0, -1.0], [-1.0, 3.0]]))
    >>> report.metrics["differing"].value, round(report.metrics["lowest"].value, 1)
    (0.5, -0.6)
    """
    texts = texts_of(items, least=1)
    X = vectors_of(encoder, texts, vectors).astype(np.float64)
    fresh = vectors_of(encoder, texts, role=role).astype(np.float64)
    cosines = agreeing(X, fresh)
    sizes, wanted = (np.sqrt(np.einsum("nd,nd->n", Z, Z)) for Z in (X, fresh))
    differing = (cosines < AGREEMENT).astype(np.float64)
    rescaled = (np.abs(sizes - wanted) > LENGTH * wanted).astype(np.float64)
    metrics = {
        "differing": rate(differing),
        "lowest": Estimate(float(cosines.min())),
        "mean": Estimate(float(cosines.mean()), mean_interval(cosines, bounds=(-1.0, 1.0)), cosines),
        "rescaled": rate(rescaled),
    }
    told = f"{int(differing.sum()):,} of {len(texts):,} stored vectors are not what this encoder makes of their texts"
    return report_of(metrics, texts, encoder, settings={"role": role}, warnings=(told,) if differing.any() else ())


def agreeing(A: Vectors, B: Vectors) -> PerItem:
    """(n,) cosine of rows of A and B (n, d); equal rows have 1, zero rows too."""
    cosines: PerItem = np.where((A == B).all(axis=1), 1.0, (unit(A) * unit(B)).sum(axis=1))
    return np.clip(cosines, -1.0, 1.0)
