r"""Prompt check: were vectors made with the prompt that the model wants for their side of the search?

    astray: the vector is closer to the text encoded for another role than to that for its own role
    doubled: the text itself begins with one of the model's prompts, so that it is read twice

Symbols: roles -> query, document, none.
Pitfalls: models that put words before a query ("query: ", an instruction) used without them, or with those of
the other side: everything runs, every vector looks like a vector, and only the answers are worse.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cosimo.contracts import Encoder
from cosimo.measure.probes.of_items import rate, reader_of, report_of, texts_of, vectors_of
from cosimo.measure.probes.stored_agreement import agreeing
from cosimo.statistics import mean_interval
from cosimo.types import Estimate, Report, Role, Vectors

ROLES: tuple[Role | None, ...] = ("document", "query", None)
CLOSER = 1e-4
"""Cosine by which another role must be closer."""


def prompt_check(encoder: Encoder, items: Sequence[str], vectors: Vectors, *, role: Role = "document") -> Report:
    """Whether the vectors (n, d) of n texts were made for the role they play.

    Metrics: the shares of texts `astray` and `doubled`, the mean cosine of their vectors with those made as `document`,
    as `query`, and without a role (`none`), and whether the roles `differ` at all: the mean cosine of the two sides
    taken from 1. Where they do not, no prompt can be missing.

    Raises
    ------
    DataError
        No text, or something that is none.
    ShapeError
        Not one vector a text, or of other dimensions than the encoder's.

    >>> from cosimo.encode import FunctionEncoder
    >>> encoder = FunctionEncoder(lambda texts: [[len(t), -1] for t in texts], query=lambda ts: [[9, 1]] * len(ts))
    >>> report = prompt_check(encoder, ["a", "abc"], np.array([[1.0, -1.0], [9.0, 1.0]]))
    >>> report.metrics["astray"].value, round(report.metrics["differ"].value, 2)
    (0.5, 0.23)
    """
    texts = texts_of(items, least=1)
    X = vectors_of(encoder, texts, vectors).astype(np.float64)
    made = {other: vectors_of(encoder, texts, role=other).astype(np.float64) for other in ROLES}
    cosines = {other: agreeing(X, fresh) for other, fresh in made.items()}
    others = [other for other in ROLES if other != role]
    best = np.max([cosines[other] for other in others], axis=0)
    astray = (best > cosines[role] + CLOSER).astype(np.float64)
    prompts = prompts_of(encoder)
    doubled = np.array([bool(prompts) and text.startswith(prompts) for text in texts], np.float64)
    metrics = {"astray": rate(astray), "doubled": rate(doubled)}
    metrics |= {
        other or "none": Estimate(float(values.mean()), mean_interval(values, bounds=(-1.0, 1.0)), values)
        for other, values in cosines.items()
    }
    metrics["differ"] = Estimate(float(1 - agreeing(made["document"], made["query"]).mean()))
    told = []
    if astray.any():
        wrong = max(others, key=lambda other: float(cosines[other][astray > 0].mean()))
        how = f"as a {wrong}" if wrong else "without a prompt"
        told.append(f"{int(astray.sum()):,} of {len(texts):,} vectors look made {how}, not as a {role}")
    if doubled.any():
        told.append(f"{int(doubled.sum()):,} of {len(texts):,} texts begin with a prompt that the model adds by itself")
    return report_of(metrics, texts, encoder, settings={"role": role}, warnings=tuple(told))


def prompts_of(encoder: Any) -> tuple[str, ...]:
    """What the model puts before texts, as far as it says so."""
    facts: Any = reader_of(encoder).passport.facts.get("prompts") or {}
    return tuple(text for text in facts.values() if text and text.strip())
