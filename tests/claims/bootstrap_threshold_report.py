"""Figures that the claims of bootstrap-threshold-report compare."""

from functools import cache

import numpy as np

import data
from cosimo._arrays import unit
from cosimo.decide import retrieval_report
from measure.test_bootstrap_threshold_report import recall

MODELS = ("minilm", "wordllama", "static")


RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0)


@cache
def cranfield():
    """Right documents of each query, and unit vectors {model: (Q, K)}."""
    import pandas as pd

    from cosimo.encode import load_encoder

    folder = data.folder() / "cranfield"
    docs, queries, qrels = (pd.read_parquet(folder / f"{name}.parquet") for name in ("docs", "queries", "qrels"))
    row = {doc: i for i, doc in enumerate(docs.doc_id)}
    judged = qrels[qrels.gain > 0].groupby("query_id").doc_id.apply(lambda ids: sorted(row[doc] for doc in ids))
    kept = queries[queries.query_id.isin(judged.index)]
    encoders = {name: load_encoder(name) for name in MODELS}
    return [judged[query] for query in kept.query_id], {
        name: tuple(unit(e.encode(list(texts)).astype(np.float64)) for texts in (kept.text, docs.text))
        for name, e in encoders.items()
    }


def adapter(Q, K, gold, ridge):
    """(d, d) map that quiets the directions in which queries differ from their right documents."""
    D = np.concatenate([K[one] - q for q, one in zip(Q, gold, strict=True)])
    within = D.T @ D / len(D)
    values, V = np.linalg.eigh(within + ridge * np.trace(within) / len(within) * np.eye(len(within)))
    return V / np.sqrt(values) @ V.T


def adapted(Q, K, gold, rng):
    """The adapter of these queries, its ridge chosen on folds of them."""
    fold = rng.permutation(len(Q)) % 5
    scores = []
    for ridge in RIDGES:
        each = []
        for i in range(5):
            seen, new = np.flatnonzero(fold != i), np.flatnonzero(fold == i)
            W = adapter(Q[seen], K, [gold[j] for j in seen], ridge)
            each.append(recall(Q[new] @ W, K @ W, [gold[j] for j in new]).mean())
        scores.append(np.mean(each))
    return adapter(Q, K, gold, RIDGES[int(np.argmax(scores))])


def without(clouds, found, i):
    """Recall and overlap of every model, without question i."""
    from cosimo.measure.studies.cosine_distributions import overlap

    counts = np.ones(len(found[0]))
    counts[i] = 0
    overlaps = [overlap(correct.density(counts), random.density(counts)) for correct, random in clouds]
    return [np.average(one, weights=counts) for one in found], overlaps


def run(seed):
    """Figures of five models on the queries that no adapter has seen."""
    from claims import pseudo
    from cosimo.measure.studies.cosine_distributions import Cosines
    from cosimo.measure.studies.embedding_clouds import average_cosine, partition_ratio

    gold, vectors = cranfield()
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(gold))
    new, seen = rows[:112], rows[112:]
    models = {name: (Q[new], K) for name, (Q, K) in vectors.items()}
    for name in MODELS[:2]:
        Q, K = vectors[name]
        W = adapted(Q[seen], K, [gold[i] for i in seen], rng)
        models[f"{name} adapted"] = (Q[new] @ W, K @ W)
    right = [gold[i] for i in new]
    reports = {
        name: retrieval_report(Q, K, right, k=[5], metric="recall", seed=seed) for name, (Q, K) in models.items()
    }
    found = {}
    for name, report in reports.items():
        each = 100 * report.metrics["recall@5"].per_item
        found[f"{name}, recall"] = each
        wide = 3.92 / np.sqrt(len(each))  # of as many questions, also where one is left out
        found[f"{name}, width"] = pseudo(lambda x, wide=wide: wide * x.std(ddof=1), each)
        found[f"{name}, interval"] = 100 * np.ptp(
            [report.metrics["recall@5"].interval.low, report.metrics["recall@5"].interval.high]
        )
        found[f"{name}, overlap"] = report.metrics["overlap (correct, random)"].value
        found[f"{name}, partition ratio"] = 100 * partition_ratio(models[name][1])

    owners = [np.repeat(np.arange(len(new)), [len(one) for one in right]), np.repeat(np.arange(len(new)), 20)]
    clouds = [(Cosines(report.correct, owners[0]), Cosines(report.random, owners[1])) for report in reports.values()]
    gains = [report.metrics["recall@5"].per_item for report in reports.values()]
    averages = [average_cosine(K).value for _, K in models.values()]
    ratios = [partition_ratio(K) for _, K in models.values()]

    def correlations(i):
        recalls, overlaps = without(clouds, gains, i)
        return np.array([np.corrcoef(one, recalls)[0, 1] for one in (overlaps, averages, ratios)])

    n, whole = len(new), correlations([])
    leave = np.array([correlations(i) for i in range(n)])

    def units(statistic):
        return n * statistic(whole) - (n - 1) * np.array([statistic(r) for r in leave])

    names = ("overlap", "average cosine", "partition ratio")
    found |= {f"absolute r of {name}": units(lambda r, j=j: abs(r[j])) for j, name in enumerate(names)}
    return found | {"minus r of overlap": units(lambda r: -r[0]), "zero": np.zeros(n)}
