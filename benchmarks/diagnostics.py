"""One pass of diagnostics over a mapped file against reading it and taking one product X^T X, and the peak memory.

    python benchmarks/diagnostics.py [--rows 1000000] [--dim 384] [--rounds 3] [--out diagnostics.json]

Ours is `diagnose` with IsoScore, Uniformity and EffectiveRank over unit vectors in float32; they share moments in
float64 and a sample. "six" adds Norms, OutlierDimensions and Isotropy without TwoNN. The peer reads the same file in
the same blocks and adds up X^T X, in float64 as ours and `np.cov` do, and in float32 as fast as BLAS goes.

Each work runs in a child of its own, in turn, so that its peak resident memory (all mapped pages that are held count)
is its own; a child times its work from after the imports, by the wall and by the CPU.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

BLOCK = 1365


def blocks(X):
    return (X[start : start + BLOCK] for start in range(0, len(X), BLOCK))


def product(path, dtype):
    """What any covariance costs: every byte read once, and one product."""
    X = np.load(path, mmap_mode="r")
    total = np.zeros((X.shape[1], X.shape[1]), dtype)
    for block in blocks(X):
        rows = block.astype(dtype)
        total += rows.T @ rows
    return {"trace": float(np.trace(total))}


def ours(path, chosen):
    from cosimo.measure import EffectiveRank, IsoScore, Isotropy, Norms, OutlierDimensions, Uniformity, diagnose

    diagnostics = {
        "three": [IsoScore(), Uniformity(), EffectiveRank()],
        "six": [
            IsoScore(),
            Uniformity(),
            EffectiveRank(),
            Norms(),
            OutlierDimensions(),
            Isotropy(("average_cosine", "partition", "variance_explained")),
        ],
    }[chosen]
    reports = diagnose(np.load(path, mmap_mode="r"), diagnostics)
    return {name: estimate.value for report in reports[:3] for name, estimate in report.metrics.items()}


WORKS = {
    "product, float32": lambda path: product(path, np.float32),
    "product, float64": lambda path: product(path, np.float64),
    "three": lambda path: ours(path, "three"),
    "six": lambda path: ours(path, "six"),
}


def child(path, work):
    import cosimo.measure.vectors.diagnosing  # noqa: F401 - imports are not timed

    started, busy = time.perf_counter(), time.process_time()
    told = write(path, *map(int, work.split()[1:])) if work.startswith("write") else WORKS[work](path)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": seconds, "cpu_s": cpu, "peak_mib": peak, "told": told}))


def run(path, work):
    command = [sys.executable, __file__, "--child", str(path), "--work", work]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def write(path, rows, dim):
    """Unit vectors of falling variance around an offset, as texts make them."""
    rng = np.random.default_rng(0)
    scale = 1 / np.sqrt(np.arange(1, dim + 1, dtype=np.float32))
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, dim))
    for start in range(0, rows, 50_000):
        Y = rng.standard_normal((min(50_000, rows - start), dim), dtype=np.float32) * scale + 0.1
        X[start : start + len(Y)] = Y / np.linalg.norm(Y, axis=1, keepdims=True)
    X.flush()
    return {}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.work)
        return
    found = {work: [] for work in WORKS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        run(path, f"write {arguments.rows} {arguments.dim}")  # in a child: its pages would count as this process's
        for _ in range(arguments.rounds):
            for work in WORKS:
                found[work].append(run(path, work))
    figures = {"machine": f"{platform.machine()}, Python {platform.python_version()}", "rows": arguments.rows}
    for work, runs in found.items():
        figures[work] = {"s": [round(run["s"], 2) for run in runs], "cpu_s": [round(run["cpu_s"], 2) for run in runs]}
        for peer in ("product, float32", "product, float64"):
            for clock in ("s", "cpu_s"):
                ratios = sorted(mine[clock] / theirs[clock] for mine, theirs in zip(runs, found[peer], strict=True))
                figures[work][f"{clock} over {peer}"] = [
                    round(ratio, 2) for ratio in (ratios[0], median(ratios), ratios[-1])
                ]
        figures[work] |= {
            "peak_mib": round(max(run["peak_mib"] for run in runs), 1),
            "told": runs[0]["told"],
        }
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
