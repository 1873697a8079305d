"""Retrieval quality and build times on real collections: the figures of the README.

    COSIMO_DATA=... python benchmarks/retrieval.py [--out figures.json]

Metrics are pytrec_eval's (nDCG@10, reciprocal rank, recall@100), means over queries.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytrec_eval

from cosimo import Collection, Space
from cosimo.search import Lexical

DATA = Path(os.environ["COSIMO_DATA"])
DEPTH = 100
MEASURES = {"ndcg_cut_10": "nDCG@10", "recip_rank": "MRR", "recall_100": "recall@100"}


def evaluate(hits, query_ids, qrels):
    run = {
        query: {hit.id: len(row) - rank for rank, hit in enumerate(row)}
        for query, row in zip(query_ids, hits, strict=True)
    }
    scored = pytrec_eval.RelevanceEvaluator(qrels, set(MEASURES)).evaluate(run)
    return {shown: float(np.mean([scored[query][name] for query in qrels])) for name, shown in MEASURES.items()}


def load(name, gain):
    """Documents, query texts, query ids and graded judgements of one collection."""
    docs, queries, judged = (pd.read_parquet(DATA / name / f"{part}.parquet") for part in ("docs", "queries", "qrels"))
    qrels = {}
    for query, doc, grade in zip(judged["query_id"], judged["doc_id"], judged[gain], strict=True):
        qrels.setdefault(str(query), {})[str(doc)] = int(grade)
    # Vaswani's queries are upper case in the source
    return docs.astype({"doc_id": str}), queries["text"].str.lower().tolist(), queries["query_id"].astype(str), qrels


def systems(docs, queries, query_ids, qrels, folder):
    table = {}
    for name in ("minilm", "static", "wordllama"):
        started = time.perf_counter()
        collection = Collection.create(folder / name, Space.load(name))
        collection.add(docs, text="text", id="doc_id")
        built = time.perf_counter() - started
        table[name] = evaluate(collection.search(queries, k=DEPTH), query_ids, qrels) | {"build_s": built}
        table[f"{name} + BM25"] = evaluate(collection.search(queries, k=DEPTH, hybrid=True), query_ids, qrels)
    table["BM25"] = evaluate(collection.search(queries, k=DEPTH, stages=[Lexical()]), query_ids, qrels)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    figures = {}
    for name, gain in (("cranfield", "gain"), ("vaswani", "relevance")):
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = systems(*load(name, gain), Path(folder))
        for system, row in figures[name].items():
            print(f"{name:10} {system:18}", *(f"{key} {value:.3f}" for key, value in row.items()))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
