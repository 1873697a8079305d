"""Do questions made of items' own words say of a remedy what judged queries say of it?"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cosimo import Space
from cosimo.doctor.job import Job, deal
from cosimo.doctor.looking import SAMPLE, look
from cosimo.doctor.remedies import remedies
from cosimo.doctor.subject import subject_of
from cosimo.encode import tally
from cosimo.statistics import compare_paired
from promises.defects import Patient, Remembered

ITEMS = (
    "truncation_share", "length_bias", "frequency_bias", "noise_robustness", "batch_sensitivity", "int8_sensitivity",
    "dimension_sensitivity",
)  # fmt: skip
"""What need not be looked at to deal the parts."""


def judged(name: str) -> tuple[list[str], list[str], np.ndarray]:
    """Documents, queries that have a relevant one, and which those are (m, n)."""
    data = Path(os.environ["COSIMO_DATA"]) / name
    documents, queries, qrels = (pd.read_parquet(data / f"{part}.parquet") for part in ("docs", "queries", "qrels"))
    grade = "gain" if "gain" in qrels else "relevance"
    columns = {str(key): i for i, key in enumerate(documents["doc_id"])}
    rows = {str(key): i for i, key in enumerate(queries["query_id"])}
    right = np.zeros((len(rows), len(columns)), bool)
    for query, document, gain in qrels[["query_id", "doc_id", grade]].itertuples(index=False):
        if gain > 0 and str(query) in rows and str(document) in columns:
            right[rows[str(query)], columns[str(document)]] = True
    kept = right.any(axis=1)
    # Vaswani's queries are in capitals, which some encoders do not read as the same words.
    asked = [text.lower() for text, good in zip(queries["text"], kept, strict=True) if good]
    return documents["text"].tolist(), asked, right[kept]


def effects(healthy: Remembered, name: str, seed: int = 0) -> Iterator[dict]:
    """Of each remedy, its gain on questions of own words and on the judged queries, after learning the same."""
    texts, asked, right = judged(name)
    space = Space(Patient(healthy))
    with tally():
        X, Q = space.encode(texts), space.encode(asked)
    known = Job(Q, X, right, space.similarity_function, np.arange(len(X)), own=False)
    parts = deal(look(subject_of(space, texts, size=SAMPLE, seed=seed), skip=ITEMS, seed=seed), None, seed=seed)
    for remedy in remedies("directions", replace(parts.learn, own=False)):
        own = [(remedy.ranks(parts.learn, job), job.before) for job in (parts.choose, parts.measure)]
        row = {"corpus": name, "encoder": healthy.name, "remedy": remedy.name}
        both = {
            "own": tuple(np.concatenate(side) for side in zip(*own, strict=True)),
            "judged": (remedy.ranks(parts.learn, known), known.before),
        }
        for kind, (after, before) in both.items():
            found = compare_paired(after, before)
            ends = (found.interval.low, found.interval.high)
            row[kind] = [round(float(value), 4) for value in (found.difference, *ends)]
            row[f"{kind} before"] = round(float(before.mean()), 3)
        yield row


def table(rows: list[dict]) -> str:
    """For docs/doctor.md."""
    lines = ["| corpus | encoder | remedy | own words | judged queries |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        shown = [f"{value:+.3f} ({low:+.3f} to {high:+.3f})" for value, low, high in (row["own"], row["judged"])]
        lines.append(f"| {row['corpus'].capitalize()} | {row['encoder']} | {row['remedy']} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"
