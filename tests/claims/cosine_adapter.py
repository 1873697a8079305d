"""Figures that the claims of cosine-adapter compare."""

from functools import cache

import numpy as np

import data
from cosimo.decide import CosineAdapter, Platt
from decide.test_cosine_adapter import FOLDS, at_recall, average_precision, precision_units


@cache
def vectors(name):
    """Queries (n, d) and first results: cosines and gains, both (n, k), best first."""
    import pandas as pd

    from cosimo.encode import load_encoder

    folder, encoder = data.folder(), load_encoder("minilm")
    if name == "cranfield":
        docs, asked, qrels = (
            pd.read_parquet(folder / "cranfield" / f"{part}.parquet") for part in ("docs", "queries", "qrels")
        )
        texts, names, k = list(asked.text), list(docs.text), 100
        gains = qrels.pivot_table(index="query_id", columns="doc_id", values="gain", fill_value=0)
        gains = gains.reindex(index=asked.query_id, columns=docs.doc_id, fill_value=0).to_numpy()
    else:
        table = data.parquet("banking77", "banking77").query("split == 'test'")
        table = table.sample(1000, random_state=0)
        intents = sorted(set(table.label))
        texts, names, k = list(table.text), [intent.replace("_", " ") for intent in intents], 10
        gains = (table.label.to_numpy()[:, None] == np.array(intents)).astype(float)
    Q, K = (X / np.linalg.norm(X, axis=1, keepdims=True) for X in (encoder.encode(texts), encoder.encode(names)))
    first = np.argsort(-(Q @ K.T), axis=1, kind="stable")[:, :k]
    return Q, np.take_along_axis(Q @ K.T, first, axis=1), np.take_along_axis(gains, first, axis=1)


def cross_validated(make, Q, S, y, seed):
    """(n, k) probabilities of queries that the decider has not seen."""
    k, fold = S.shape[1], np.random.default_rng(seed).permutation(len(S)) % FOLDS
    P = np.empty(S.shape)
    for i in range(FOLDS):
        seen, new = ({"query": np.repeat(Q[mask], k, axis=0)} for mask in (fold != i, fold == i))
        decider = make(seed).fit(S[fold != i].ravel(), y[fold != i].ravel(), context=seen)
        P[fold == i] = decider.probability(S[fold == i].ravel(), context=new).reshape(-1, k)
    return P


def ndcg(P, gains):
    """(n,) nDCG@10 x 100 of first results (n, k) when ranked by P; equal ones stay in place."""
    discount = 1 / np.log2(np.arange(2, 12))
    best = np.sort(gains, axis=1)[:, ::-1][:, :10] @ discount[: gains.shape[1]]
    ranked = np.take_along_axis(gains, np.argsort(-P, axis=1, kind="stable"), axis=1)[:, :10]
    return 100 * np.divide(ranked @ discount[: gains.shape[1]], best, out=np.zeros(len(P)), where=best > 0)


def figures(P, gains):
    """{figure: (n,) one a query} of probabilities, or of any scores, of first results (n, k)."""
    from claims import pseudo

    y, rows = gains > 0, np.arange(len(P))
    cut = at_recall(P.ravel(), y.ravel())[1]
    return {
        "": pseudo(lambda i: average_precision(P[i].ravel(), y[i].ravel()), rows),
        ", precision": precision_units(P, y),
        ", answered": 100.0 * (cut <= P).any(axis=1),
        ", ndcg": ndcg(P, gains),
    }


@cache
def unlearned(source):
    """Figures of what learns nothing."""
    _, S, gains = vectors(source)
    low, high = S[:, -1:], S[:, :1]
    rank = np.broadcast_to(-np.arange(S.shape[1], dtype=float), S.shape)
    return {
        "cosine": figures(S, gains),
        "min-max": figures((S - low) / (high - low), gains),
        "top-k": figures(rank, gains),
    }


def run(seed):
    """Figures of every system on both sets, one a query."""
    found = {}
    for source in ("cranfield", "banking77"):
        Q, S, gains = vectors(source)
        adapter = cross_validated(lambda s: CosineAdapter(seed=s), Q, S, gains > 0, seed)
        platt = cross_validated(lambda s: Platt(), Q, S, gains > 0, seed)
        systems = {"adapter": figures(adapter, gains), "platt": figures(platt, gains)} | unlearned(source)
        found |= {f"{source} {name}{figure}": values for name, own in systems.items() for figure, values in own.items()}
    return found
