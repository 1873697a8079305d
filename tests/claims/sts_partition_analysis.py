"""Figures that the claims of sts-partition-analysis compare."""

from functools import cache

import numpy as np
from scipy.stats import spearmanr

import data
from cosimo.encode import EnsembleEncoder
from cosimo.measure import STS, sts_by_partition

YEARS = (2012, 2013, 2016)


def macro_pseudo(report, system, partition, scores, y):
    """(n,) jackknife pseudo-values x 100 of the mean over cells of Spearman's correlation."""
    cells = [cell.rows for cell in report.cells if cell.partition == partition]
    n = sum(map(len, cells))
    found = np.empty(len(y))
    whole = [spearmanr(scores[system][rows], y[rows]).statistic for rows in cells]
    for rows, rho in zip(cells, whole, strict=True):
        s, gold = scores[system][rows], y[rows]
        left_out = [spearmanr(np.delete(s, i), np.delete(gold, i)).statistic for i in range(len(rows))]
        found[rows] = np.mean(whole) + (n - 1) / len(cells) * (rho - np.array(left_out))
    return 100 * found


@cache
def measured():
    """Correlations of every system over cells, and in how many cells each of two parents is the better one."""
    import pandas as pd

    from cosimo.encode import load_encoder
    from cosimo.measure.tasks.pairing import score_pairs
    from cosimo.space import Space

    folder = data.folder() / "sts"
    table = pd.concat([pd.read_parquet(folder / f"sts{year}.parquet") for year in YEARS], ignore_index=True)
    source = [f"{year} {subset}" for year, subset in zip(table.year, table.subset, strict=True)]
    task = STS(list(table.sentence1), list(table.sentence2), table.score.tolist())
    minilm, static, wordllama = map(load_encoder, ("minilm", "static", "wordllama"))
    systems = {
        "minilm": minilm,
        "static": static,
        "wordllama": wordllama,
        "mean of static and wordllama": EnsembleEncoder([static, wordllama]),
        "minilm and wordllama side by side": EnsembleEncoder([minilm, wordllama], how="concat"),
    }
    report = sts_by_partition(systems, task, source=source)
    scores = {name: score_pairs(Space(system), task.a, task.b) for name, system in systems.items()}
    y = np.array(task.scores)
    found = {
        f"{name}, by {partition}": macro_pseudo(report, name, partition, scores, y)
        for name in systems
        for partition in ("source", "dice")
    }
    found["none"] = 0.0
    for a, b in (("static", "wordllama"), ("minilm", "wordllama")):
        parts = [(cell.comparisons[a, b].difference, cell.p_adjusted[a, b] <= 0.05) for cell in report.cells[1:]]
        for winner, other, sign in ((a, b, 1), (b, a, -1)):
            ahead = [sure for difference, sure in parts if sign * difference > 0]
            found[f"cells, {winner} ahead of {other}"] = float(len(ahead))
            found[f"cells, {winner} surely ahead of {other}"] = float(sum(ahead))
    return found


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return measured()
