"""Filtered search through Collection.search(where=...): recall@10, missing hits and time, against FAISS's own filters.

    COSIMO_DATA=... python benchmarks/filters.py --vectors vectors.npz [--out figures.json]

Two corpora: 19,029 texts (AG News and Vaswani) by minilm, whose vectors are kept in the file given, with titles and
questions as queries; and 100,000 synthetic vectors of low rank. A filter passes a share of all items: at random, the
nearest to the query, or the farthest from it. The truth is a scan of what passes. FAISS searches the same graph and
lists, with the same effort and its own selector.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np
import pandas as pd

from cosimo import Collection, Space
from cosimo._arrays import unit
from cosimo.encode import Precomputed
from cosimo.search import HnswIndex
from cosimo.search.caches.index_cache import IndexCache

DATA = Path(os.environ.get("COSIMO_DATA", "."))
K, ANCHORS, RANK, D = 10, 20, 48, 384
SHARES = (0.5, 0.1, 0.01, 0.001)


def texts(path):
    """Vectors of texts and of queries, encoded when the file is not there."""
    if not path.is_file():
        space = Space.load("minilm")
        news = pd.read_parquet(DATA / "ag_news" / "ag_news.parquet")
        papers, questions = (pd.read_parquet(DATA / "vaswani" / f"{part}.parquet") for part in ("docs", "queries"))
        X = space.encode([*news["text"], *papers["text"]], role="document")
        Q = space.encode([*news["title"][:: len(news) // 100], *questions["text"].str.lower()], role="query")
        np.savez(path, X=X, Q=Q)
    loaded = np.load(path)
    return loaded["X"], loaded["Q"]


def low_rank(n=100_000, queries=200):
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((RANK, D)) / np.sqrt(np.arange(1, RANK + 1))[:, None]
    X = unit((rng.standard_normal((n + queries, RANK)) @ basis).astype(np.float32))
    return X[:n], X[n:]


def filters(X, Q):
    """(how, share) to a list of (query, where, mask)."""
    n, rng = len(X), np.random.default_rng(1)
    fields = {"chance": rng.permutation(n)}
    fields |= {f"rank{i}": np.argsort(np.argsort(-(X @ Q[i]))) for i in range(ANCHORS)}
    table = {("none", 1.0): [(i, None, np.ones(n, np.bool_)) for i in range(len(Q))]}
    for share in SHARES:
        count = round(n * share)
        mask = fields["chance"] < count
        table["random", share] = [(i, f"chance < {count}", mask) for i in range(len(Q))]
        near = [(i, f"rank{i} < {count}", fields[f"rank{i}"] < count) for i in range(ANCHORS)]
        far = [(i, f"rank{i} >= {n - count}", fields[f"rank{i}"] >= n - count) for i in range(ANCHORS)]
        table["nearest", share], table["farthest", share] = near, far
    return fields, table


def collection_of(path, X, fields):
    made = Collection.create(path, Space(Precomputed(D, name="benchmark")), fields=dict.fromkeys(fields, int))
    names, columns = list(fields), np.column_stack(list(fields.values())).tolist()
    records = [{"id": str(i), **dict(zip(names, row, strict=True))} for i, row in enumerate(columns)]
    made.add(records, id="id", text=None, vectors=X)
    return made


def ours(collection, Q, cells):
    """Scores (n, K) of the hits, and milliseconds a query; one query at a time, as users ask."""
    collection.search(Q[:1], K, where=cells[0][1])
    scores, taken = np.full((len(cells), K), -np.inf, np.float32), []
    for row, (i, where, _) in enumerate(cells):
        started = time.perf_counter()
        hits = collection.search(Q[i : i + 1], K, where=where)
        taken.append(time.perf_counter() - started)
        scores[row, : hits.scores.shape[1]] = hits.scores[0]
    return scores, taken


def theirs(index, X, Q, cells, parameters):
    scores, taken = np.full((len(cells), K), -np.inf, np.float32), []
    for row, (i, _, mask) in enumerate(cells):
        bits = np.packbits(mask, bitorder="little")
        started = time.perf_counter()
        found = index.search(Q[i : i + 1], K, params=parameters(sel=faiss.IDSelectorBitmap(bits)))[1][0]
        taken.append(time.perf_counter() - started)
        found = found[found >= 0]
        scores[row, : len(found)] = np.einsum("kd,d->k", X[found], Q[i])
    return scores, taken


def figures_of(scores, taken, truth):
    shares = (scores >= truth[:, -1:] - 1e-6).mean(axis=1)
    return {
        "recall": round(float(shares.mean()), 4),
        "lowest": round(float(shares.min()), 2),
        "missing_hits": round(float(np.isneginf(scores).mean()), 4),
        "ms": round(1e3 * float(np.median(taken)), 2),
        "queries": len(shares),
    }


def faiss_of(collection):
    """The FAISS index inside the collection's, and its parameters for a selector at the same effort."""
    view = collection._view
    index = IndexCache.open(view.directory, view.store, view.kind, view.similarity).index
    found = index._found.index
    if isinstance(index, HnswIndex):
        return found, lambda sel: faiss.SearchParametersHNSW(sel=sel, efSearch=index.search_effort)
    return found, lambda sel: faiss.SearchParametersIVF(sel=sel, nprobe=max(16, found.nlist // 8))


def measured(X, Q, folder):
    fields, table = filters(X, Q)
    truth = {cell: np.stack([np.sort(X[mask] @ Q[i])[::-1][:K] for i, _, mask in rows]) for cell, rows in table.items()}
    figures = {" ".join(map(str, cell)): {} for cell in table}
    built = {}
    with collection_of(folder, X, fields) as collection:
        for kind in (None, "ivf", "hnsw"):
            report = collection.index(kind, queries=Q)
            if report:
                built[kind] = {"seconds": round(report.seconds, 1), "bytes": report.bytes}
                built[kind] |= {"recall": report.recall.mean, "recall_of_queries": report.recall_of_queries.mean}
            for cell, rows in table.items():
                figure = figures[" ".join(map(str, cell))]
                figure[kind or "exact"] = figures_of(*ours(collection, Q, rows), truth[cell])
                if kind:
                    index, parameters = faiss_of(collection)
                    answer = theirs(index, X, Q, rows, parameters)
                    figure[f"FAISS {kind}"] = figures_of(*answer, truth[cell])
    return {"indexes": built, "filters": figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    figures = {}
    for name, (X, Q) in {"19,029 texts": texts(arguments.vectors), "100,000 of low rank": low_rank()}.items():
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = measured(unit(X), unit(Q), Path(folder) / "filters.cosimo")
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
