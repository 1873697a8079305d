"""Building a collection of 100,000 given vectors with payload against writing the same bytes to a plain SQLite table.

Both write to the same disk, in one transaction for each 2,048 items, with full synchronisation.
"""

import json
import sqlite3
import tempfile
from itertools import count
from pathlib import Path

import numpy as np
from pairs import ratio, report

from cosimo import Collection, Space
from cosimo.collection.intake import BATCH
from cosimo.encode import Precomputed

N, D = 100_000, 384


def main():
    X = np.random.default_rng(0).standard_normal((N, D), dtype=np.float32)
    records = [{"id": f"item-{i}", "title": f"title of item {i}", "year": 1900 + i % 120} for i in range(N)]
    number = count()
    with tempfile.TemporaryDirectory() as folder:

        def ours():
            space = Space(Precomputed(D, name="given"))
            with Collection.create(Path(folder) / f"{next(number)}.cosimo", space, fields={"year": int}) as collection:
                collection.add(records, id="id", text=None, vectors=X)

        def peer():
            with sqlite3.connect(Path(folder) / f"{next(number)}.db", isolation_level=None) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                db.execute("CREATE TABLE items (id TEXT PRIMARY KEY, payload TEXT, vector BLOB)")
                for start in range(0, N, BATCH):
                    rows = zip(records[start : start + BATCH], X[start : start + BATCH], strict=True)
                    db.execute("BEGIN IMMEDIATE")
                    db.executemany(
                        "INSERT INTO items VALUES (?, ?, ?)",
                        ((record["id"], json.dumps(record), vector.tobytes()) for record, vector in rows),
                    )
                    db.execute("COMMIT")
            db.close()

        report({"100,000 vectors with payload": ratio(ours, peer, rounds=3)}, about=__doc__)


if __name__ == "__main__":
    main()
