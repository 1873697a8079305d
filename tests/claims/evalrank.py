"""Figures that the claims of evalrank compare."""

from functools import cache

import numpy as np
from scipy import stats

import data
from cosimo._arrays import unit
from cosimo.encode import FunctionEncoder
from cosimo.measure import EvalRank

TASKS = {"trec": "text", "subj": "text", "ag_news": "title"}
"""Classification sets, and the column whose texts are classified."""


@cache
def measured():
    """The texts of all sets as every variant has them: STS-B pairs, and 900 labelled texts of each task."""
    import pandas as pd

    from measure.variants import variants

    folder = data.folder()
    pairs = data.parquet("stsb", "stsb_en").query("split != 'train'")
    sets = {}
    for name, column in TASKS.items():
        some = pd.read_parquet(folder / name / f"{name}.parquet").sample(900, random_state=0)
        sets[name] = (list(some[column]), some.label.to_numpy())
    ranked = list(dict.fromkeys([*pairs.sentence1, *pairs.sentence2]))
    vectors = {"stsb": variants(ranked)} | {name: variants(texts) for name, (texts, _) in sets.items()}
    return pairs, ranked, {name: labels for name, (_, labels) in sets.items()}, vectors


def rank(pairs, ranked, X, **how):
    """EvalRank of these vectors (m, d) of the ranked texts."""
    place = {text: i for i, text in enumerate(ranked)}
    zeros = np.zeros(X.shape[1])
    system = FunctionEncoder(lambda texts: np.array([X[place[t]] if t in place else zeros for t in texts]))
    task = EvalRank.read(pairs, at_least=4.5)
    return EvalRank(task.a, task.b, ranked, **how).run(system)


def spearman_of_pairs(pairs, ranked, X):
    place = {text: i for i, text in enumerate(ranked)}
    a, b = (unit(X[[place[text] for text in side]]) for side in (pairs.sentence1, pairs.sentence2))
    return float(stats.spearmanr((a * b).sum(axis=1), pairs.score).statistic)


def transfer(vectors, labels, name, seed):
    """Mean accuracy over the tasks of a linear classifier of 600 texts, on the other 300."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = []
    for task, y in labels.items():
        order = np.random.default_rng(seed).permutation(len(y))
        X, train, test = vectors[task][name], order[:600], order[600:]
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)).fit(X[train], y[train])
        found.append(classifier.score(X[test], y[test]))
    return float(np.mean(found))


@cache
def intrinsic():
    """Both evaluators of every variant, and three reports per pair."""
    pairs, ranked, _, vectors = measured()
    mrr = {name: rank(pairs, ranked, X).metrics["mrr"].value for name, X in vectors["stsb"].items()}
    rho = {name: spearman_of_pairs(pairs, ranked, X) for name, X in vectors["stsb"].items()}
    inputs, constant = vectors["stsb"]["smollm2 input"], np.ones((len(ranked), 2))
    reports = {
        "smollm2 input": rank(pairs, ranked, inputs),
        "smollm2 input, not centred": rank(pairs, ranked, inputs, centre=False),
        "constant": rank(pairs, ranked, constant),
        "constant, ties as published": rank(pairs, ranked, constant, ties="paper"),
    }
    return mrr, rho, {name: report.metrics["mrr"].per_item for name, report in reports.items()}


def run(seed):
    """Agreement with transfer as pseudo-values (7,), one a family, and MRR of single systems, one value a pair."""
    from measure.variants import leaving_families_out

    _, _, labels, vectors = measured()
    mrr, rho, found = intrinsic()
    use = {name: transfer(vectors, labels, name, seed) for name in mrr}

    def agreement(scores):
        return lambda names: float(stats.spearmanr([scores[n] for n in names], [use[n] for n in names]).statistic)

    return found | {
        "mrr": leaving_families_out(agreement(mrr), list(mrr)),
        "sts": leaving_families_out(agreement(rho), list(mrr)),
    }
