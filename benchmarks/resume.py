"""What the cache of vectors saves: builds with and without it, and one that is killed half-way and run again.

    python benchmarks/resume.py [--space minilm] [--size 8000] [--repeats 3] [--out resume.json]

Seconds of whole `cosimo build` processes, interleaved in each repeat; `killed` is SIGKILL after half the time of a
first build, `again` the same command afterwards. The cache folder is a fresh one in each repeat.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from memory import texts

from cosimo import Collection


def build(corpus, into, space, *more, after=None):
    """Seconds of a build, killed `after` some where given."""
    command = [
        Path(sys.executable).with_name("cosimo"),
        "build",
        corpus,
        "--id",
        "id",
        "--space",
        space,
        "--into",
        into,
    ]
    started = time.perf_counter()
    with subprocess.Popen([*command, *more], stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    if after is None and process.returncode:
        sys.exit(f"the build ended with {process.returncode}")
    return time.perf_counter() - started


def vectors(path):
    with Collection.open(path, mode="r") as collection:
        return np.concatenate([X for _, X in collection.vectors()])


def repeat(corpus, space):
    """Seconds by kind of build, and whether all of them stored the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        os.environ["XDG_CACHE_HOME"] = str(at / "cache")
        build(corpus, at / "warm", space, "--no-cache")  # the model's graph, and the file cache of the system
        row = {"no cache": build(corpus, at / "none", space, "--no-cache")}
        row["first"] = build(corpus, at / "first", space)
        row["repeated"] = build(corpus, at / "repeated", space)
        shutil.rmtree(at / "cache" / "cosimo" / "embeddings")
        row["killed"] = build(corpus, at / "killed", space, after=row["first"] / 2)
        row["again"] = build(corpus, at / "killed", space)
        X = vectors(at / "none")
        same = all(np.array_equal(X, vectors(at / name)) for name in ("first", "repeated", "killed"))
        return row, same


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="minilm")
    parser.add_argument("--size", type=int, default=8_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.csv"
        corpus.write_text("id,text\n" + "".join(f"{i},{text} {i}\n" for i, text in enumerate(texts(arguments.size))))
        done = [repeat(corpus, arguments.space) for _ in range(arguments.repeats)]
    ratios = {
        f"{name} / no cache": [row[name] / row["no cache"] for row, _ in done]
        for name in ("first", "repeated", "again")
    }
    for name, values in ratios.items():
        print(f"{name:22} {statistics.median(values):.2f}  ({min(values):.2f} to {max(values):.2f})")
    print("the same bytes:", all(same for _, same in done))
    if arguments.out:
        seconds = [{name: round(value, 2) for name, value in row.items()} for row, _ in done]
        same = all(same for _, same in done)
        figures = {"space": arguments.space, "size": arguments.size, "seconds": seconds, "same_bytes": same}
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
