r"""Truncation share: how many texts are longer than the encoder reads, and how much of them it never sees.

    cut = share of texts with t_i > w        unread = mean of max(0, t_i - w) / t_i

Symbols: t_i -> tokens of text i, w -> the encoder's `window`.
Pitfalls: characters or words counted where the encoder counts tokens; the prompt forgotten, which takes up room
too; a mean length below the window taken as a sign that nothing is cut.
"""

from collections.abc import Sequence

import numpy as np

from cosimo.contracts import Encoder
from cosimo.encode import tally
from cosimo.encode.chunking import Tokenising
from cosimo.measure.probes.of_items import reader_of, report_of, texts_of
from cosimo.statistics import mean_interval, rate_interval
from cosimo.types import Estimate, Report, Role


def truncation_share(encoder: Encoder, items: Sequence[str], *, role: Role = "document") -> Report:
    """How many of n texts lose their end when they are encoded.

    Metrics: the share of texts `cut`; where the encoder says how it reads a text, the mean share of a text's tokens
    that is left `unread`.

    role
        The side whose prompt stands before the texts.

    Raises
    ------
    DataError
        No text, or something that is none.

    >>> from cosimo.encode import FunctionEncoder
    >>> encoder = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> truncation_share(encoder, ["a", "b"]).metrics["cut"].value
    0.0
    """
    texts = texts_of(items, least=1)
    with tally() as seen:
        encoder.encode(texts, role=role)
    n = len(texts)
    metrics = {"cut": Estimate(seen.cut / n, rate_interval(seen.cut, n))}
    reader = reader_of(encoder)
    if isinstance(reader, Tokenising):
        unread = np.zeros(n)
        if seen.cut and reader.window is not None:
            lengths = np.array([len(reader.token_spans(text)) for text in texts])
            unread = np.maximum(lengths - reader.window, 0) / np.maximum(lengths, 1)
        metrics["unread"] = Estimate(float(unread.mean()), mean_interval(unread), unread)
    told = f"{seen.cut:,} of {n:,} texts are longer than {seen.limit} tokens: what comes after is in no vector"
    settings = {"role": role, "limit": seen.limit or None}
    return report_of(metrics, texts, encoder, settings=settings, warnings=(told,) if seen.cut else ())
