"""Figures that the claims of mteb compare."""

import sys
from functools import cache
from pathlib import Path

import numpy as np

import data
from cosimo.encode import FunctionEncoder
from cosimo.measure import evaluate


def few_tasks(data):
    """One task of each type, small enough for a minute."""
    from cosimo.measure import load_suite

    wanted = {
        "sts": "STS-B",
        "pairs": "MRPC",
        "reranking": "TREC-QA",
        "classification": "TREC",
        "clustering": "AG-News",
        "retrieval": "Cranfield",
        "multilingual": "Tatoeba/deu",
    }
    return [task for suite, name in wanted.items() for task in load_suite(suite, data=data) if task.name == name]


def lsa(tasks):
    """Words weighted by rarity, in 256 dimensions fitted on all texts of the tasks."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    texts = sorted(
        {
            text
            for task in tasks
            for text in texts_in(
                task.content if task.name != "Cranfield" else [list(task.corpus.values()), list(task.queries.values())]
            )
        }
    )
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), TruncatedSVD(256, random_state=0)).fit(texts)
    return FunctionEncoder(lambda batch: model.transform(batch).astype(np.float32), name="lsa", dim=256)


def texts_in(content):
    match content:
        case str():
            yield content
        case dict():
            for key, value in content.items():
                yield from (*texts_in(key), *texts_in(value))
        case list():
            for value in content:
                yield from texts_in(value)


EXACT = ("STS", "PairClassification", "Retrieval", "Reranking", "Bitext")
"""Types of tasks in which nothing is drawn at random."""


@cache
def parity():
    """Type of task -> the largest difference between mteb's numbers and ours, minilm on tasks of mteb's own."""
    from cosimo import Space

    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import mteb_parity

    space = Space.load("minilm")
    return {
        kind: max(
            abs(m["difference"]) for m in mteb_parity.compared(space, mteb_parity.CASES[kind]())["metrics"].values()
        )
        for kind in (*EXACT, "Classification", "Clustering")
    }


def run(seed):
    """Four systems on one task of each type, and how far from mteb one of them is, which no seed changes."""
    from cosimo import Space

    tasks = few_tasks(data.folder())
    systems = {name: Space.load(name) for name in ("minilm", "static", "wordllama")} | {"lsa": lsa(tasks)}
    found = evaluate(systems, tasks, seed=seed).standings()
    values = dict(zip(found.systems, found.values, strict=True))
    won = found.values.argmax(axis=0) == 0  # systems come by their means
    apart = parity()
    return values | {
        "types won by another": float(1 - won.mean()),
        "none": 0.0,
        "points from mteb, no draws": -100 * max(apart[kind] for kind in EXACT),
        "points from mteb, classification": -100 * apart["Classification"],
        "points from mteb, clustering": -100 * apart["Clustering"],
    }
