"""What splitting long texts changes: retrieval quality with passages against texts that are cut.

    COSIMO_DATA=... python benchmarks/chunks.py [--out figures.json]

Cranfield as it is (abstracts, a quarter of them longer than the 256 tokens that minilm reads), and in volumes of
eight abstracts, where a volume is as relevant as its most relevant abstract. Metrics as in retrieval.py; `shown` is how
often the passage shown with a relevant volume among the first 10 comes from a relevant abstract, `by chance` the share
of abstracts in those volumes that are relevant.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from retrieval import DEPTH, evaluate, load

from cosimo import Collection, Space

VOLUME = 8
CHUNK = "200/40"


def bound(docs, qrels):
    """Volumes of consecutive documents, their judgements, and the ids and ends of the documents in each."""
    volumes, inside = [], {}
    for start in range(0, len(docs), VOLUME):
        part = docs[start : start + VOLUME]
        volumes.append({"doc_id": str(len(volumes)), "text": "\n\n".join(part["text"])})
        inside[volumes[-1]["doc_id"]] = part["doc_id"].tolist(), np.cumsum(part["text"].str.len() + 2)
    home = {doc: volume for volume, (ids, _) in inside.items() for doc in ids}
    judged = {}
    for query, grades in qrels.items():
        for doc, grade in grades.items():
            best = judged.setdefault(query, {})
            best[home[doc]] = max(grade, best.get(home[doc], 0))
    return pd.DataFrame(volumes), judged, inside


def shown_right(hits, query_ids, qrels, inside):
    """Share of relevant volumes among the first 10 whose passage overlaps a relevant abstract, and that of chance."""
    right, chance = [], []
    for query, found, spans in zip(query_ids, hits, hits.spans, strict=True):
        relevant = {doc for doc, grade in qrels[query].items() if grade > 0}
        for hit, (start, stop) in list(zip(found, spans, strict=False))[:10]:
            ids, ends = inside[hit.id]
            if relevant & {*ids}:
                first, last = np.searchsorted(ends, [start, stop - 1], side="right")
                right.append(bool(relevant & {*ids[first : last + 1]}))
                chance.append(len(relevant & {*ids}) / len(ids))
    return {"shown": float(np.mean(right)), "by chance": float(np.mean(chance))}


def measure(name, corpus, queries, query_ids, qrels, chunk):
    docs, judged, inside = corpus
    with (
        tempfile.TemporaryDirectory() as folder,
        Collection.create(Path(folder) / "c", Space.load(name), chunk=chunk) as collection,
    ):
        report = collection.add(docs, text="text", id="doc_id")
        vectors = sum(len(X) for _, X in collection.vectors())
        hits = collection.search(queries, k=DEPTH)
        hybrid = evaluate(collection.search(queries, k=DEPTH, hybrid=True), query_ids, judged)
    figures = evaluate(hits, query_ids, judged) | {f"hybrid {key}": value for key, value in hybrid.items()}
    if chunk and inside:
        figures |= shown_right(hits, query_ids, qrels, inside)
    return figures | {"items": len(docs), "vectors": vectors, "cut": report.truncated}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    docs, queries, query_ids, qrels = load("cranfield", "gain")
    figures = {}
    for shape, corpus in {"abstracts": (docs, qrels, None), "volumes": bound(docs, qrels)}.items():
        for name in ("minilm", "static"):
            for chunk in (None, CHUNK):
                row = measure(name, corpus, queries, query_ids, qrels, chunk)
                figures[f"{shape}, {name}, {chunk or 'cut'}"] = row
                print(f"{shape:10} {name:8} {chunk or 'cut':8}", *(f"{key} {value:.3f}" for key, value in row.items()))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
