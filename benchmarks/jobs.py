"""Duplicates and matching: how right cuts and calibrated rules are on Abt-Buy and DBLP-ACM, and how long it takes.

    COSIMO_DATA=... python benchmarks/jobs.py [--space minilm] [--size 30000] [--times] [--out jobs.json]

Matches are the labelled ones of the benchmark; a pair it does not list counts as wrong. Time is that of finding
near-duplicates among texts of all the data sets, encoded beforehand with a small static model. The peer is the k
nearest neighbours of faiss.IndexFlatIP on all threads, which is the search alone.
"""

import argparse
import json
import os
import random
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import pyarrow
import pyarrow.parquet as parquet
from memory import anonymous
from pairs import ratio

from cosimo import Labels, Space
from cosimo.apply import Texts, find_duplicates, match
from cosimo.errors import Refused
from cosimo.files.records import read_records
from cosimo.rules.sampling import node_disjoint

TABLES = {"abt_buy": ("name",), "dblp_acm": ("title", "authors")}
CUTS = (0.6, 0.7, 0.8, 0.9)
TARGETS = (0.9, 0.8, 0.7)
DRAWS = 20
K = 10


def read(data, name):
    """Texts of both sides, and the pairs that match."""
    table = parquet.read_table(data / "entity_matching" / f"{name}.parquet").to_pylist()
    pairs = [tuple(" ".join(row[f"{side}_{column}"] for column in TABLES[name]) for side in ("left", "right"))
             for row in table]  # fmt: skip
    return *(sorted({pair[side] for pair in pairs}) for side in (0, 1)), {
        pair for pair, row in zip(pairs, table, strict=True) if row["label"]
    }


def figures(found, true):
    pairs = [(found.left.texts[i], found.right.texts[j]) for i, j in found.rows.tolist()]
    right = len(set(pairs) & true)
    return {"matches": len(pairs), "precision": right / max(len(pairs), 1), "recall": right / len(true)}


def yields(space, data, name):
    left, right, true = read(data, name)
    sides = [Texts(texts, vectors=space.encode(texts)) for texts in (left, right)]
    rows = {"left": len(left), "right": len(right), "true": len(true), "cuts": {}, "rules": {}}
    for cut in CUTS:
        both = [match(space, *sides, min_score=cut, one_to_one=alone) for alone in (False, True)]
        rows["cuts"][cut] = {"all": figures(both[0], true), "one to one": figures(both[1], true)}
    candidates = match(space, *sides, min_score=CUTS[1])
    rows["drawn alike"] = drawn_alike(candidates, true)
    for target in TARGETS:
        made = [certified(space, sides, candidates, true, target, seed) for seed in range(DRAWS)]
        kept = [row for row in made if row is not None]
        rows["rules"][target] = {
            "draws": DRAWS,
            "certified": len(kept),
            "broken": sum(row["precision"] < target for row in kept),
            "precision": float(np.median([row["precision"] for row in kept])) if kept else None,
            "recall": float(np.median([row["recall"] for row in kept])) if kept else None,
        }
    return rows


def drawn_alike(candidates, true):
    """Share of matches among all candidates, and among pairs without common items drawn in any order."""
    a, b = candidates.pairs.a.tolist(), candidates.pairs.b.tolist()
    y = np.array([(candidates.left.texts[i], candidates.right.texts[j]) in true for i, j in zip(a, b, strict=True)])
    drawn = node_disjoint([(0, i) for i in a], [(1, j) for j in b])
    return {"all candidates": y.mean(), "drawn": y[drawn].mean()}


def certified(space, sides, candidates, true, target, seed):
    """All candidates judged by a rule made from labels of one draw; None where it was refused."""
    with tempfile.TemporaryDirectory() as folder:
        candidates.write_to_label(Path(folder, "pairs.csv"), seed=seed)
        rows = [dict(record.values) for record in read_records(Path(folder, "pairs.csv"))]
    labels = [row | {"label": int((row["a"], row["b"]) in true)} for row in rows]
    try:
        rule = space.calibrate(Labels(labels, sampled="natural", clusters="a_id"), precision=target, look=1)
    except Refused:
        return None
    return figures(match(space, *sides, rule=rule), true)


def corpus(data, n):
    """N distinct texts of 12 characters or more from all tables, in random order."""
    texts = {}
    for path in sorted(data.glob("*/*.parquet")):
        table = parquet.read_table(path)
        for column in table.schema.names:
            kind = table.schema.field(column).type
            if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
                texts.update(dict.fromkeys(text for text in table.column(column).to_pylist() if text and text[11:]))
    chosen = list(texts)
    random.Random(0).shuffle(chosen)
    return chosen[:n]


def times(space, data, n):
    texts = corpus(data, n)
    with tempfile.TemporaryDirectory() as folder:
        given = Texts(texts, vectors=space.encode(texts, out=Path(folder, "x.npy")))
        rows = {"texts": len(texts), "dimensions": space.dim}
        rows["mib"] = grown(lambda: find_duplicates(space, given, min_score=0.9, k=K))
        peer = neighbours(given)
        for cut in (0.9, -1.0):
            rows[f"at {cut}"] = ratio(
                partial(find_duplicates, space, given, min_score=cut, k=K), peer, rounds=3, warm=0
            )
    return rows


def neighbours(given):
    """The peer's search, its index made beforehand."""
    X = np.asarray(given.vectors) / np.linalg.norm(given.vectors, axis=1, keepdims=True).clip(1e-9)
    index = faiss.IndexFlatIP(X.shape[1])
    index.add(X)
    return lambda: index.search(X, K + 1)


def grown(work):
    """MiB of anonymous memory that `work` takes at its peak beyond what there was before."""
    before, peak, done = anonymous(os.getpid()), [0.0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], anonymous(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return round(peak[0] - before, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="minilm")
    parser.add_argument("--size", type=int, default=30_000)
    parser.add_argument("--times", action="store_true", help="measure nothing else")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = Path(os.environ["COSIMO_DATA"])
    started = time.perf_counter()
    space, static = Space.load(arguments.space), Space.load("static")
    space.encode(["a text"]), static.encode(["a text"])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COSIMO_HOME"] = folder  # a ledger that is nobody's own
        found = {"space": arguments.space, "times": times(static, data, arguments.size)}
        if not arguments.times:
            found |= {name: yields(space, data, name) for name in TABLES}
    found["s"] = round(time.perf_counter() - started)
    print(json.dumps(found, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
