"""A cold process opens a built collection of 100,000 items and answers one query: seconds and peak memory.

The peer is a process that only imports sentence_transformers. Both are whole processes, in turn; modules are compiled,
as they are in every installed package.
"""

import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pairs import ratio, report

from cosimo import Collection, Space

N = 100_000


def build(path):
    space = Space.load("minilm")
    X = np.random.default_rng(0).standard_normal((N, space.dim), dtype=np.float32)
    with Collection.create(path, space) as collection:
        collection.add([{"id": str(i), "title": f"item {i}"} for i in range(N)], id="id", text=None, vectors=X)


def environment():
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def peak_mb(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return round(usage.ru_maxrss / 1024)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.cosimo"
        # By a process of its own: a child's peak counts what its parent held when it was started.
        builder = get_context("spawn").Process(target=build, args=(path,))
        builder.start()
        builder.join()
        ours = [str(Path(sys.executable).with_name("cosimo")), "search", str(path), "a question", "-k", "5"]
        peer = [sys.executable, "-c", "import sentence_transformers"]

        def run(command):
            return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())

        figures = ratio(run(ours), run(peer), rounds=5)
        memory = {"ours_mb": peak_mb(ours), "peer_mb": peak_mb(peer)}
        report({"one answer, cold": figures | memory}, about=__doc__)


if __name__ == "__main__":
    main()
